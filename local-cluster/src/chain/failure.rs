//! Maps errors of the engine to the protocol's error codes. Shortens messages so that they fit the protocol's
//! strings.

use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::link::smartmodule::SmartModuleTransformRuntimeError;
use fluvio_smartengine::EngineError;

use crate::limits::TEXT_BYTES_MAX;

/// A part of the message of every operating system error. The engine passes these errors on only as text, so they
/// are recognized by this part.
const OF_THE_SYSTEM: &str = "(os error ";

/// Returns the error code for a module that could not be compiled, instantiated or initialised.
pub(super) fn building(
    error: &(dyn std::error::Error + 'static),
    name: Option<String>,
) -> ErrorCode {
    let text = chain_of(error);
    // An error such as too many open files is not the module's fault: the next attempt may succeed.
    if text.contains(OF_THE_SYSTEM) {
        return ErrorCode::Other(cut(format!("no SmartModule can be started now: {text}")));
    }
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::StoreMemoryExceeded { requested, max, .. }) => memory(*requested, *max),
        Some(EngineError::UnknownSmartModule | EngineError::Instantiate(_)) => {
            ErrorCode::SmartModuleInvalid {
                error: cut(text),
                name,
            }
        }
        None => ErrorCode::SmartModuleChainInitError(cut(text)),
    }
}

/// Returns the error code for a module that trapped, or returned a failure instead of records.
pub(super) fn running(error: &(dyn std::error::Error + 'static)) -> ErrorCode {
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::StoreMemoryExceeded { requested, max, .. }) => memory(*requested, *max),
        _ => ErrorCode::Other(cut(format!("SmartModule err {}", chain_of(error)))),
    }
}

/// Returns the error code for a record that a module rejected.
pub(super) fn reported(mut error: SmartModuleTransformRuntimeError) -> ErrorCode {
    error.hint = cut(error.hint);
    ErrorCode::SmartModuleRuntimeError(Box::new(error))
}

/// Returns the error code for a failed look-back.
pub(super) fn looking_back(error: &(dyn std::error::Error + 'static)) -> ErrorCode {
    ErrorCode::SmartModuleLookBackError(cut(chain_of(error)))
}

/// Shortens a text to [`TEXT_BYTES_MAX`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_no_fault_of_the_module() {
        let refused = std::io::Error::from_raw_os_error(24);
        let code = building(&refused, Some("counts".to_owned()));
        assert!(matches!(code, ErrorCode::Other(_)), "{code}");
        let wrong = std::io::Error::other("no such export");
        let code = building(&wrong, Some("counts".to_owned()));
        assert!(
            matches!(code, ErrorCode::SmartModuleChainInitError(_)),
            "{code}"
        );
    }
}
