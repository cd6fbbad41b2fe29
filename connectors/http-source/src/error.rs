//! What can be wrong with a configuration, and what ends a connector that runs. No text of these holds a secret.

use client::ClientError;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not YAML, or not of the file's form; the text names line and column, and what was likely meant.
    #[error("the configuration cannot be read: {0}")]
    Syntax(String),
    /// A value that does not do.
    #[error("`{place}` is `{value}`: {expected}")]
    Invalid {
        /// Where in the file.
        place: String,
        /// What stands there, before secrets are put in.
        value: String,
        /// What should.
        expected: String,
    },
    /// A secret that is named wrongly or has no value.
    #[error("{place} names secret `{name}`: {expected}")]
    Secret {
        /// Where in the file.
        place: String,
        /// The secret's name.
        name: String,
        /// What to do.
        expected: String,
    },
    /// A file of secrets that cannot be read.
    #[error("line {line} of the secrets: {expected}")]
    SecretsFile {
        /// The line, as editors count.
        line: usize,
        /// What to write there.
        expected: &'static str,
    },
}

/// Why a connector has stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The cluster does not take the records, for good.
    #[error("writing to the cluster: {0}")]
    Cluster(#[from] ClientError),
    /// A SmartModule that records are to go through cannot run.
    #[error("`transforms`: {0}")]
    Transforms(String),
    /// No HTTP client can be made from the configuration.
    #[error("setting up the connection to `{endpoint}`: {reason}")]
    Setup {
        /// The endpoint, without what may be secret.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The cluster did not take what was left in time.
    #[error(
        "`{records}` received records were not acknowledged within {seconds} s of the request to stop: see whether the \
         cluster answers"
    )]
    Undelivered {
        /// How many.
        records: u64,
        /// How long was waited.
        seconds: u64,
    },
}
