//! Errors in a configuration, and errors that end a running connector. None of their texts contains a secret.

use client::ClientError;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is not YAML, or does not have the structure of a configuration. The message contains line and
    /// column, and a suggestion for an unknown key.
    #[error("the configuration cannot be read: {0}")]
    Syntax(String),
    /// A value that is not allowed.
    #[error("`{place}` is `{value}`: {expected}")]
    Invalid {
        /// Where in the file.
        place: String,
        /// The value, before secrets are inserted.
        value: String,
        /// What is expected instead.
        expected: String,
    },
    /// A secret that is not declared or has no value.
    #[error("{place} names secret `{name}`: {expected}")]
    Secret {
        /// Where in the file.
        place: String,
        /// The secret's name.
        name: String,
        /// What to do.
        expected: String,
    },
    /// A line of the file of secrets that cannot be parsed.
    #[error("line {line} of the secrets file: {expected}")]
    SecretsFile {
        /// The line number, from 1.
        line: usize,
        /// What to write there.
        expected: &'static str,
    },
}

/// Why a connector has stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A topic cannot be created, or the cluster has refused a record permanently.
    #[error("cannot write to the cluster: {0}")]
    Cluster(#[from] ClientError),
    /// A SmartModule of `transforms` cannot be loaded.
    #[error("`transforms`: {0}")]
    Transforms(String),
    /// The HTTP client or TLS cannot be set up with this configuration.
    #[error("cannot set up the connection to `{endpoint}`: {reason}")]
    Setup {
        /// The endpoint, without parts that may be secret.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The cluster did not acknowledge the remaining records in time.
    #[error(
        "`{records}` received records were not acknowledged within {seconds} s after the stop request; check \
         that the cluster is reachable"
    )]
    Undelivered {
        /// The number of unacknowledged records.
        records: u64,
        /// The length of the wait, in seconds.
        seconds: u64,
    },
}
