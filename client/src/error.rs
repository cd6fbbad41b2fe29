//! What can go wrong between us and a cluster, sorted by what the caller does about it: try again, fix something, stop.

use fluvio::dataplane::link::ErrorCode;
use fluvio::{FluvioError, ProducerError};
use fluvio_sc_schema::ApiError;

use crate::trouble::{Trouble, Wrong};

/// How a server begins when a SmartModule has trapped or panicked.
const TRAPPED: &str = "SmartModule err";
/// What it says when a stream is to start behind the partition's end.
const BEYOND_END: &str = "is greater than leo";
/// What helps where a server is up and its address leads elsewhere.
const REGISTER: &str = "; where it is up, register it with an address that clients reach (`game-analytics cluster register-spu --public HOST:PORT`), or, inside the cluster's own network, use --spu-local-addresses";

/// An error of the client, one variant for each thing a caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the cluster's address, or what answers is no Fluvio cluster. Start it, then try again.
    #[error("cannot connect to a fluvio cluster at `{address}`: {reason}")]
    Unreachable {
        /// The address that was tried.
        address: String,
        /// What the attempt ended with, and what to do.
        reason: String,
    },
    /// The controller answers, and one of the servers that it names does not. Either it is down, or its address, which
    /// is the one that it was registered with, is of no use from here.
    #[error(
        "{what} failed: the cluster answers, but not its server (SPU) at `{address}`, the address that it is registered with: {reason}"
    )]
    ServerUnreachable {
        /// What was being done.
        what: String,
        /// The server's address, as the controller knows it.
        address: String,
        /// What the attempt ended with, and what to do.
        reason: String,
    },
    /// A connection was lost or a server was not ready. Try again after a pause.
    #[error("{what} failed: {reason}; try again")]
    Retry {
        /// What was being done.
        what: String,
        /// What the cluster or the connection said.
        reason: String,
    },
    /// Something that was asked for does not fit the cluster. Trying again changes nothing; a person must.
    #[error("{what} failed: {reason}")]
    Configuration {
        /// What was being done.
        what: String,
        /// What is wrong and how to put it right.
        reason: String,
    },
    /// The records at this offset are gone: retention has removed them.
    #[error(
        "offset `{offset}` of `{topic}-{partition}` has been evicted; the first that remains is `{next_available}`"
    )]
    Evicted {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset that was asked for.
        offset: i64,
        /// The first offset that can still be read.
        next_available: i64,
    },
    /// A SmartModule failed, or a record cannot be read or written whatever we do.
    #[error("{what} failed for good: {reason}")]
    Fatal {
        /// What was being done.
        what: String,
        /// What the cluster said.
        reason: String,
    },
}

