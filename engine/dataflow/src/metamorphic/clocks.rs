//! Tests with senders whose clocks are fast or slow by random amounts. The rows of all other senders must not
//! change.

use proptest::collection::vec;
use proptest::prelude::*;

use super::checks::{Expected, said};
use super::cluster::Cluster;
use super::config;
use super::finished;
use super::kinds::Kind;
use super::scripts::{Script, by_senders};

/// How far an event may be ahead of its ingest time. Events further ahead are rejected.
const SKEW_MAX_MS: i64 = 300_000;

/// The rows of senders whose clocks are correct.
fn honest(cluster: &Cluster, wrong: &[Option<i64>; 3]) -> Expected {
    let is_right = |key: &str| {
        let sender = key
            .split('|')
            .next()
            .and_then(|key| key.strip_prefix("key-"));
        let sender: usize = sender
            .and_then(|sender| sender.parse().ok())
            .expect("a sender");
        wrong[sender].is_none()
    };
    let mut rows = said(cluster);
    rows.retain(|(_, key, _), _| is_right(key));
    rows
}

fn clocks_concern_their_owners_alone(script: &(Script, Script), wrong: &[Option<i64>; 3]) {
    let (right, skewed) = script;
    let (right, skewed) = (finished(right), finished(skewed));
    assert!(right.late.is_empty(), "late: {:?}", right.late);
    assert_eq!(honest(&skewed, wrong), honest(&right, wrong));
    for late in &skewed.late {
        let key = late.key.as_ref().expect("an event of one key").as_str();
        let sender: usize = key["key-".len()..].parse().expect("a sender");
        assert!(
            wrong[sender].is_some(),
            "`{key}` is late, and its clock is right"
        );
    }
}

fn clocks() -> impl Strategy<Value = [Option<i64>; 3]> {
    let clock = prop_oneof![
        2 => Just(None),
        2 => (1..SKEW_MAX_MS).prop_map(Some),
        1 => (-60_000..0_i64).prop_map(Some),
    ];
    vec(clock, 3).prop_map(|clocks| [clocks[0], clocks[1], clocks[2]])
}

/// Two scripts with the same events, sent with correct clocks and with wrong clocks, and each sender's clock error in
/// milliseconds (`None` if its clock is correct).
fn with_clocks(kind: Kind) -> impl Strategy<Value = ((Script, Script), [Option<i64>; 3])> {
    clocks().prop_flat_map(move |clocks| {
        let skew = clocks.map(|skew| skew.unwrap_or(0));
        (by_senders(kind, skew), Just(clocks))
    })
}

macro_rules! properties {
    ($($name:ident: $kind:expr),*) => {$(
        proptest! {
            #![proptest_config(config())]

            #[test]
            fn $name((scripts, clocks) in with_clocks($kind)) {
                clocks_concern_their_owners_alone(&scripts, &clocks);
            }
        }
    )*};
}

properties! {
    wrong_clocks_change_no_window_of_others: Kind::Tumbling,
    wrong_clocks_change_no_hopping_window_of_others: Kind::Hopping,
    wrong_clocks_change_no_session_of_others: Kind::Sessions,
    wrong_clocks_change_nothing_found_of_others: Kind::Followed
}
