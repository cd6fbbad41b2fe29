//! Errors in a version of rules, and errors when reading, writing or testing one.

use client::ClientError;
use model::ParamError;

use crate::error::RunError;
use crate::spec::rule_set::Refusal;

/// An error when reading, writing or testing rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The cluster could not be reached or returned an error.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Reading or writing one of the runner's own topics failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The dataflow file has no derivation of this name with a rules topic.
    #[error(
        "derivation `{derivation}` has no rules topic in the dataflow file; derivations that have one: {known}"
    )]
    NoTopic {
        /// The derivation.
        derivation: String,
        /// The derivations that have a rules topic.
        known: String,
    },
    /// The text is not a list of parameters.
    #[error(
        "these are not parameters ({0}): write one per line, such as `name: 6`, or a JSON object; `{{}}` \
         restores the values of the dataflow file"
    )]
    Unreadable(#[from] serde_yaml::Error),
    /// The version is not valid.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another version was written just before this one.
    #[error(
        "version {newest} was set a moment earlier ({comment}), so this version {version} is ignored: look at \
         the earlier one with `rules list`, then set yours again if you still want it"
    )]
    Outrun {
        /// The version that is ignored.
        version: u32,
        /// The version that applies.
        newest: u32,
        /// The comment in version `newest`.
        comment: String,
    },
    /// A derived record could not be encoded as JSON.
    #[error("a derived record cannot be encoded: {0}")]
    Derived(#[from] serde_json::Error),
}

impl From<ParamError> for RulesError {
    fn from(error: ParamError) -> Self {
        Self::Refused(error.into())
    }
}
