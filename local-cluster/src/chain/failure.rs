//! What the engine reports, as codes that clients know. Texts are cut to what the protocol carries.

use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::link::smartmodule::SmartModuleTransformRuntimeError;
use fluvio_smartengine::EngineError;

use crate::limits::TEXT_BYTES_MAX;

/// A module could not be compiled, instantiated or initialised.
pub(super) fn building(
    error: &(dyn std::error::Error + 'static),
    name: Option<String>,
) -> ErrorCode {
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::StoreMemoryExceeded { requested, max, .. }) => memory(*requested, *max),
        Some(EngineError::UnknownSmartModule | EngineError::Instantiate(_)) => {
            ErrorCode::SmartModuleInvalid {
                error: cut(chain_of(error)),
                name,
            }
        }
        None => ErrorCode::SmartModuleChainInitError(cut(chain_of(error))),
    }
}

/// A module trapped, or answered with a failure instead of records.
pub(super) fn running(error: &(dyn std::error::Error + 'static)) -> ErrorCode {
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::StoreMemoryExceeded { requested, max, .. }) => memory(*requested, *max),
        _ => ErrorCode::Other(cut(format!("SmartModule failed: {}", chain_of(error)))),
    }
}

/// A module reported that it could not handle a record.
pub(super) fn reported(mut error: SmartModuleTransformRuntimeError) -> ErrorCode {
    error.hint = cut(error.hint);
    ErrorCode::SmartModuleRuntimeError(Box::new(error))
}

/// A module's look-back failed.
pub(super) fn looking_back(error: &(dyn std::error::Error + 'static)) -> ErrorCode {
    ErrorCode::SmartModuleLookBackError(cut(chain_of(error)))
}

/// Shortens a text to what fits the protocol's strings.
pub(crate) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

fn memory(requested: usize, max: usize) -> ErrorCode {
    ErrorCode::SmartModuleMemoryLimitExceeded {
        requested: requested as u64,
        max: max as u64,
    }
}

fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
