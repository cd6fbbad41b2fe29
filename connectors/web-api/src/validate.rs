//! Tells events from what is none, by the parsers that the SmartModules use, and finds the key that
//! each is written under.

use std::borrow::Cow;
use std::cell::RefCell;

use bytes::Bytes;
use model::event::{Layouts, PlayerEvent, PurchaseEvent, ServerMetric};
use model::json::{Scanner, Value};
use model::{Event, Reason, Rejection};

use crate::error::Refusal;
use crate::keys::Owner;
use crate::source::Source;

/// Where the records of a request go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// All to one topic.
    To(Source),
    /// Each to the topic that its `event_name` belongs to.
    ByName,
}

/// An event, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) source: Source,
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
}

/// A record that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Its place in the request, from 0.
    pub(crate) index: usize,
    /// Where it would have gone, where that is known.
    pub(crate) source: Option<Source>,
    pub(crate) rejection: Rejection,
    pub(crate) payload: Bytes,
}

/// The records of a request.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) rejected: Vec<Rejected>,
}

thread_local! {
    /// Senders write their fields in one order: what was learnt from one request reads the next faster.
    static LAYOUTS: RefCell<[Layouts; 3]> = RefCell::default();
}

/// Checks every record. An event that its sender may not write refuses the whole request.
pub(crate) fn check(
    records: Vec<Bytes>,
    route: Route,
    owner: Option<&Owner>,
) -> Result<Checked, Refusal> {
    let mut checked = Checked::default();
    for (index, record) in records.into_iter().enumerate() {
        let found = source_of(&record, route);
        let source = found.ok();
        match found.and_then(|source| Ok((source, subject(&record, source, owner.is_some())?))) {
            Ok((source, subject)) => {
                if let Some(owner) = owner {
                    owner.may_write(index, source, subject.game.as_deref())?;
                }
                checked.accepted.push(Accepted {
                    source,
                    key: subject.key,
                    value: on_one_line(record),
                });
            }
            Err(rejection) => checked.rejected.push(Rejected {
                index,
                source,
                rejection,
                payload: record,
            }),
        }
    }
    Ok(checked)
}

/// What an event is about: the key of its record, and its game where it has one.
struct Subject {
    key: Bytes,
    game: Option<String>,
}

fn subject(record: &[u8], source: Source, with_game: bool) -> Result<Subject, Rejection> {
    LAYOUTS.with_borrow_mut(|layouts| {
        let layouts = &mut layouts[source as usize];
        let (key, game) = match source {
            Source::PlayerEvents => {
                let event = PlayerEvent::parse_alike(record, layouts)?;
                (event.player_id, Some(event.game_id))
            }
            Source::PurchaseEvents => {
                let event = PurchaseEvent::parse_alike(record, layouts)?;
                (event.user_id, Some(event.game_id))
            }
            Source::ServerMetrics => (ServerMetric::parse_alike(record, layouts)?.server_id, None),
        };
        Ok(Subject {
            key: Bytes::copy_from_slice(key.as_bytes()),
            game: game.filter(|_| with_game).map(Cow::into_owned),
        })
    })
}

fn source_of(record: &[u8], route: Route) -> Result<Source, Rejection> {
    match route {
        Route::To(source) => Ok(source),
        Route::ByName => by_name(record),
    }
}

/// Of an `event_name` that stands twice the last one counts, as everywhere.
fn by_name(record: &[u8]) -> Result<Source, Rejection> {
    let not_json = |_| Rejection::new(Reason::NotJson, "record");
    let refuse = |reason| Rejection::new(reason, "event_name");
    let mut scanner = Scanner::new(record);
    if !scanner.enter_object() {
        return Err(Rejection::new(Reason::NotJson, "record"));
    }
    let (mut name, mut first) = (None, true);
    while let Some(key) = scanner.key(first).map_err(not_json)? {
        first = false;
        let value = scanner.value(1).map_err(not_json)?;
        if key.is("event_name") {
            name = Some(value);
        }
    }
    match name {
        None | Some(Value::Null) => Err(refuse(Reason::MissingField)),
        Some(Value::String(name)) => {
            Source::of_event(&name.decode()).ok_or(refuse(Reason::OutOfRange))
        }
        Some(_) => Err(refuse(Reason::WrongType)),
    }
}

