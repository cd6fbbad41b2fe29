//! Errors that end the runner, or one attempt to run a derivation.

use std::fmt;
use std::sync::Arc;

use client::{ClientError, Offset, Partition};
use model::{ParamError, PartialError};

/// An error of the runner.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cluster could not be reached or returned an error.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The SmartModule has not been built.
    #[error("SmartModule `{0}` was not built: run `make wasm`, then build again")]
    ModuleMissing(String),
    /// The parameters of a derivation are invalid.
    #[error(transparent)]
    Parameter(#[from] ParamError),
    /// A partial could not be decoded.
    #[error("`{topic}-{partition}`: {cause}")]
    Partial {
        /// The source topic.
        topic: String,
        /// The partition of the source.
        partition: Partition,
        /// The error in the partial.
        cause: PartialError,
    },
    /// A partial does not begin where the partial before it has ended.
    #[error(
        "`{topic}-{partition}`: the SmartModule continued at offset {found} instead of {expected}; the records \
         in between are read again"
    )]
    OffsetGap {
        /// The source topic.
        topic: String,
        /// The partition of the source.
        partition: Partition,
        /// The expected offset.
        expected: Offset,
        /// The offset that was received.
        found: Offset,
    },
    /// Another runner holds the lease.
    #[error("another runner has taken over derivation `{0}`; this one waits until it stops")]
    LeaseLost(String),
    /// The target topic of a replay already contains records.
    #[error(
        "topic `{0}` already contains records: replay with a different suffix, or delete the topic first"
    )]
    ReplayInto(String),
    /// The source has more partitions than when the derivation started.
    #[error("`{topic}` has grown to {partitions} partitions; all of them are read from now on")]
    PartitionsGrown {
        /// The source topic.
        topic: String,
        /// The current number of partitions.
        partitions: u32,
    },
    /// A stream that several derivations share has failed. It may succeed when it is opened again.
    #[error(transparent)]
    SharedRead(Arc<ClientError>),
    /// A checkpoint could not be decoded.
    #[error(
        "the checkpoint of `{derivation}` at offset {offset} of `{topic}` cannot be read: {cause}",
        topic = crate::CHECKPOINTS
    )]
    Checkpoint {
        /// The derivation.
        derivation: String,
        /// The offset of the checkpoint.
        offset: Offset,
        /// The error in the checkpoint.
        cause: serde_json::Error,
    },
    /// The derivation's source, windows or query differ from those in its last checkpoint.
    #[error(
        "derivation `{derivation}` has been {was} and is {now} in this dataflow file: its open windows would \
         mix both definitions; rename the changed derivation or revert it"
    )]
    Redefined {
        /// The derivation.
        derivation: String,
        /// The definition in the last checkpoint.
        was: String,
        /// The definition in the dataflow file.
        now: String,
    },
    /// A source partition no longer holds the log that the derivation has read.
    #[error(
        "`{topic}-{partition}` is not the log that derivation `{derivation}` has read up to offset \
         {next_offset}: {found}; the topic was deleted and created again, or its server lost records. \
         Nothing is written until `game-analytics run --reset {derivation}` lets it start from the topic's \
         current content; its rows stay as they are"
    )]
    SourceReplaced {
        /// The derivation.
        derivation: String,
        /// The source topic.
        topic: String,
        /// The partition of the source.
        partition: Partition,
        /// The offset up to which the partition has been read.
        next_offset: Offset,
        /// The evidence that the partition holds a different log.
        found: String,
    },
    /// The topic of a table has several partitions.
    #[error(
        "the table `{topic}` has {partitions} partitions, but the order of its changes is known only in one: create \
         its topic again with one partition"
    )]
    TablePartitions {
        /// The topic of the table.
        topic: String,
        /// The number of its partitions.
        partitions: u32,
    },
    /// The topic of a table has fewer records than have been read.
    #[error("the table `{0}` was deleted and created again; it is read from its beginning")]
    TableReplaced(String),
    /// The derivation is not in the dataflow file.
    #[error("the dataflow file has no derivation `{name}`; it has {}", known.join(", "))]
    NoDerivation {
        /// The name that was given.
        name: String,
        /// The derivations in the dataflow file.
        known: Vec<String>,
    },
    /// The derivation needs no reset: its source still holds the log that it has read, or it has read nothing.
    #[error(
        "`{topic}` is the log that derivation `{derivation}` has read so far: there is nothing to reset"
    )]
    NothingToReset {
        /// The derivation.
        derivation: String,
        /// The source topic of the derivation.
        topic: String,
    },
    /// A snapshot could not be encoded or decoded.
    #[error(
        "a snapshot of `{derivation}` cannot be used ({cause}): was it written by a different version?"
    )]
    Snapshot {
        /// The derivation.
        derivation: String,
        /// The error in the snapshot.
        cause: postcard::Error,
    },
    /// A record of a topic that the runner reads or writes could not be decoded or encoded.
    #[error("cannot {action} a record of topic `{topic}`: {cause}")]
    Topic {
        /// The topic.
        topic: String,
        /// The failed operation.
        action: TopicAction,
        /// The error in the record.
        cause: serde_json::Error,
    },
    /// The readers of a derivation ended unexpectedly.
    #[error("derivation `{0}` ended unexpectedly: this is a defect, please report it with the log")]
    TaskEnded(String),
    /// A derivation panicked.
    #[error(
        "derivation `{derivation}` panicked: {panic}; this is a defect, please report it with the log"
    )]
    DerivationPanicked {
        /// The derivation.
        derivation: String,
        /// The panic's message.
        panic: String,
    },
}

