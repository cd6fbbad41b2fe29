//! Errors when accessing a cluster. The variants differ in how the caller should react, such as trying again,
//! changing the configuration or stopping.

use fluvio::dataplane::link::ErrorCode;
use fluvio::{FluvioError, ProducerError};
use fluvio_sc_schema::ApiError;

use crate::chain::chain;
use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::{Offset, Partition};

/// The beginning of a server's message after a SmartModule has trapped or panicked.
const TRAPPED: &str = "SmartModule err";
/// Part of a server's message when a stream starts after the end of the partition.
const BEYOND_END: &str = "is greater than leo";
/// The advice if a server cannot be reached at its registered address.
const REGISTER: &str = "; if it is running, register it with an address that clients can reach (`game-analytics \
    cluster register-spu --public HOST:PORT`), or, inside the cluster's own network, use --spu-local-addresses";

/// An error of the client. The variants differ in how the caller should react.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// No Fluvio cluster answers at the address. Start the cluster, then try again.
    #[error("cannot connect to a Fluvio cluster at `{address}`: {reason}")]
    Unreachable {
        /// The address that was tried.
        address: String,
        /// Why the attempt failed, and what to do.
        reason: String,
    },
    /// The controller answers, but a server that it lists does not. Either the server is down, or its
    /// registered address is not reachable from here.
    #[error(
        "{what} failed: the cluster answers, but its server (SPU) does not, at its registered address \
         `{address}`: {reason}"
    )]
    ServerUnreachable {
        /// The operation that failed.
        what: String,
        /// The address under which the server is registered.
        address: String,
        /// Why the attempt failed, and what to do.
        reason: String,
    },
    /// A connection was lost or a server was not ready. Try again after a pause.
    #[error("{what} failed: {reason}; try again")]
    Retry {
        /// The operation that failed.
        what: String,
        /// The error of the cluster or the connection.
        reason: String,
    },
    /// A disk of the cluster is full, and nothing from the request was stored. Once the operator has freed
    /// space, the same call succeeds.
    #[error(
        "{what} failed: a disk of the cluster is full ({reason}); free space there, or lower the retention of topics"
    )]
    Full {
        /// The operation that failed.
        what: String,
        /// The cluster's error.
        reason: String,
    },
    /// The request is not valid for this cluster. Trying again does not help; the operator has to act.
    #[error("{what} failed: {reason}")]
    Configuration {
        /// The operation that failed.
        what: String,
        /// What is wrong and how to fix it.
        reason: String,
    },
    /// The topic does not exist or was deleted. Create it.
    #[error("{what} failed: {reason}")]
    TopicMissing {
        /// The operation that failed.
        what: String,
        /// Which topic, and what to do.
        reason: String,
    },
    /// Retention has removed the record at this offset.
    #[error(
        "offset {offset} of `{topic}-{partition}` was removed by retention; the first remaining offset is \
         {next_available}"
    )]
    Evicted {
        /// The topic.
        topic: String,
        /// The partition.
        partition: Partition,
        /// The requested offset.
        offset: Offset,
        /// The first offset that can still be read.
        next_available: Offset,
    },
    /// A SmartModule trapped, ran out of memory or returned an error for a record. It fails again on the same
    /// records.
    #[error("{what} failed: {reason}")]
    ModuleFailed {
        /// The operation that failed.
        what: String,
        /// The cluster's error.
        reason: String,
    },
    /// Either the request can never succeed, for example because a record is too large, or the client itself has
    /// failed. Trying again does not help.
    #[error("{what} failed permanently: {reason}")]
    Fatal {
        /// The operation that failed.
        what: String,
        /// Why the operation failed.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::ServerUnreachable { .. }
                | Self::Retry { .. }
                | Self::Full { .. }
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

    pub(crate) fn topic_missing(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::TopicMissing {
            what: what.into(),
            reason: reason.to_string(),
        }
    }

    fn module_failed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::ModuleFailed {
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

    pub(crate) fn server_unreachable(what: String, address: &str, kind: &ConnectErrorKind) -> Self {
        let advice = if kind.may_be_another_address() {
            REGISTER
        } else {
            ""
        };
        Self::ServerUnreachable {
            what,
            address: address.to_owned(),
            reason: format!("{kind}{advice}"),
        }
    }

    /// Classifies an error of the `fluvio` crate, which hides its types in an `anyhow::Error`.
    pub(crate) fn from_fluvio(what: impl Into<String>, error: &anyhow::Error) -> Self {
        let what = what.into();
        if let Some(code) = code_of(error) {
            let sorted = Self::from_code(what, code);
            return match explanation(error) {
                Some(text) => sorted.because(text),
                None => sorted,
            };
        }
        // A controller that cannot be reached is reported earlier, by `Cluster::session`, so this error concerns a
        // server.
        if let Some(ConnectError { address, kind }) = ConnectError::inside(error) {
            return Self::server_unreachable(what, address, kind);
        }
        match error.downcast_ref::<FluvioError>() {
            Some(FluvioError::TopicNotFound(topic)) => Self::topic_missing(
                what,
                format!("topic `{topic}` does not exist; create it first"),
            ),
            Some(FluvioError::PartitionNotFound(topic, partition)) => Self::topic_missing(
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
            Some(FluvioError::SmartModuleRuntime(_)) => Self::module_failed(what, error),
            _ => Self::retry(what, chain(error)),
        }
    }

    /// Appends the controller's explanation of its error code. The result is [`Self::Full`] if the explanation is
    /// that a disk is full.
    fn because(self, text: &str) -> Self {
        let with = |code: String| format!("{code}: {text}");
        match self {
            Self::Retry { what, reason } | Self::Full { what, reason } if is_full(text) => {
                let reason = with(reason);
                Self::Full { what, reason }
            }
            Self::Retry { what, reason } => Self::retry(what, with(reason)),
            Self::Configuration { what, reason } => Self::configuration(what, with(reason)),
            Self::Fatal { what, reason } => Self::fatal(what, with(reason)),
            other => other,
        }
    }

    /// Classifies a server's error code.
    pub(crate) fn from_code(what: impl Into<String>, code: &ErrorCode) -> Self {
        match code {
            ErrorCode::SmartModuleRuntimeError(_)
            | ErrorCode::SmartModuleLookBackError(_)
            | ErrorCode::SmartModuleMemoryLimitExceeded { .. } => Self::module_failed(what, code),
            ErrorCode::SmartModuleInitError(_) | ErrorCode::MessageTooLarge => {
                Self::fatal(what, code)
            }
            ErrorCode::TopicNotFound | ErrorCode::TopicDeleted => Self::topic_missing(what, code),
            // Servers receive a new SmartModule a moment after the controller has acknowledged its creation.
            ErrorCode::SmartModuleNotFound { .. } => Self::retry(what, code),
            ErrorCode::SmartModuleError
            | ErrorCode::SmartModuleInvalid { .. }
            | ErrorCode::SmartModuleInvalidExports { .. }
            | ErrorCode::SmartModuleChainInitError(_)
            | ErrorCode::OffsetOutOfRange
            | ErrorCode::PermissionDenied
            | ErrorCode::InvalidCreateRequest
            | ErrorCode::TopicInvalidConfiguration
            | ErrorCode::TopicInvalidName
            | ErrorCode::TopicInvalidReplicaType
            | ErrorCode::CompressionError => Self::configuration(what, code),
            ErrorCode::PartitionFull { replica_key } => Self::Full {
                what: what.into(),
                reason: format!("no space for `{replica_key}`"),
            },
            // Servers report the next two errors as text only. Trying again does not help.
            ErrorCode::Other(text) if text.starts_with(TRAPPED) => Self::module_failed(what, text),
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

/// The controller's explanation of its error code, if there is one.
fn explanation(error: &anyhow::Error) -> Option<&str> {
    let api = error.downcast_ref::<ApiError>();
    let api = api.or_else(|| match error.downcast_ref::<FluvioError>() {
        Some(FluvioError::AdminApi(api)) => Some(api),
        _ => None,
    });
    match api? {
        ApiError::Code(_, text) => text.as_deref().filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// Whether a message of the operating system or of the local cluster means that a disk is full.
fn is_full(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["no space left", "quota exceeded", "file too large"]
        .iter()
        .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: ErrorCode) -> ClientError {
        ClientError::from_code("reading `clicks-0`", &code)
    }

    #[test]
    fn a_trap_is_a_failure_of_the_module() {
        let trapped = "SmartModule err wasm trap: out of bounds memory access";
        assert!(matches!(
            sorted(ErrorCode::Other(trapped.to_owned())),
            ClientError::ModuleFailed { .. }
        ));
    }

    #[test]
    fn an_offset_after_the_end_is_a_configuration_error() {
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
    fn a_retryable_code_is_found_inside_every_error_type() {
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

    #[test]
    fn the_explanation_of_a_code_is_part_of_the_error() {
        let refused = |code, text: &str| {
            let error = FluvioError::AdminApi(ApiError::Code(code, Some(text.to_owned())));
            ClientError::from_fluvio("creating topic `clicks`", &error.into())
        };
        let text = "retention_secs 1 is less than minimum 10";
        let error = refused(ErrorCode::TopicInvalidConfiguration, text);
        assert!(matches!(error, ClientError::Configuration { .. }));
        assert!(error.to_string().ends_with(text), "{error}");
        let text = "cannot create `data/clicks-0`: No space left on device (os error 28)";
        let error = refused(ErrorCode::StorageError, text);
        assert!(matches!(error, ClientError::Full { .. }), "{error}");
    }

    #[test]
    fn a_full_disk_is_not_taken_for_an_unavailable_cluster() {
        let code = ErrorCode::PartitionFull {
            replica_key: ("clicks", 2).into(),
        };
        let error = anyhow::Error::from(FluvioError::Producer(ProducerError::SpuErrorCode(code)));
        let error = ClientError::from_fluvio("sending to `clicks`", &error);
        assert!(error.is_retryable());
        assert_eq!(
            error.to_string(),
            "sending to `clicks` failed: a disk of the cluster is full (no space for `clicks-2`); free space there, \
             or lower the retention of topics"
        );
    }
}
