//! Parameters: the settings of `dataflow.yaml` as names and texts. SmartModules and the runner both read them.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Parameters by name, as Fluvio passes them to a SmartModule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, String>);

/// A parameter that is missing, unknown or invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// A parameter's value cannot be parsed or is out of range.
    #[error("parameter `{name}` is `{value}`: {expected} is expected")]
    Invalid {
        /// The parameter's name.
        name: String,
        /// The invalid value.
        value: String,
        /// A description of valid values.
        expected: &'static str,
    },
    /// A parameter's value is refused: for example, a part of it cannot be read, or it contradicts another
    /// parameter.
    #[error("parameter `{name}` is `{value}`: {problem}")]
    Refused {
        /// The parameter's name.
        name: String,
        /// The invalid value.
        value: String,
        /// What is wrong and, where possible, how to correct it.
        problem: String,
    },
    /// A parameter that has no default was not given.
    #[error("parameter `{name}` is missing: {expected} is expected")]
    Missing {
        /// The parameter's name.
        name: String,
        /// A description of valid values.
        expected: &'static str,
    },
    /// No parameter has this name.
    #[error("unknown parameter `{name}`; known parameters: {known}")]
    Unknown {
        /// The unknown name.
        name: String,
        /// The known names, as a list.
        known: String,
    },
}

impl ParamError {
    /// Returns the name of the parameter.
    pub fn parameter(&self) -> &str {
        match self {
            Self::Invalid { name, .. }
            | Self::Refused { name, .. }
            | Self::Missing { name, .. }
            | Self::Unknown { name, .. } => name,
        }
    }
}

impl Params {
    /// Returns the value of `name`, or `default` if it is not given.
    pub fn get<T: FromStr>(
        &self,
        name: &str,
        expected: &'static str,
        default: T,
    ) -> Result<T, ParamError> {
        self.find(name, expected)
            .map(|found| found.unwrap_or(default))
    }

    /// Returns the value of `name`. Fails if it is not given.
    pub fn require<T: FromStr>(&self, name: &str, expected: &'static str) -> Result<T, ParamError> {
        let missing = || ParamError::Missing {
            name: name.to_owned(),
            expected,
        };
        self.find(name, expected)?.ok_or_else(missing)
    }

    /// Returns `name` as a number of milliseconds above 0. If it is not given, returns `default`, or fails if there
    /// is no default.
    pub fn positive_ms(&self, name: &str, default: Option<i64>) -> Result<i64, ParamError> {
        let expected = "a number of milliseconds";
        let ms = match default {
            Some(default) => self.get(name, expected, default)?,
            None => self.require(name, expected)?,
        };
        let invalid = || ParamError::Invalid {
            name: name.to_owned(),
            value: ms.to_string(),
            expected: "a number of milliseconds above 0",
        };
        if ms > 0 { Ok(ms) } else { Err(invalid()) }
    }

    /// Returns the text of a parameter, if it is given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Fails if a parameter is not among `known`.
    pub fn refuse_unknown(&self, known: &[&str]) -> Result<(), ParamError> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(ParamError::Unknown {
                name: name.clone(),
                known: known.join(", "),
            }),
            None => Ok(()),
        }
    }

    fn find<T: FromStr>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, ParamError> {
        let invalid = |value: &String| ParamError::Invalid {
            name: name.to_owned(),
            value: value.clone(),
            expected,
        };
        self.0
            .get(name)
            .map(|value| value.parse().map_err(|_| invalid(value)))
            .transpose()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