/// The event on one line, for tools that read records as lines. Between the tokens of valid JSON, and
/// nowhere else, line ends are white space.
fn on_one_line(event: Bytes) -> Bytes {
    let ends_line = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if !event.iter().any(ends_line) {
        return event;
    }
    let space = |byte: &u8| if ends_line(byte) { b' ' } else { *byte };
    event.iter().map(space).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PLAYER: &str = r#"{"event_name":"player_action","event_timestamp":"2024-11-12T10:15:30Z","parameters":{"player_id":"p1","session_id":"s","event_type":"move","level_id":"l","map_id":"m"},"user_data":{"user_id":"u1","platform":"PC"}}"#;
    pub(crate) const PURCHASE: &str = r#"{"event_name":"transaction","event_timestamp":"2024-11-12T10:15:30Z","parameters":{"transaction_id":"t","transaction_type":"purchase","currency":"USD","amount":1.5,"item_id":"i","item_type":"x"},"user_data":{"user_id":"u1","platform":"PC"}}"#;
    pub(crate) const METRIC: &str = r#"{"event_name":"server_metric","event_timestamp":"2024-11-12T10:15:30Z","parameters":{"server_id":"eu-1","cpu_load":20,"memory_usage":30.5,"latency":12},"server_data":{"region":"eu","server_type":"dedicated"}}"#;

    fn checked(records: &[&str], route: Route) -> Checked {
        let records = records
            .iter()
            .map(|text| Bytes::copy_from_slice(text.as_bytes()));
        check(records.collect(), route, None).unwrap()
    }

    #[test]
    fn events_go_by_their_name_under_the_key_of_their_topic() {
        let checked = checked(&[PURCHASE, METRIC, PLAYER], Route::ByName);
        let found: Vec<_> = checked
            .accepted
            .iter()
            .map(|event| (event.source.topic(), &event.key[..], &event.value[..]))
            .collect();
        assert_eq!(
            found,
            [
                ("purchase-events", &b"u1"[..], PURCHASE.as_bytes()),
                ("server-metrics", b"eu-1", METRIC.as_bytes()),
                ("player-events", b"p1", PLAYER.as_bytes()),
            ]
        );
        assert!(checked.rejected.is_empty());
    }

    #[test]
    fn a_bad_record_fails_alone_and_says_why() {
        let unknown = PLAYER.replace("player_action", "saved_game");
        let records = [
            PLAYER,
            "{}",
            &unknown,
            "{\"event_name\":7}",
            "nonsense",
            PURCHASE,
        ];
        let checked = checked(&records, Route::ByName);
        assert_eq!(checked.accepted.len(), 2);
        let found: Vec<_> = checked
            .rejected
            .iter()
            .map(|rejected| {
                (
                    rejected.index,
                    rejected.rejection.to_string(),
                    rejected.source,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (1, "missing_field: `event_name`".to_owned(), None),
                (2, "out_of_range: `event_name`".to_owned(), None),
                (3, "wrong_type: `event_name`".to_owned(), None),
                (4, "not_json: `record`".to_owned(), None),
            ]
        );
    }

    #[test]
    fn a_topic_s_own_parser_judges_what_is_posted_to_it() {
        let checked = checked(&[PURCHASE], Route::To(Source::PlayerEvents));
        assert_eq!(checked.rejected[0].source, Some(Source::PlayerEvents));
        assert_eq!(
            checked.rejected[0].rejection.subject,
            "parameters.player_id"
        );
    }

    #[test]
    fn line_ends_become_spaces_and_nothing_else_changes() {
        let pretty = PLAYER.replace(",", ",\r\n");
        let checked = checked(&[&pretty], Route::To(Source::PlayerEvents));
        let expected = PLAYER.replace(",", ",  ");
        assert_eq!(checked.accepted[0].value, expected.as_bytes());
    }
}
