//! Envelopes: bodies of the form `{"sent_at": "…", "events": […]}`, which can contain the time of sending.
//!
//! An envelope has the field `events`, may have the field `sent_at`, and has no other field. Any other object is
//! treated as a record, and is rejected unless it is an event.

use bytes::Bytes;
use model::Timestamp;
use model::json::{Scanner, Value};

use crate::limits::SHOWN_CHARACTERS;
use crate::split::{BodyFormat, Unreadable, end_of_string, end_of_value, split, trimmed};

/// The content of a body, with its time of sending if it has one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) records: Vec<Bytes>,
    /// The time of sending according to the sender's clock.
    pub(crate) sent_at: Option<Timestamp>,
    /// The body without the time of sending, which differs between repetitions of a request.
    pub(crate) content: Vec<Bytes>,
}

/// Parses the envelope if the body is one, and splits the body into records.
pub(crate) fn open(body: &Bytes, format: BodyFormat) -> Result<Posted, Unreadable> {
    let envelope = match format {
        BodyFormat::Json => Envelope::of(trimmed(body)),
        BodyFormat::Lines => None,
    };
    let Some(Envelope { events, sent_at }) = envelope else {
        return Ok(Posted {
            records: split(body, format)?,
            sent_at: None,
            content: vec![body.clone()],
        });
    };
    let content = match sent_at {
        None => vec![body.clone()],
        Some(text) => {
            let time = body.slice_ref(text);
            let start = time.as_ptr() as usize - body.as_ptr() as usize;
            vec![body.slice(..start), body.slice(start + time.len()..)]
        }
    };
    Ok(Posted {
        records: split(&body.slice_ref(events), format)?,
        sent_at: sent_at.map(time).transpose()?.flatten(),
        content,
    })
}

/// The fields of an envelope, not parsed yet.
struct Envelope<'b> {
    events: &'b [u8],
    sent_at: Option<&'b [u8]>,
}

impl<'b> Envelope<'b> {
    fn of(body: &'b [u8]) -> Option<Self> {
        let (mut events, mut sent_at) = (None, None);
        let mut rest = body.strip_prefix(b"{")?;
        loop {
            let (key, value) = field(rest.trim_ascii_start())?;
            let name = match Scanner::new(key).value(0) {
                Ok(Value::String(name)) => name,
                _ => return None,
            };
            let field = match value.first()? {
                b'[' if name.is("events") => &mut events,
                _ if name.is("sent_at") => &mut sent_at,
                _ => return None,
            };
            let end = end_of(value)?;
            if field.replace(value.get(..end)?.trim_ascii_end()).is_some() {
                return None;
            }
            rest = value[end..].trim_ascii_start();
            match rest {
                [b',', next @ ..] => rest = next,
                [b'}'] => break,
                _ => return None,
            }
        }
        Some(Self {
            events: events?,
            sent_at,
        })
    }
}

/// Splits a text that begins with a field. Returns the field's key, and the text that begins with its value.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.starts_with(b"\"").then(|| end_of_string(text, 0))??;
    let (key, rest) = text.split_at_checked(end)?;
    let value = rest.trim_ascii_start().strip_prefix(b":")?;
    Some((key, value.trim_ascii_start()))
}

/// Returns the end of the value at the start of a text, without validating the value.
fn end_of(value: &[u8]) -> Option<usize> {
    match value.first()? {
        b'"' => end_of_string(value, 0),
        b'{' | b'[' => end_of_value(value, 0),
        _ => value.iter().position(|byte| matches!(byte, b',' | b'}')),
    }
}

/// Parses the time of sending; `None` if it is null.
fn time(value: &[u8]) -> Result<Option<Timestamp>, Unreadable> {
    let mut scanner = Scanner::new(value);
    let time = match scanner.value(0) {
        Ok(Value::Null) => {
            return scanner
                .end()
                .map(|()| None)
                .map_err(|_| invalid_time(value));
        }
        Ok(Value::String(text)) => Timestamp::parse(&text.decode()),
        _ => None,
    };
    time.map(Some).ok_or_else(|| invalid_time(value))
}

