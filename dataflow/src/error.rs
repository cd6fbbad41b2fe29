//! What ends the runner, or one attempt of a derivation.

use client::ClientError;
use model::{ParamError, PartialError};

/// An error of the runner.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cluster, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A SmartModule that was not built.
    #[error("SmartModule `{0}` was not built: run `make wasm`, then build again")]
    ModuleMissing(String),
    /// A derivation's parameters.
    #[error(transparent)]
    Parameter(#[from] ParamError),
    /// A partial that cannot be read.
    #[error("`{topic}-{partition}`: {cause}")]
    Partial {
        /// The source topic.
        topic: String,
        /// Its partition.
        partition: u32,
        /// What is wrong with it.
        cause: PartialError,
    },
    /// The SmartModule's output does not go on where it left off.
    #[error(
        "`{topic}-{partition}`: the SmartModule went on at offset `{found}` instead of `{expected}`; the records between are read again"
    )]
    OffsetGap {
        /// The source topic.
        topic: String,
        /// Its partition.
        partition: u32,
        /// The next offset that should have come.
        expected: i64,
        /// The offset that came.
        found: i64,
    },
    /// The cluster did not hear from this runner for a while, so another one may have taken over.
    #[error(
        "the lease of derivation `{0}` may have run out; it has to be acquired again before anything is written"
    )]
    LeaseLost(String),
    /// A replay into a topic that holds records.
    #[error("topic `{0}` holds records already: replay into another suffix, or delete it first")]
    ReplayInto(String),
    /// The source has more partitions than when the derivation was started.
    #[error("`{topic}` has grown to `{partitions}` partitions; all of them are read from now on")]
    PartitionsGrown {
        /// The source topic.
        topic: String,
        /// How many it has now.
        partitions: u32,
    },
    /// A checkpoint that cannot be read.
    #[error("the checkpoint of `{derivation}` at offset `{offset}` of `{topic}` cannot be read: {cause}", topic = crate::CHECKPOINTS)]
    Checkpoint {
        /// The derivation.
        derivation: String,
        /// Where it stands.
        offset: i64,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A derivation whose windows are not those that its last checkpoint was made for.
    #[error(
        "derivation `{derivation}` has been {was} and is {now} in this map: its open windows would be made from both; give what is new a name of its own, or go back"
    )]
    Redefined {
        /// The derivation.
        derivation: String,
        /// What its last checkpoint says.
        was: String,
        /// What the map says.
        now: String,
    },
    /// A snapshot that cannot be encoded or read.
    #[error(
        "a snapshot of `{derivation}` cannot be used ({cause}): was it written by another version?"
    )]
    Snapshot {
        /// The derivation.
        derivation: String,
        /// What is wrong with it.
        cause: postcard::Error,
    },
    /// A derived record that cannot be read, or written as JSON.
    #[error("a record of derived topic `{topic}` is not of its form: {cause}")]
    Derived {
        /// The derived topic.
        topic: String,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A task of the runner ended by itself.
    #[error("derivation `{0}` ended unexpectedly: this is a defect, please report it with the log")]
    TaskEnded(String),
}

impl RunError {
    /// Whether starting the derivation again from its checkpoint may help.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Client(error) => error.is_retryable(),
            Self::OffsetGap { .. } | Self::PartitionsGrown { .. } | Self::LeaseLost(_) => true,
            _ => false,
        }
    }
}
