//! Holds the fields of a record as JSON texts, so that unknown fields keep every digit.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The objects in the schemas. If one occurs twice in a record, the fields of both count.
const SECTIONS: [&str; 3] = ["parameters", "server_data", "user_data"];

/// The fields of an object by name. Each value is JSON without spaces between its tokens.
type Object<'r> = BTreeMap<Cow<'r, str>, Cow<'r, str>>;

/// A record, split into the fields of its root and the fields of its sections.
#[derive(Debug, Default)]
pub(crate) struct Fields<'r> {
    root: Object<'r>,
    sections: BTreeMap<&'static str, Object<'r>>,
}

impl<'r> Fields<'r> {
    /// Reads the fields of a record. Returns `None` if the record is not a JSON object.
    pub(crate) fn read(record: &'r [u8]) -> Option<Self> {
        let mut fields = Self::default();
        for (name, value) in pairs(record)? {
            let section = SECTIONS.into_iter().find(|section| name == *section);
            match section.zip(pairs(value.get().as_bytes())) {
                Some((section, pairs)) => {
                    let texts = pairs.into_iter().map(|(name, value)| (name, text(value)));
                    fields.sections.entry(section).or_default().extend(texts);
                }
                None => drop(fields.root.insert(name, text(value))),
            }
        }
        // A section that is null adds nothing to an object of the same name, so it is dropped. A section with
        // any other value that is not an object is an error, and stays for the validation to reject.
        let sections = &fields.sections;
        fields
            .root
            .retain(|name, value| value != "null" || !sections.contains_key(name.as_ref()));
        Some(fields)
    }

    /// Returns the text of a field whose value is an integer; `None` for any other value.
    pub(crate) fn integer(&self, section: &str, name: &str) -> Option<&str> {
        let value = self.sections.get(section)?.get(name)?;
        let digits = value.strip_prefix('-').unwrap_or(value);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_integer.then_some(value)
    }

    /// Returns the number in a field whose value is a numeric string; `None` for any other value.
    pub(crate) fn quoted_number(&self, section: &str, name: &str) -> Option<String> {
        let value = self.sections.get(section)?.get(name)?;
        let inside = serde_json::from_str::<String>(value).ok()?;
        let number = serde_json::from_str::<&RawValue>(&inside).ok()?.get();
        let is_number = number.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        is_number.then(|| number.to_owned())
    }

    /// Sets a field of a section or of the root to a string.
    pub(crate) fn set_text(
        &mut self,
        section: Option<&'static str>,
        name: &'static str,
        value: &str,
    ) {
        let object = match section {
            Some(section) => self.sections.entry(section).or_default(),
            None => &mut self.root,
        };
        object.insert(name.into(), quoted(value).into());
    }

    /// Sets a field of a section to a number.
    pub(crate) fn set_number(&mut self, section: &'static str, name: &'static str, number: String) {
        self.sections
            .entry(section)
            .or_default()
            .insert(name.into(), number.into());
    }
}

impl fmt::Display for Fields<'_> {
    /// Writes JSON without spaces, with names in alphabetical order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = self
            .sections
            .iter()
            .map(|(name, object)| ((*name).into(), written(object).into()));
        let whole: Object<'_> = sections.chain(self.root.clone()).collect();
        f.write_str(&written(&whole))
    }
}

fn written(object: &Object<'_>) -> String {
    let fields: Vec<_> = object
        .iter()
        .map(|(name, value)| format!("{}:{value}", quoted(name)))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a value as JSON: a string without unnecessary escapes, any other value without spaces between
/// tokens.
fn text(value: &RawValue) -> Cow<'_, str> {
    let raw = value.get();
    if !raw.contains(['\\', ' ', '\t', '\n', '\r']) {
        return raw.into();
    }
    match serde_json::from_str::<String>(raw) {
        Ok(decoded) => quoted(&decoded).into(),
        Err(_) => without_space(raw).into(),
    }
}

fn without_space(raw: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |character: &char| {
        let closes_or_opens = *character == '"' && !escaped;
        in_string ^= closes_or_opens;
        escaped = in_string && !escaped && *character == '\\';
        in_string || !matches!(*character, ' ' | '\t' | '\n' | '\r')
    };
    raw.chars().filter(keep).collect()
}

/// Returns the fields of a JSON object in their order, including repeated ones; `None` for any other value.
fn pairs(json: &[u8]) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_slice::<Pairs<'_>>(json)
        .ok()
        .map(|pairs| pairs.0)
}

struct Pairs<'r>(Vec<(Cow<'r, str>, &'r RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            pairs.push((name.into(), value));
        }
        Ok(Pairs(pairs))
    }
}
