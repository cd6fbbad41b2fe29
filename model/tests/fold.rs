//! The fold with the smallest derivation there is: what a partial says of its batch.

use model::event::PlayerEvent;
use model::fold::SourceRecord;
use model::partial::BatchHeader;
use model::{
    BatchPartial, Derivation, Emit, Fold, Merge, ParamError, Params, PartialError, Reason,
    RecordKey, Timestamp, Window,
};
use serde::{Deserialize, Serialize};

/// Counts the events of each player, and of all.
struct Events;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Count(u64);

impl Merge for Count {
    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Derivation for Events {
    const NAME: &'static str = "events";
    const PARAMETERS: &'static [&'static str] = &["own"];
    type Event<'e> = PlayerEvent<'e>;
    type Partial = Count;
    type Output = u64;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Count>) {
        out.emit(&[&event.player_id], |count| count.0 += 1);
        out.emit(&["all"], |count| count.0 += 1);
    }

    fn finish(&self, _: Window, _: &RecordKey, count: &Count) -> Option<u64> {
        Some(count.0)
    }
}

fn fold(params: &[(&str, &str)]) -> Result<Fold<Events>, ParamError> {
    Fold::from_params(&params.iter().copied().collect())
}

fn event(player: &str, time: &str) -> String {
    format!(
        r#"{{"event_name":"e","event_timestamp":"{time}","parameters":{{"player_id":"{player}","session_id":"s","event_type":"move","level_id":"l","map_id":"m"}},"user_data":{{"user_id":"u","platform":"PC"}}}}"#
    )
}

fn at(time: &str) -> Timestamp {
    Timestamp::parse(time).expect("a time")
}

#[test]
fn a_partial_accounts_for_every_record_and_sorts_its_contributions() {
    let texts = [
        event("p|1", "2024-11-12T10:15:41Z"),
        "broken".into(),
        event("a", "2024-11-12T10:15:39Z"),
        event("p|1", "2024-11-12T10:15:31Z"),
        event("", "2024-11-12T10:15:59Z"),
        event("p|1", "2024-11-12T10:15:32Z"),
    ];
    let records = (1_000_007..).zip(&texts);
    let records = records.map(|(offset, text)| SourceRecord::new(offset, None, text.as_bytes()));
    let mut bytes = b"before".to_vec();
    let mut fold = fold(&[("window_ms", "10000")]).expect("parameters");
    fold.batch(records, &mut bytes);
    let partial = BatchPartial::<Count>::decode(&bytes[6..]).expect("a partial");
    let expected = BatchHeader {
        format: 1,
        first_offset: 1_000_007,
        next_offset: 1_000_013,
        max_event_time: Some(at("2024-11-12T10:15:41Z")),
        accepted: 4,
        rejected: vec![(1, Reason::NotJson), (4, Reason::OutOfRange)],
    };
    assert_eq!(partial.header, expected);
    assert_eq!(BatchHeader::decode(&bytes[6..]), Ok(expected));
    let contributions: Vec<_> = partial
        .contributions
        .iter()
        .map(|one| {
            (
                one.window.start.to_string(),
                one.key.as_str(),
                one.events,
                one.partial.0,
            )
        })
        .collect();
    let [first, second] = ["2024-11-12T10:15:30.000Z", "2024-11-12T10:15:40.000Z"];
    let row = |start: &str, key, count| (start.to_owned(), key, count, count);
    assert_eq!(
        contributions,
        [
            row(first, "a", 1),
            row(first, "all", 3),
            row(first, "p%7C1", 2),
            row(second, "all", 1),
            row(second, "p%7C1", 1),
        ]
    );
}

#[test]
fn an_event_may_be_ahead_of_its_ingest_by_the_allowed_skew() {
    let mut fold = fold(&[("window_ms", "10000"), ("max_skew_ms", "1000")]).expect("parameters");
    let text = event("p", "2024-11-12T10:15:31Z");
    let time_ms = at("2024-11-12T10:15:31Z").as_millis();
    let mut reason = |ingest_ms: Option<i64>| {
        let record = SourceRecord::new(0, ingest_ms, text.as_bytes());
        let mut bytes = Vec::new();
        fold.batch([record].into_iter(), &mut bytes);
        let rejected = BatchHeader::decode(&bytes).expect("a partial").rejected;
        rejected.first().map(|(_, reason)| *reason)
    };
    for accepted in [None, Some(time_ms - 1_000), Some(time_ms), Some(i64::MAX)] {
        assert_eq!(reason(accepted), None, "{accepted:?}");
    }
    for refused in [time_ms - 1_001, 0, -1, i64::MIN] {
        assert_eq!(
            reason(Some(refused)),
            Some(Reason::FutureTimestamp),
            "{refused}"
        );
    }
}

#[test]
fn parameters_are_checked_and_errors_say_what_is_wanted() {
    let refused = |params: &[(&str, &str)]| {
        let error = fold(params).err().expect("refused");
        error.to_string()
    };
    assert!(fold(&[("window_ms", "1"), ("own", "anything")]).is_ok());
    assert_eq!(
        refused(&[]),
        "parameter `window_ms` is missing: a number of milliseconds is expected"
    );
    assert_eq!(
        refused(&[("window_ms", "0")]),
        "parameter `window_ms` is `0`: a number of milliseconds above 0 is expected"
    );
    assert_eq!(
        refused(&[("window_ms", "10s")]),
        "parameter `window_ms` is `10s`: a number of milliseconds is expected"
    );
    assert_eq!(
        refused(&[("window_ms", "1"), ("window", "1")]),
        "parameter `window` is unknown: known are window_ms, hop_ms, max_skew_ms, own"
    );
}

#[test]
fn other_bytes_are_no_partial() {
    assert_eq!(BatchHeader::decode(&[2, 0]), Err(PartialError::Format(2)));
    for bytes in [&[][..], &[1], &[1, 0, 0, 7]] {
        let error = BatchPartial::<Count>::decode(bytes).expect_err("malformed");
        assert!(matches!(error, PartialError::Malformed { length, .. } if length == bytes.len()));
    }
}
