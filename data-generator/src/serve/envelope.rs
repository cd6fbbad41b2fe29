//! `{"key": …, "event": …}`: an event together with its key.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::Event;

#[derive(Serialize)]
struct Envelope<'e> {
    key: &'e str,
    event: &'e RawValue,
}

/// The event in its envelope, byte for byte; a broken one that is no JSON has none, and comes as it is.
pub(super) fn envelope(event: &Event) -> Vec<u8> {
    match serde_json::from_slice::<&RawValue>(&event.value) {
        Ok(value) => crate::payload::encode(&Envelope {
            key: &event.key,
            event: value,
        }),
        Err(_) => event.value.clone(),
    }
}
