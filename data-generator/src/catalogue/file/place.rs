//! Places in the file. Lists, and values that depend on each other, are checked after the text has been parsed, and the
//! parsed values do not contain their lines.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The way from the top of the file to a value.
#[derive(Debug, Clone)]
pub(super) struct Place(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Field(String),
    /// An item of a list, counted from 0.
    Item(usize),
}

/// A value that breaks a rule.
#[derive(Debug)]
pub(super) struct Wrong {
    place: Place,
    reason: String,
}

impl Place {
    pub(super) fn of(section: &str) -> Self {
        Self(vec![Step::Field(section.to_owned())])
    }

    pub(super) fn field(&self, name: &str) -> Self {
        self.followed_by(Step::Field(name.to_owned()))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.followed_by(Step::Item(index))
    }

    fn followed_by(&self, step: Step) -> Self {
        Self([&self.0[..], &[step]].concat())
    }

    /// Returns the error for the value at this place.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> Wrong {
        Wrong {
            place: self.clone(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if number == 0 => formatter.write_str(name)?,
                Step::Field(name) => write!(formatter, ".{name}")?,
                Step::Item(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Wrong {
    /// Returns the message, in the form of the YAML parser's messages, with the line of the value in `yaml`.
    pub(super) fn message(&self, yaml: &str) -> String {
        let Self { place, reason } = self;
        let found = Probe(&place.0).deserialize(serde_yaml::Deserializer::from_str(yaml));
        match found.err().and_then(|error| error.location()) {
            Some(location) => {
                let (line, column) = (location.line(), location.column());
                format!("{place}: {reason} at line {line} column {column}")
            }
            None => format!("{place}: {reason}"),
        }
    }
}

/// Walks to a place in a YAML text and refuses the value there. The parser's error has the location of the value.
struct Probe<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.split_first() {
            None => deserializer.deserialize_any(Refusal),
            Some((Step::Field(name), rest)) => {
                deserializer.deserialize_map(FieldProbe { name, rest })
            }
            Some((Step::Item(index), rest)) => deserializer.deserialize_seq(ItemProbe {
                index: *index,
                rest,
            }),
        }
    }
}

struct FieldProbe<'a> {
    name: &'a str,
    rest: &'a [Step],
}

impl<'de> Visitor<'de> for FieldProbe<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key == self.name {
                true => map.next_value_seed(Probe(self.rest))?,
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct ItemProbe<'a> {
    index: usize,
    rest: &'a [Step],
}

impl<'de> Visitor<'de> for ItemProbe<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for _ in 0..self.index {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Probe(self.rest))?;
        Ok(())
    }
}

/// Accepts no value.
struct Refusal;

impl Visitor<'_> for Refusal {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("another value")
    }
}
