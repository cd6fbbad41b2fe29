//! `{"key": …, "event": …}`: an event together with its key.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::Event;

#[derive(Serialize)]
struct Envelope<'e> {
    key: &'e str,
    event: &'e RawValue,
}

/// Encodes the event, byte for byte, in its envelope. A broken event that is not JSON is returned
/// unchanged.
pub(super) fn envelope(event: &Event) -> Vec<u8> {
    match serde_json::from_slice::<&RawValue>(&event.value) {
        Ok(value) => crate::payload::encode(&Envelope {
            key: &event.key,
            event: value,
        }),
        Err(_) => event.value.clone(),
    }
}
