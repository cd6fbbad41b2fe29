//! Parameters: how `dataflow.yaml` reaches a SmartModule and the runner alike, as names and texts.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Named parameters, as Fluvio hands them to a SmartModule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, String>);

/// A parameter that is missing, unknown or not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The value cannot be read.
    #[error("parameter `{name}` is `{value}`: {expected} is expected")]
    Invalid {
        /// The parameter.
        name: String,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// It has no default and was not given.
    #[error("parameter `{name}` is missing: {expected} is expected")]
    Missing {
        /// The parameter.
        name: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Nothing takes this parameter.
    #[error("parameter `{name}` is unknown: known are {known}")]
    Unknown {
        /// The parameter.
        name: String,
        /// The names that are known, as a list.
        known: String,
    },
}

impl ParamError {
    /// The name of the parameter.
    pub fn parameter(&self) -> &str {
        match self {
            Self::Invalid { name, .. }
            | Self::Missing { name, .. }
            | Self::Unknown { name, .. } => name,
        }
    }
}

impl Params {
    /// The value of `name`, or `default` where it was not given.
    pub fn get<T: FromStr>(
        &self,
        name: &str,
        expected: &'static str,
        default: T,
    ) -> Result<T, ParamError> {
        self.find(name, expected)
            .map(|found| found.unwrap_or(default))
    }

    /// The value of `name`, which must be given.
    pub fn require<T: FromStr>(&self, name: &str, expected: &'static str) -> Result<T, ParamError> {
        let missing = || ParamError::Missing {
            name: name.to_owned(),
            expected,
        };
        self.find(name, expected)?.ok_or_else(missing)
    }

    /// A number of milliseconds above 0; `default` where it was not given, if there is one.
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

    /// Refuses parameters that are not among `known`.
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