impl ClientError {
    /// True when the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::ServerUnreachable { .. } | Self::Retry { .. }
        )
    }

    pub(crate) fn retry(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Retry {
            what: what.into(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn configuration(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Configuration {
            what: what.into(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn fatal(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Fatal {
            what: what.into(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn server_unreachable(what: String, address: &str, wrong: &Wrong) -> Self {
        let advice = if wrong.may_be_another_address() {
            REGISTER
        } else {
            ""
        };
        Self::ServerUnreachable {
            what,
            address: address.to_owned(),
            reason: format!("{wrong}{advice}"),
        }
    }

    /// Sorts an error of the `fluvio` crate, which hides its types in an `anyhow::Error`.
    pub(crate) fn from_fluvio(what: impl Into<String>, error: &anyhow::Error) -> Self {
        let what = what.into();
        if let Some(code) = code_of(error) {
            return Self::from_code(what, code);
        }
        // The controller is asked first, with errors of its own: what is not reached now is a server.
        if let Some(Trouble { address, wrong }) = Trouble::inside(error) {
            return Self::server_unreachable(what, address, wrong);
        }
        match error.downcast_ref::<FluvioError>() {
            Some(FluvioError::TopicNotFound(topic)) => Self::configuration(
                what,
                format!("topic `{topic}` does not exist; create it first"),
            ),
            Some(FluvioError::PartitionNotFound(topic, partition)) => Self::configuration(
                what,
                format!("partition `{topic}-{partition}` does not exist"),
            ),
            Some(
                FluvioError::MinimumPlatformVersion { .. }
                | FluvioError::MaximumPlatformVersion { .. }
                | FluvioError::ClientConfig(_)
                | FluvioError::ConsumerConfig(_)
                | FluvioError::Compression(_),
            ) => Self::configuration(what, error),
            Some(FluvioError::SmartModuleRuntime(_)) => Self::fatal(what, error),
            _ => Self::retry(what, format!("{error:#}")),
        }
    }

    /// Sorts an error code that a server answered with.
    pub(crate) fn from_code(what: impl Into<String>, code: &ErrorCode) -> Self {
        match code {
            ErrorCode::SmartModuleRuntimeError(_)
            | ErrorCode::SmartModuleInitError(_)
            | ErrorCode::SmartModuleLookBackError(_)
            | ErrorCode::SmartModuleMemoryLimitExceeded { .. }
            | ErrorCode::MessageTooLarge => Self::fatal(what, code),
            // Servers learn of a new SmartModule a moment after the controller has acknowledged it.
            ErrorCode::SmartModuleNotFound { .. } => Self::retry(what, code),
            ErrorCode::SmartModuleError
            | ErrorCode::SmartModuleInvalid { .. }
            | ErrorCode::SmartModuleInvalidExports { .. }
            | ErrorCode::SmartModuleChainInitError(_)
            | ErrorCode::OffsetOutOfRange
            | ErrorCode::PermissionDenied
            | ErrorCode::InvalidCreateRequest
            | ErrorCode::TopicNotFound
            | ErrorCode::TopicDeleted
            | ErrorCode::TopicInvalidConfiguration
            | ErrorCode::TopicInvalidName
            | ErrorCode::TopicInvalidReplicaType
            | ErrorCode::CompressionError => Self::configuration(what, code),
            // Two things that servers say in words only, and that trying again does not change.
            ErrorCode::Other(text) if text.starts_with(TRAPPED) => Self::fatal(what, text),
            ErrorCode::Other(text) if text.contains(BEYOND_END) => Self::configuration(what, text),
            other => Self::retry(what, other),
        }
    }
}

/// The server's error code inside an error of the `fluvio` crate, if there is one.
pub(crate) fn code_of(error: &anyhow::Error) -> Option<&ErrorCode> {
    if let Some(code) = error.downcast_ref::<ErrorCode>() {
        return Some(code);
    }
    if let Some(ApiError::Code(code, _)) = error.downcast_ref() {
        return Some(code);
    }
    match error.downcast_ref::<FluvioError>()? {
        FluvioError::AdminApi(ApiError::Code(code, _)) => Some(code),
        FluvioError::Producer(ProducerError::SpuErrorCode(code)) => Some(code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: ErrorCode) -> ClientError {
        ClientError::from_code("reading `clicks-0`", &code)
    }

    #[test]
    fn a_trap_is_for_good_and_not_for_another_try() {
        let trapped = "SmartModule err wasm trap: out of bounds memory access";
        assert!(matches!(
            sorted(ErrorCode::Other(trapped.to_owned())),
            ClientError::Fatal { .. }
        ));
    }

    #[test]
    fn an_offset_behind_the_end_is_for_a_person_to_look_at() {
        let beyond = "start offset: 10 is greater than leo: 3";
        assert!(matches!(
            sorted(ErrorCode::Other(beyond.to_owned())),
            ClientError::Configuration { .. }
        ));
        assert!(matches!(
            sorted(ErrorCode::OffsetOutOfRange),
            ClientError::Configuration { .. }
        ));
    }

    #[test]
    fn what_a_pause_can_cure_is_retryable_wherever_the_code_hides() {
        let code = || ErrorCode::NotLeaderForPartition;
        assert!(sorted(code()).is_retryable());
        assert!(
            sorted(ErrorCode::SmartModuleNotFound {
                name: "counts".to_owned()
            })
            .is_retryable()
        );
        let hidden = anyhow::Error::from(FluvioError::AdminApi(ApiError::Code(
            ErrorCode::TopicInvalidName,
            None,
        )));
        assert!(!ClientError::from_fluvio("creating", &hidden).is_retryable());
        let hidden =
            anyhow::Error::from(FluvioError::Producer(ProducerError::SpuErrorCode(code())));
        assert!(ClientError::from_fluvio("sending", &hidden).is_retryable());
    }
}
