//! Corrects event times of senders whose clock is off by a constant. The correction is the difference
//! between the time at which a request arrived and its `sent_at`.

use bytes::Bytes;
use model::Timestamp;
use model::json::Value;

use crate::field_path::{FieldPath, Found};
use crate::limits::CLOCK_OFFSET_MS_MIN;

/// The field of a corrected event that contains its original time.
const TIME_SENT: &str = "event_timestamp_sent";
/// The field of a corrected event that contains the correction in milliseconds.
const CORRECTION: &str = "clock_correction_ms";

/// The maximum number of bytes that a correction adds to an event: two field names, a number of up to 20
/// characters, and a time.
pub(crate) const CORRECTION_BYTES_MAX: usize = 128;

/// The milliseconds to add to a sender's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Correction(i64);

impl Correction {
    /// Returns the correction for the events of a request; `None` if the sender's clock seems right.
    pub(crate) fn of(sent_at: Timestamp, received_at: Timestamp) -> Option<Self> {
        let offset_ms = received_at.ms_since(sent_at);
        let is_wrong = offset_ms.unsigned_abs() >= CLOCK_OFFSET_MS_MIN;
        is_wrong.then_some(Self(offset_ms))
    }

    pub(crate) fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    pub(crate) fn ms(self) -> i64 {
        self.0
    }

    /// Returns the event with its time corrected, and with the original time and the correction in two extra
    /// fields. `event_time` is the path of the time. If the event has no valid time, or the corrected time cannot be
    /// expressed, returns the event unchanged.
    pub(crate) fn apply(self, event: &Bytes, event_time: &FieldPath) -> Bytes {
        let corrected = self.corrected(event, event_time);
        corrected.unwrap_or_else(|| event.clone())
    }

    fn corrected(self, event: &[u8], event_time: &FieldPath) -> Option<Bytes> {
        let Found { value, start, end } = event_time.find(event)?;
        let Value::String(text) = value else {
            return None;
        };
        let time = Timestamp::parse(&text.decode())?;
        let corrected = time.plus_ms(self.0).to_string();
        Timestamp::parse(&corrected)?;
        let brace = event.iter().rposition(|byte| *byte == b'}')?;
        let (sent, Self(ms)) = (event.get(start..end)?, self);
        // The fields are added at the end: readers use the last of several fields with the same name.
        let added = [
            format!(",\"{TIME_SENT}\":").as_bytes(),
            sent,
            format!(",\"{CORRECTION}\":{ms}").as_bytes(),
        ]
        .concat();
        let corrected = format!("\"{corrected}\"");
        let pieces = [
            &event[..start],
            corrected.as_bytes(),
            event.get(end..brace)?,
            &added,
            &event[brace..],
        ];
        Some(Bytes::from(pieces.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::tests::{METRIC, PLAYER, PURCHASE};
    use model::Event;
    use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
    use serde_json::{Value, json};

    const SENT: Timestamp = Timestamp::from_millis(1_731_406_530_000);

    fn time_path() -> FieldPath {
        FieldPath::parse("event_timestamp")
    }

    fn applied(ms: i64, event: &str) -> String {
        let bytes = Bytes::copy_from_slice(event.as_bytes());
        String::from_utf8(Correction(ms).apply(&bytes, &time_path()).to_vec()).unwrap()
    }

    #[test]
    fn small_differences_are_not_corrected_in_either_direction() {
        let of = |ms: i64| Correction::of(SENT, SENT.plus_ms(ms));
        for ms in [0, 1, 1_999, -1_999] {
            assert_eq!(of(ms), None, "{ms}");
        }
        for ms in [2_000, -2_000, 3_600_000, -50 * 365 * 86_400_000] {
            assert_eq!(of(ms), Some(Correction(ms)));
        }
    }

    #[test]
    fn a_correction_changes_only_times() {
        for event in [PLAYER, PURCHASE, METRIC] {
            let found: Value = serde_json::from_str(&applied(-3_600_500, event)).unwrap();
            let mut expected: Value = serde_json::from_str(event).unwrap();
            expected["event_timestamp"] = json!("2024-11-12T09:15:29.500Z");
            expected["event_timestamp_sent"] = json!("2024-11-12T10:15:30Z");
            expected["clock_correction_ms"] = json!(-3_600_500);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn corrected_events_are_valid_at_the_corrected_time() {
        let time = |event: &str| {
            let bytes = event.as_bytes();
            PlayerEvent::parse(bytes)
                .map(|event| event.time())
                .or_else(|_| PurchaseEvent::parse(bytes).map(|event| event.time()))
                .or_else(|_| ServerMetric::parse(bytes).map(|event| event.time()))
        };
        for event in [PLAYER, PURCHASE, METRIC] {
            assert_eq!(time(&applied(7_000, event)), Ok(SENT.plus_ms(7_000)));
        }
    }

    #[test]
    fn every_other_byte_of_the_sender_is_kept() {
        let event = concat!(
            r#"{ "event_timestamp": "first" , "n": 1.50, "event_timestamp" :  "2024-11-12T10:15:30\u005a" , "#,
            r#""nested": {"event_timestamp": 1}, "clock_correction_ms": 5 }"#,
        );
        let expected = concat!(
            r#"{ "event_timestamp": "first" , "n": 1.50, "event_timestamp" :  "2024-11-12T10:15:32.000Z" , "#,
            r#""nested": {"event_timestamp": 1}, "clock_correction_ms": 5 ,"#,
            r#""event_timestamp_sent":"2024-11-12T10:15:30\u005a","clock_correction_ms":2000}"#,
        );
        assert_eq!(applied(2_000, event), expected);
    }

    #[test]
    fn the_time_can_be_inside_another_object() {
        let event = Bytes::from(r#"{"meta":{"at":"2024-11-12T10:15:30Z"},"at":"x"}"#);
        let corrected = Correction(2_000).apply(&event, &FieldPath::parse("meta.at"));
        let expected = concat!(
            r#"{"meta":{"at":"2024-11-12T10:15:32.000Z"},"at":"x","#,
            r#""event_timestamp_sent":"2024-11-12T10:15:30Z","clock_correction_ms":2000}"#,
        );
        assert_eq!(corrected, expected);
    }

    #[test]
    fn an_impossible_time_stays_and_no_event_grows_beyond_the_limit() {
        let last = PLAYER.replace("2024-11-12T10:15:30Z", "9999-12-31T23:59:59Z");
        assert_eq!(applied(2_000, &last), last);
        let far = applied(-50 * 365 * 86_400_000, PLAYER);
        assert!((PLAYER.len()..=PLAYER.len() + CORRECTION_BYTES_MAX).contains(&far.len()));
        let mut longest = Bytes::copy_from_slice(PLAYER.as_bytes());
        longest = Correction(i64::MIN).apply(&longest, &time_path());
        assert!(longest.len() <= PLAYER.len() + CORRECTION_BYTES_MAX);
    }
}
