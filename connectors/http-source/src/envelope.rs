//! Unwraps envelopes: records with a key, in the form `{"key": …, "event": …}`.

use std::borrow::Cow;

use bytes::Bytes;
use model::json::without_byte_order_mark;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An object with exactly these two fields. Any other payload is not an envelope.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'e> {
    /// May be null, but not absent: without `deserialize_with`, an absent key would count as null.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    key: Option<Cow<'e, str>>,
    #[serde(borrow)]
    event: &'e RawValue,
}

/// Returns the key of an envelope, and its event byte for byte. Returns a payload that is not an envelope
/// unchanged.
pub(crate) fn unwrap(payload: Bytes) -> (Option<Bytes>, Bytes) {
    match serde_json::from_slice::<Envelope<'_>>(without_byte_order_mark(&payload)) {
        Ok(envelope) if envelope.event.get().starts_with('{') => {
            let key = envelope
                .key
                .map(|key| Bytes::copy_from_slice(key.as_bytes()));
            let event = payload.slice_ref(envelope.event.get().as_bytes());
            (key, event)
        }
        _ => (None, payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrapped(payload: &'static str) -> (Option<String>, String) {
        let (key, value) = unwrap(Bytes::from_static(payload.as_bytes()));
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
        (key.map(text), text(value))
    }

    #[test]
    fn the_key_is_taken_and_the_event_left_byte_for_byte() {
        let some = |key: &str, event: &str| (Some(key.to_owned()), event.to_owned());
        for (payload, expected) in [
            (
                r#"{"key":"player_1","event":{"a" : 1.0e2}}"#,
                some("player_1", r#"{"a" : 1.0e2}"#),
            ),
            (r#" {"event":{},"key":"\u00e9\n"} "#, some("é\n", "{}")),
            (
                r#"{"key":null,"event":{"a":1}}"#,
                (None, r#"{"a":1}"#.to_owned()),
            ),
            ("\u{feff}{\"key\":\"k\",\"event\":{}}", some("k", "{}")),
        ] {
            assert_eq!(unwrapped(payload), expected, "{payload}");
        }
    }

    #[test]
    fn what_is_no_envelope_stays_as_it_is() {
        for payload in [
            r#"{"event":{"a":1}}"#,
            r#"{"key":"k","event":[1]}"#,
            r#"{"key":7,"event":{}}"#,
            r#"{"key":"k","event":{},"more":1}"#,
            r#"{"key":"k","event":{}} {}"#,
            r#"{"key":"k","event":{"#,
            "text",
            "",
        ] {
            assert_eq!(unwrapped(payload), (None, payload.to_owned()), "{payload}");
        }
    }
}
