//! Checks records with the parsers of the SmartModules, and determines the key under which each event is
//! written.

use std::borrow::Cow;
use std::cell::RefCell;

use bytes::Bytes;
use model::event::limits::RECORD_BYTES_MAX;
use model::event::{Layouts, PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use model::json::{JsonError, Scanner, Value};
use model::{Reason, Rejection};

use crate::error::RequestError;
use crate::hint;
use crate::keys::Owner;
use crate::sources::Sources;
use crate::topics::{BuiltIn, SourceRecords, SourceTopic};

/// The topic or topics to which the records of a request belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// All records belong to one topic.
    To(SourceTopic),
    /// Each record belongs to the topic of its `event_name`.
    ByName,
}

/// A valid event, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) source: SourceTopic,
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
}

/// A record that is not a valid event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The record's position in the request, from 0.
    pub(crate) index: usize,
    /// The topic for which the record was meant, if known.
    pub(crate) source: Option<SourceTopic>,
    pub(crate) rejection: Rejection,
    pub(crate) payload: Bytes,
}

/// The checked records of a request.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) rejected: Vec<Rejected>,
    /// A description of what is expected, if a record is something other than an event.
    pub(crate) hint: Option<String>,
}

thread_local! {
    /// The orders of fields in earlier records, for each built-in source. They make parsing faster, because senders
    /// usually write fields in the same order.
    static LAYOUTS: RefCell<[Layouts; 3]> = RefCell::default();
}