fn invalid_time(value: &[u8]) -> Unreadable {
    let text = String::from_utf8_lossy(value);
    Unreadable::SentAt(text.chars().take(SHOWN_CHARACTERS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(body: &str) -> Result<Posted, Unreadable> {
        open(&Bytes::copy_from_slice(body.as_bytes()), BodyFormat::Json)
    }

    fn texts(pieces: &[Bytes]) -> Vec<&str> {
        pieces
            .iter()
            .map(|piece| std::str::from_utf8(piece).unwrap())
            .collect()
    }

    const SENT_AT: Timestamp = Timestamp::from_millis(1_731_406_530_000);

    #[test]
    fn an_envelope_contains_events_and_the_time_of_sending() {
        for (body, sent_at) in [
            (
                r#"{"sent_at":"2024-11-12T10:15:30Z","events":[{"a":1},{"b":}]}"#,
                Some(SENT_AT),
            ),
            (
                "\u{feff}\n{ \"events\" : [{\"a\":1},\n{\"b\":}] , \"sent_at\" : \"2024-11-12T11:15:30+01:00\" }\r\n",
                Some(SENT_AT),
            ),
            (r#"{"sent\u005fat":null,"events":[{"a":1},{"b":}]}"#, None),
            (r#"{"events":[{"a":1},{"b":}]}"#, None),
        ] {
            let posted = opened(body).unwrap();
            assert_eq!(
                texts(&posted.records),
                [r#"{"a":1}"#, r#"{"b":}"#],
                "{body}"
            );
            assert_eq!(posted.sent_at, sent_at, "{body}");
        }
        assert_eq!(
            opened(r#"{"events":[]}"#).unwrap().records,
            Vec::<Bytes>::new()
        );
    }

    #[test]
    fn an_object_with_other_fields_is_a_record() {
        for body in [
            r#"{"event_name":"player_action","events":[1]}"#,
            r#"{"events":[1],"event_name":"player_action"}"#,
            r#"{"api_key":"k","events":[{}]}"#,
            r#"{"batch":[{}],"sentAt":"2024-11-12T10:15:30Z"}"#,
            r#"{"events":{"a":1}}"#,
            r#"{"events":[{}],"events":[]}"#,
            r#"{"sent_at":"2024-11-12T10:15:30Z"}"#,
            r#"{"events":[],}"#,
            "{}",
        ] {
            let posted = opened(body).unwrap();
            assert_eq!((texts(&posted.records), posted.sent_at), (vec![body], None));
        }
        let cut = r#"{"sent_at":"2024-11-12T10:15:30Z","events":[{}]"#;
        assert_eq!(opened(cut), Err(Unreadable::Cut));
        let gap = r#"{"events":[{},]}"#;
        assert_eq!(opened(gap), Err(Unreadable::Gap));
    }

    #[test]
    fn an_invalid_time_is_quoted_in_the_error() {
        for time in [
            r#""yesterday""#,
            "1731406530",
            "nul",
            "true",
            "{}",
            r#""2024-11-12""#,
        ] {
            let body = format!(r#"{{"sent_at":{time},"events":[]}}"#);
            assert_eq!(opened(&body), Err(Unreadable::SentAt(time.to_owned())));
        }
    }

    #[test]
    fn the_content_excludes_the_time() {
        let content = |body: &str| opened(body).unwrap().content;
        let early = content(r#"{"sent_at":"2024-11-12T10:15:30Z","events":[1]}"#);
        let late = content(r#"{"sent_at":"2024-11-12T10:15:31.5Z","events":[1]}"#);
        assert_eq!(texts(&early), [r#"{"sent_at":"#, r#","events":[1]}"#]);
        assert_eq!(early, late);
        assert_ne!(
            early,
            content(r#"{"sent_at":"2024-11-12T10:15:30Z","events":[2]}"#)
        );
        assert_eq!(texts(&content("[1]")), ["[1]"]);
    }

    #[test]
    fn lines_have_no_envelope() {
        let body = Bytes::from_static(br#"{"sent_at":"x","events":[{}]}"#);
        let posted = open(&body, BodyFormat::Lines).unwrap();
        assert_eq!((posted.records, posted.sent_at), (vec![body], None));
    }
}