/// An operation on a record of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicAction {
    /// Decoding the record.
    Read,
    /// Encoding the record.
    Write,
}

impl fmt::Display for TopicAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

impl RunError {
    /// For `map_err` when decoding a record of `topic`.
    pub(crate) fn reading(topic: &str) -> impl FnOnce(serde_json::Error) -> Self {
        Self::topic(topic, TopicAction::Read)
    }

    /// For `map_err` when encoding a record of `topic`.
    pub(crate) fn writing(topic: &str) -> impl FnOnce(serde_json::Error) -> Self {
        Self::topic(topic, TopicAction::Write)
    }

    fn topic(topic: &str, action: TopicAction) -> impl FnOnce(serde_json::Error) -> Self {
        move |cause| Self::Topic {
            topic: topic.to_owned(),
            action,
            cause,
        }
    }

    /// For `map_err` when decoding a partial of a source partition.
    pub(crate) fn partial(topic: &str, partition: Partition) -> impl FnOnce(PartialError) -> Self {
        move |cause| Self::Partial {
            topic: topic.to_owned(),
            partition,
            cause,
        }
    }

    /// For `map_err` when encoding or decoding a snapshot of a derivation.
    pub(crate) fn snapshot(derivation: &str) -> impl FnOnce(postcard::Error) -> Self {
        move |cause| Self::Snapshot {
            derivation: derivation.to_owned(),
            cause,
        }
    }

    /// Whether trying again may help: reading again, or restarting the derivation from its checkpoint.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            // A failing SmartModule is retried, although it may fail again: an error that is neither retried nor left
            // to an operator (`awaits_operator`) stops all derivations.
            Self::Client(error) => {
                error.is_retryable() || matches!(error, ClientError::ModuleFailed { .. })
            }
            Self::SharedRead(_) => true,
            Self::OffsetGap { .. }
            | Self::PartitionsGrown { .. }
            | Self::LeaseLost(_)
            | Self::TableReplaced(_) => true,
            _ => false,
        }
    }

    /// Whether the derivation waits until an operator has created its source topic or has reset the derivation.
    /// Other derivations continue.
    pub(crate) fn awaits_operator(&self) -> bool {
        match self {
            Self::Client(error) => matches!(error, ClientError::TopicMissing { .. }),
            Self::SourceReplaced { .. } | Self::TablePartitions { .. } => true,
            _ => false,
        }
    }
}