/// Checks every record. A record must stay within the size limit even if a clock correction adds `grows_by`
/// bytes to it. A valid event that its sender may not write is an error for the whole request.
pub(crate) fn check(
    records: Vec<Bytes>,
    route: &Route,
    sources: &Sources,
    owner: Option<&Owner>,
    grows_by: usize,
) -> Result<Checked, RequestError> {
    let mut checked = Checked::default();
    for (index, record) in records.into_iter().enumerate() {
        let found = fits(&record, grows_by).and_then(|()| source_of(&record, route, sources));
        let source = found.as_ref().ok().cloned();
        let subject = found.and_then(|source| {
            let subject = subject(&record, &source, owner.is_some())?;
            Ok((source, subject))
        });
        match subject {
            Ok((source, subject)) => {
                if let Some(owner) = owner {
                    owner.may_write(index, &source, subject.game.as_deref())?;
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
    let is_foreign = |rejected: &Rejected| hint::is_foreign(&rejected.rejection, &rejected.payload);
    if checked.rejected.iter().any(is_foreign) {
        checked.hint = Some(match route {
            Route::To(source) => hint::of_source(source, sources),
            Route::ByName => hint::of_events(sources),
        });
    }
    Ok(checked)
}

fn fits(record: &[u8], grows_by: usize) -> Result<(), Rejection> {
    match record.len() + grows_by <= RECORD_BYTES_MAX {
        true => Ok(()),
        false => Err(Rejection::new(Reason::TooLarge, "record")),
    }
}

/// The key of an event's record, and the event's game if it has one. Only built-in events have games.
struct Subject {
    key: Bytes,
    game: Option<String>,
}

fn subject(record: &[u8], source: &SourceTopic, with_game: bool) -> Result<Subject, Rejection> {
    match source.records() {
        SourceRecords::BuiltIn(source) => built_in_subject(record, *source, with_game),
        SourceRecords::Declared(records) => Ok(Subject {
            key: records.check(record)?,
            game: None,
        }),
    }
}

fn built_in_subject(record: &[u8], source: BuiltIn, with_game: bool) -> Result<Subject, Rejection> {
    LAYOUTS.with_borrow_mut(|layouts| {
        let layouts = &mut layouts[source as usize];
        let (key, game) = match source {
            BuiltIn::PlayerEvents => {
                let event = PlayerEvent::parse_alike(record, layouts)?;
                (event.player_id, Some(event.game_id))
            }
            BuiltIn::PurchaseEvents => {
                let event = PurchaseEvent::parse_alike(record, layouts)?;
                (event.user_id, Some(event.game_id))
            }
            BuiltIn::ServerMetrics => (ServerMetric::parse_alike(record, layouts)?.server_id, None),
        };
        Ok(Subject {
            key: Bytes::copy_from_slice(key.as_bytes()),
            game: game.filter(|_| with_game).map(Cow::into_owned),
        })
    })
}

fn source_of(record: &[u8], route: &Route, sources: &Sources) -> Result<SourceTopic, Rejection> {
    match route {
        Route::To(source) => Ok(source.clone()),
        Route::ByName => by_name(record, sources),
    }
}

/// Determines the topic from `event_name`. Uses the last of several fields with this name, as all readers
/// do.
fn by_name(record: &[u8], sources: &Sources) -> Result<SourceTopic, Rejection> {
    let refuse = |reason| Rejection::new(reason, "event_name");
    let mut scanner = Scanner::new(record);
    if !scanner.enter_object() {
        return Err(Rejection::new(Reason::NotJson, "record"));
    }
    let (mut name, mut first) = (None, true);
    while let Some(key) = scanner.key(first).map_err(unreadable)? {
        first = false;
        let value = scanner.value(1).map_err(unreadable)?;
        if key.is("event_name") {
            name = Some(value);
        }
    }
    // Check the rest of the record: malformed JSON anywhere is reported rather than a wrong `event_name`.
    scanner.end().map_err(unreadable)?;
    match name {
        None | Some(Value::Null) => Err(refuse(Reason::MissingField)),
        Some(Value::String(name)) => {
            let source = sources.of_event(&name.decode());
            source.cloned().ok_or(refuse(Reason::OutOfRange))
        }
        Some(_) => Err(refuse(Reason::WrongType)),
    }
}

fn unreadable(error: JsonError) -> Rejection {
    let reason = match error {
        JsonError::Syntax => Reason::NotJson,
        JsonError::TooDeep => Reason::TooLarge,
    };
    Rejection::new(reason, "record")
}

/// Replaces line breaks with spaces, for tools that read one record per line. In valid JSON, line breaks
/// occur only between tokens.
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

    pub(crate) const PLAYER: &str = concat!(
        r#"{"event_name":"player_action","event_timestamp":"2024-11-12T10:15:30Z","#,
        r#""parameters":{"player_id":"p1","session_id":"s","event_type":"move","level_id":"l","#,
        r#""map_id":"m"},"user_data":{"user_id":"u1","platform":"PC"}}"#,
    );
    pub(crate) const PURCHASE: &str = concat!(
        r#"{"event_name":"transaction","event_timestamp":"2024-11-12T10:15:30Z","#,
        r#""parameters":{"transaction_id":"t","transaction_type":"purchase","currency":"USD","amount":1.5,"#,
        r#""item_id":"i","item_type":"x"},"user_data":{"user_id":"u1","platform":"PC"}}"#,
    );
    pub(crate) const METRIC: &str = concat!(
        r#"{"event_name":"server_metric","event_timestamp":"2024-11-12T10:15:30Z","#,
        r#""parameters":{"server_id":"eu-1","cpu_load":20,"memory_usage":30.5,"latency":12},"#,
        r#""server_data":{"region":"eu","server_type":"dedicated"}}"#,
    );

    pub(crate) fn to(source: BuiltIn) -> Route {
        Route::To(SourceTopic::built_in(source))
    }

    fn checked(records: &[&str], route: Route) -> Checked {
        let records = records
            .iter()
            .map(|text| Bytes::copy_from_slice(text.as_bytes()));
        check(records.collect(), &route, &Sources::built_in(), None, 0).unwrap()
    }

    #[test]
    fn events_are_routed_by_their_name_and_keyed_for_their_topic() {
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
    fn an_invalid_record_is_rejected_alone_with_its_reason() {
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
                    rejected.source.clone(),
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
    fn trailing_text_and_deep_nesting_are_reported_before_the_name() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(127), "]".repeat(127));
        let checked = checked(&["{}{}", "{\"event_name\":7} x", &deep], Route::ByName);
        let reasons: Vec<_> = checked
            .rejected
            .iter()
            .map(|rejected| rejected.rejection.to_string())
            .collect();
        assert_eq!(
            reasons,
            [
                "not_json: `record`",
                "not_json: `record`",
                "too_large: `record`"
            ]
        );
    }

    #[test]
    fn a_record_that_grows_must_stay_within_the_size_limit() {
        let spaces = RECORD_BYTES_MAX - PLAYER.len();
        let whole = PLAYER.replacen('{', &format!("{{{}", " ".repeat(spaces)), 1);
        for (grows_by, accepted) in [(0, 1), (1, 0)] {
            let record = Bytes::copy_from_slice(whole.as_bytes());
            let route = to(BuiltIn::PlayerEvents);
            let checked =
                check(vec![record], &route, &Sources::built_in(), None, grows_by).unwrap();
            assert_eq!(checked.accepted.len(), accepted);
            for rejected in checked.rejected {
                assert_eq!(rejected.rejection.reason, Reason::TooLarge);
            }
        }
    }

    #[test]
    fn records_posted_to_a_topic_are_checked_by_its_parser() {
        let checked = checked(&[PURCHASE], to(BuiltIn::PlayerEvents));
        let players = SourceTopic::built_in(BuiltIn::PlayerEvents);
        assert_eq!(checked.rejected[0].source, Some(players));
        assert_eq!(
            checked.rejected[0].rejection.subject,
            "parameters.player_id"
        );
    }

    #[test]
    fn line_ends_become_spaces_and_nothing_else_changes() {
        let pretty = PLAYER.replace(",", ",\r\n");
        let checked = checked(&[&pretty], to(BuiltIn::PlayerEvents));
        let expected = PLAYER.replace(",", ",  ");
        assert_eq!(checked.accepted[0].value, expected.as_bytes());
    }
}
