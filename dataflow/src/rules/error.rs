//! What is wrong with a version of rules, or with the attempt to write one.

use client::ClientError;
use model::ParamError;

use crate::error::RunError;

/// Why a record of a rules topic does not count.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not of the form of a version.
    #[error("it is no version of rules: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A version of this number or a higher one came before it.
    #[error("version `{version}` is not above version `{newest}`, which came before it")]
    Old {
        /// Its version.
        version: u32,
        /// The version before it.
        newest: u32,
    },
    /// The derivation does not take its parameters.
    #[error(transparent)]
    Parameter(#[from] ParamError),
    /// The runner passed it over, though nothing is wrong with it by this map.
    #[error(
        "the runner could not use it when it came: its log says why; does it run with the same map?"
    )]
    ByRunner,
}

/// An error of reading, writing or trying out rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The cluster, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The runner's own topics.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The derivation takes no new rules.
    #[error(
        "derivation `{derivation}` has no topic of rules in the dataflow map; those that have one: {known}"
    )]
    NoTopic {
        /// The derivation.
        derivation: String,
        /// Those that have one.
        known: String,
    },
    /// Not a list of parameters.
    #[error(
        "these are no parameters ({0}): write one a line, such as `name: 6`, or a JSON object; `{{}}` goes back to the map"
    )]
    Unreadable(#[from] serde_yaml::Error),
    /// What is to be written, or was, does not count.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else wrote a version at the same time, which came first.
    #[error(
        "somebody set version `{newest}` a moment earlier ({comment}), so that this version `{version}` does not count: look at it with `rules list`, then set yours again if it is still wanted"
    )]
    Outrun {
        /// The version that does not count.
        version: u32,
        /// The one that does.
        newest: u32,
        /// What its writer said.
        comment: String,
    },
    /// A derived record that is no JSON.
    #[error("a derived record cannot be made: {0}")]
    Derived(#[from] serde_json::Error),
}

impl From<ParamError> for RulesError {
    fn from(error: ParamError) -> Self {
        Self::Refused(error.into())
    }
}
