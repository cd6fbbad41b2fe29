//! Tests the partial of a batch, folded with a minimal derivation.

use model::event::PlayerEvent;
use model::fold::SourceRecord;
use model::partial::BatchHeader;
use model::source::PlayerEvents;
use model::{
    AlignedWindows, BatchPartial, Emit, Fold, Lift, Merge, ParamError, Params, PartialError,
    Reason, SenderAhead, SendersAhead, Timestamp,
};
use serde::{Deserialize, Serialize};

/// Counts the events of each player, and of all players. Unlike real derivations, it emits under two keys for
/// each event.
struct Events;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Count(u64);

impl Merge for Count {
    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Lift for Events {
    const NAME: &'static str = "events";
    const PARAMETERS: &'static [&'static str] = &["own"];

    type Grouping = AlignedWindows;
    type Source = PlayerEvents;
    type Partial = Count;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Count>) {
        out.emit(&[&event.player_id], |count| count.0 += 1);
        out.emit(&["all"], |count| count.0 += 1);
    }
}

fn fold(params: &[(&str, &str)]) -> Result<Fold<Events>, ParamError> {
    Fold::from_params(&params.iter().copied().collect())
}

fn event(player: &str, time: &str) -> String {
    format!(
        r#"{{"event_name":"e","event_timestamp":"{time}",
            "parameters":{{"player_id":"{player}","session_id":"s","event_type":"move","level_id":"l","map_id":"m"}},
            "user_data":{{"user_id":"u","platform":"PC"}}}}"#
    )
}

fn at(time: &str) -> Timestamp {
    Timestamp::parse(time).expect("a time")
}

#[test]
fn a_partial_accounts_for_every_record_and_has_contributions_by_pane_and_key() {
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
    let last = SourceRecord::new(1_000_012, None, texts[5].as_bytes());
    let expected = BatchHeader {
        format: 3,
        first_offset: 1_000_007,
        next_offset: 1_000_013,
        stream_time: Some(at("2024-11-12T10:15:41Z")),
        min_event_time: Some(at("2024-11-12T10:15:31Z")),
        last_record: last.fingerprint(),
        ahead: SendersAhead::default(),
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
                one.key.of(&partial.keys),
                one.events,
                one.partial.0,
            )
        })
        .collect();
    let [first, second] = ["2024-11-12T10:15:30.000Z", "2024-11-12T10:15:40.000Z"];
    // An event is counted for the first of its keys only.
    let row = |start: &str, key, events, count| (start.to_owned(), key, events, count);
    assert_eq!(
        contributions,
        [
            row(first, "a", 1, 1),
            row(first, "all", 0, 3),
            row(first, "p%7C1", 2, 2),
            row(second, "p%7C1", 1, 1),
            row(second, "all", 0, 1),
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
fn a_fast_clock_moves_stream_time_no_further_than_the_ingest_and_is_named() {
    let mut fold = fold(&[("window_ms", "10000")]).expect("parameters");
    let now = at("2024-11-12T10:15:31Z");
    let texts = [
        event("on-time", "2024-11-12T10:15:30Z"),
        event("fast", "2024-11-12T10:16:11Z"),
        event("a-little", "2024-11-12T10:15:33Z"),
        event("late", "2024-11-12T10:15:02Z"),
    ];
    let records = (0..).zip(&texts);
    let records = records
        .map(|(offset, text)| SourceRecord::new(offset, Some(now.as_millis()), text.as_bytes()));
    let mut bytes = Vec::new();
    fold.batch(records, &mut bytes);
    let header = BatchHeader::decode(&bytes).expect("a partial");
    assert_eq!((header.accepted, header.stream_time), (4, Some(now)));
    assert_eq!(header.min_event_time, Some(at("2024-11-12T10:15:02Z")));
    let fast = SenderAhead {
        sender: "fast".to_owned(),
        ahead_ms: 40_000,
    };
    let senders = vec![fast];
    assert_eq!(header.ahead, SendersAhead { events: 1, senders });
}

#[test]
fn records_of_one_offset_are_distinguished_by_value_and_ingest_time() {
    let prints: std::collections::HashSet<_> = [
        SourceRecord::new(7, Some(1_000), b"value"),
        SourceRecord::new(7, Some(1_001), b"value"),
        SourceRecord::new(7, Some(1_000), b"valve"),
        SourceRecord::new(7, None, b"value"),
    ]
    .iter()
    .map(SourceRecord::fingerprint)
    .collect();
    assert_eq!(prints.len(), 4);
}

#[test]
fn wrong_parameters_are_refused_with_the_expected_value() {
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
        "unknown parameter `window`; known parameters: window_ms, hop_ms, max_skew_ms, own"
    );
}

/// The counts in a partial contradict each other if its end is missing, and often if a byte is changed.
#[test]
fn a_damaged_partial_is_an_error_or_another_partial_and_never_a_panic() {
    let texts = [
        event("ä", "2024-11-12T10:15:41Z"),
        event("b", "2024-11-12T10:15:39Z"),
    ];
    let records = (0..).zip(&texts);
    let records = records.map(|(offset, text)| SourceRecord::new(offset, None, text.as_bytes()));
    let mut whole = Vec::new();
    let mut fold = fold(&[("window_ms", "10000")]).expect("parameters");
    fold.batch(records, &mut whole);
    for length in 0..whole.len() {
        let error = BatchPartial::<Count>::decode(&whole[..length]).expect_err("cut");
        assert!(matches!(error, PartialError::Malformed { .. }), "{length}");
    }
    for (index, byte) in (0..whole.len()).flat_map(|index| (0..=255).map(move |byte| (index, byte)))
    {
        let mut damaged = whole.clone();
        damaged[index] = byte;
        if let Ok(partial) = BatchPartial::<Count>::decode(&damaged) {
            let keys = partial
                .contributions
                .iter()
                .map(|one| one.key.of(&partial.keys));
            assert_eq!(keys.map(str::len).sum::<usize>(), partial.keys.len());
        }
    }
}

#[test]
fn other_bytes_are_not_a_partial() {
    assert_eq!(BatchHeader::decode(&[1, 0]), Err(PartialError::Format(1)));
    for bytes in [&[][..], &[3], &[3, 0, 0, 7]] {
        let error = BatchPartial::<Count>::decode(bytes).expect_err("malformed");
        assert!(matches!(error, PartialError::Malformed { length, .. } if length == bytes.len()));
    }
}
