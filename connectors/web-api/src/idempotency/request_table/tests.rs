//! Tests the states of requests and the transitions between them.

use client::{Offset, OffsetRange, Partition};

use super::super::request::{digest, request_key};
use super::*;
use crate::topics::TargetTopic;

const HOUR_MS: i64 = 3_600_000;

fn body(text: &str) -> Digest {
    digest("/v1/events", "json", &[text.as_bytes()])
}

fn begin(
    table: &Arc<RequestTable>,
    key: &str,
    text: &str,
    now_ms: i64,
) -> Result<Begin, RequestError> {
    RequestTable::begin(table, request_key(None, key), body(text), now_ms)
}

fn new(table: &Arc<RequestTable>, key: &str, now_ms: i64) -> Claim {
    match begin(table, key, "{}", now_ms) {
        Ok(Begin::New(claim)) => claim,
        _ => panic!("`{key}` is not new"),
    }
}

fn intent(at_ms: i64) -> Intent {
    Intent {
        at_ms,
        digest: body("{}"),
        correction: None,
        from: BTreeMap::new(),
    }
}

#[test]
fn a_request_is_worked_on_once_at_a_time_and_answered_for_an_hour() {
    let table = Arc::new(RequestTable::default());
    let mut claim = new(&table, "a", 0);
    assert!(matches!(
        begin(&table, "a", "{}", 1),
        Err(RequestError::InProgress)
    ));
    assert!(matches!(
        begin(&table, "a", "[]", 1),
        Err(RequestError::KeyReused)
    ));
    claim.intended(intent(0));
    claim.in_doubt();
    claim.answered(Vec::new());
    for now_ms in [2, HOUR_MS] {
        assert!(matches!(
            begin(&table, "a", "{}", now_ms),
            Ok(Begin::Answered)
        ));
    }
    assert!(matches!(
        begin(&table, "a", "[]", 2),
        Err(RequestError::KeyReused)
    ));
    drop(new(&table, "a", HOUR_MS + 1));
    assert_eq!(table.len(), 0);
}

#[test]
fn a_dropped_claim_stores_how_far_it_came() {
    let table = Arc::new(RequestTable::default());
    drop(new(&table, "a", 0));
    let mut claim = new(&table, "a", 1);
    claim.intended(intent(1));
    drop(claim);
    let Ok(Begin::Intended(mut claim)) = begin(&table, "a", "{}", 2) else {
        panic!("not intended");
    };
    assert_eq!(claim.at_ms(), 1);
    claim.in_doubt();
    drop(claim);
    let Ok(Begin::InDoubt(mut claim)) = begin(&table, "a", "{}", 3) else {
        panic!("not in doubt");
    };
    claim.certainly_unwritten();
    drop(claim);
    assert!(matches!(
        begin(&table, "a", "{}", 4),
        Ok(Begin::Intended(_))
    ));
}

#[test]
fn records_found_belong_to_their_request_while_it_is_under_way() {
    let table = Arc::new(RequestTable::default());
    let mut claim = new(&table, "a", 0);
    claim.intended(intent(0));
    let range = RecordRange::new(
        TargetTopic::Rejected,
        Partition(0),
        OffsetRange {
            start: Offset(4),
            end: Offset(5),
        },
    );
    claim.found(vec![range.clone()]);
    assert_eq!(table.ranges_of_others(request_key(None, "b")), [range]);
    assert_eq!(table.ranges_of_others(request_key(None, "a")), []);
    drop(claim);
    assert_eq!(table.ranges_of_others(request_key(None, "b")), []);
}

#[test]
fn a_request_under_way_is_not_forgotten() {
    let table = Arc::new(RequestTable::default());
    let mut claim = new(&table, "answered", 0);
    claim.intended(intent(0));
    claim.answered(Vec::new());
    let mut old = new(&table, "old", 1);
    old.intended(intent(1));
    drop(old);
    let Ok(Begin::Intended(old)) = begin(&table, "old", "{}", 2) else {
        panic!("not intended");
    };
    let other = new(&table, "other", HOUR_MS + 2);
    assert_eq!(table.len(), 2);
    drop((old, other));
    let another = new(&table, "another", HOUR_MS + 3);
    assert_eq!(table.len(), 1);
    drop(another);
}

#[test]
fn a_loaded_request_has_one_entry_and_leaves_none() {
    let table = Arc::new(RequestTable::default());
    let key = request_key(None, "a");
    for _ in 0..3 {
        table.load_intent(key, intent(5));
        let settled = Settled {
            at_ms: 5,
            digest: body("{}"),
            ranges: Vec::new(),
        };
        table.load_settled(key, settled);
    }
    assert_eq!((table.len(), table.lock().by_age.len()), (1, 1));
    drop(new(&table, "b", HOUR_MS + 6));
    assert_eq!((table.len(), table.lock().by_age.len()), (0, 0));
}

#[test]
fn a_full_table_refuses_new_keys_and_still_answers_known_ones() {
    let table = Arc::new(RequestTable::default());
    let mut claim = new(&table, "a", 0);
    claim.intended(intent(0));
    claim.answered(Vec::new());
    let filler = (0, request_key(None, "filler"));
    let free = 2 * IDEMPOTENCY_KEYS_MAX - table.lock().by_age.len();
    table
        .lock()
        .by_age
        .extend(std::iter::repeat_n(filler, free - 1));
    drop(new(&table, "b", 1));
    table.lock().by_age.push_back(filler);
    assert!(matches!(
        begin(&table, "b", "{}", 1),
        Err(RequestError::NoRoomForKey)
    ));
    assert!(matches!(begin(&table, "a", "{}", 1), Ok(Begin::Answered)));
}
