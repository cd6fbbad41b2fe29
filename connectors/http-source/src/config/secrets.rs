//! Looks up the values of secrets, inserts them into texts, and keeps these values out of logs and messages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::error::ConfigError;

use super::suggestion::nearest;

const OPEN: &str = "${{";
const CLOSE: &str = "}}";

/// Where the values of secrets are looked up.
#[derive(Clone, Default)]
pub struct Secrets {
    /// The values by name; `None` if they are in the environment.
    file: Option<BTreeMap<String, String>>,
}

impl Secrets {
    /// Looks up secrets in the environment variables of the process.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::default()
    }

    /// Parses the text of a file with `NAME=value` on each line. Skips blank lines and those that begin with `#`.
    pub fn from_file(text: &str) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() || text.trim_start().starts_with('#') {
                continue;
            }
            // The error does not quote the line, which may contain a secret.
            let Some((name, value)) = text.split_once('=') else {
                let expected = "write NAME=value";
                return Err(ConfigError::SecretsFile { line, expected });
            };
            if !is_name(name.trim()) {
                let expected = "before `=` give a name of letters, digits and underscores";
                return Err(ConfigError::SecretsFile { line, expected });
            }
            values.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        Ok(Self { file: Some(values) })
    }

    fn get(&self, name: &str) -> Option<String> {
        match &self.file {
            Some(values) => values.get(name).cloned(),
            None => std::env::var(name).ok(),
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.file.as_ref().map_or("the environment", |_| "a file");
        write!(formatter, "Secrets(from {from})")
    }
}

/// A text into which the values of its secrets have been inserted. Its debug output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    text: String,
    /// Whether the text contains the value of a secret.
    pub(crate) is_secret: bool,
}

impl Filled {
    /// Returns the text with its secrets. It must not appear in logs or messages.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The values of all secrets that have been inserted, to remove them from messages, such as those of libraries.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Censor(BTreeSet<String>);

impl Censor {
    /// Returns the text with `***` instead of each value of a secret.
    pub(crate) fn strike(&self, text: &str) -> String {
        // Longer values are replaced first. Otherwise, a value that is part of a longer one would be replaced
        // inside it, and the rest of the longer one would stay visible.
        let mut values: Vec<&String> = self.0.iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.into_iter().fold(text.to_owned(), |text, value| {
            text.replace(value.as_str(), "***")
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Censor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Censor({} values)", self.0.len())
    }
}

/// Inserts the values of declared secrets into texts.
pub(super) struct Filler<'s> {
    secrets: &'s Secrets,
    declared: BTreeSet<String>,
    pub(super) censor: Censor,
}

impl<'s> Filler<'s> {
    pub(super) fn new(
        secrets: &'s Secrets,
        declared: impl Iterator<Item = String>,
    ) -> Result<Self, ConfigError> {
        let declared: BTreeSet<String> = declared.collect();
        if let Some(name) = declared.iter().find(|name| !is_name(name)) {
            return Err(ConfigError::Invalid {
                place: "meta.secrets".to_owned(),
                value: name.clone(),
                expected: "give a name of letters, digits and underscores that does not begin with a digit"
                    .to_owned(),
            });
        }
        Ok(Self {
            secrets,
            declared,
            censor: Censor::default(),
        })
    }

    pub(super) fn fill(&mut self, place: &str, text: &str) -> Result<Filled, ConfigError> {
        let (mut filled, mut left, mut is_secret) = (String::new(), text, false);
        while let Some((before, after)) = left.split_once(OPEN) {
            let named = after
                .split_once(CLOSE)
                .and_then(|(inner, rest)| Some((inner.trim().strip_prefix("secrets.")?, rest)));
            let Some((name, rest)) = named else {
                // The error quotes only the expression in braces: the text around it may be a secret that was not
                // declared.
                let inner = after.split_once(CLOSE).map(|(inner, _)| inner);
                return Err(ConfigError::Invalid {
                    place: place.to_owned(),
                    value: inner
                        .map_or_else(|| OPEN.to_owned(), |inner| format!("{OPEN}{inner}{CLOSE}")),
                    expected: "write `${{ secrets.NAME }}`; no other expression is supported"
                        .to_owned(),
                });
            };
            filled.push_str(before);
            filled.push_str(&self.value(place, name.trim())?);
            (left, is_secret) = (rest, true);
        }
        filled.push_str(left);
        Ok(Filled {
            text: filled,
            is_secret,
        })
    }

    fn value(&mut self, place: &str, name: &str) -> Result<String, ConfigError> {
        let refuse = |expected: String| ConfigError::Secret {
            place: place.to_owned(),
            name: name.to_owned(),
            expected,
        };
        if !self.declared.contains(name) {
            let declared = self.declared.iter().map(String::as_str);
            let hint = nearest(name, declared)
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(refuse(format!("declare it in `meta.secrets`{hint}")));
        }
        let value = self.secrets.get(name).filter(|value| !value.is_empty());
        let Some(value) = value else {
            let where_to = match &self.secrets.file {
                Some(_) => "the file of secrets has no value for it: add a line NAME=value",
                None => "set the environment variable of that name, or give a file of secrets",
            };
            return Err(refuse(where_to.to_owned()));
        };
        // A message may quote the value as a JSON string, in which quotes and backslashes are escaped.
        let quoted = serde_json::Value::from(value.as_str()).to_string();
        self.censor.0.insert(quoted[1..quoted.len() - 1].to_owned());
        self.censor.0.insert(value.clone());
        Ok(value)
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
