//! Tests of when a waiting runner may claim the lease, depending on its observations.

use super::*;
use crate::lease::holder::LeaseRecord;

const SOON: Duration = Duration::from_millis(1);

fn held_by(runner: &str) -> Holder {
    let mut holder = Holder::default();
    holder.apply(LeaseRecord {
        runner: runner.to_owned(),
        kind: Kind::Heartbeat,
    });
    holder
}

#[test]
fn a_free_lease_is_claimed_once_until_somebody_is_heard() {
    let start = Instant::now();
    let mut watch = Watch::new(start);
    let mut holder = Holder::default();
    holder.has_read_all();
    assert_eq!(
        watch.right(&holder, start, |_| true),
        Some(ClaimReason::Free)
    );
    watch.claimed(start);
    assert_eq!(watch.right(&holder, start, |_| true), None);
    let long_after = start + TAKEOVER;
    assert_eq!(
        watch.right(&holder, long_after, |_| true),
        Some(ClaimReason::Silent),
        "the claim was not heard"
    );
}

#[test]
fn a_holder_of_whom_nothing_is_known_is_superseded_once_it_cannot_write_any_more() {
    let start = Instant::now();
    let mut watch = Watch::new(start);
    let holder = held_by("a");
    let almost = start + TAKEOVER - SOON;
    assert_eq!(watch.right(&holder, almost, |_| false), None);
    let right = watch.right(&holder, almost + SOON, |_| false);
    assert_eq!(right, Some(ClaimReason::Silent));
}

#[test]
fn a_holder_whose_last_record_was_not_read_may_still_write() {
    let start = Instant::now();
    let mut watch = Watch::new(start);
    let holder = Holder::default();
    assert_eq!(
        watch.right(&holder, start + TAKEOVER - SOON, |_| true),
        None
    );
    let right = watch.right(&holder, start + TAKEOVER, |_| true);
    assert_eq!(right, Some(ClaimReason::Silent));
}

#[test]
fn a_dead_holder_is_superseded_as_soon_as_its_last_requests_have_settled() {
    let start = Instant::now();
    let mut watch = Watch::new(start);
    let holder = held_by("a");
    assert_eq!(watch.right(&holder, start, |_| false), None);
    let died = start + LOOK;
    assert_eq!(watch.right(&holder, died, |id| id == "a"), None);
    assert_eq!(watch.right(&holder, died + SETTLE - SOON, |_| false), None);
    // Another waiting runner may have removed the lock file in the meantime. The holder is still considered dead.
    let right = watch.right(&holder, died + SETTLE, |_| false);
    assert_eq!(right, Some(ClaimReason::Dead));
    watch.claimed(died + SETTLE);
    assert_eq!(watch.right(&holder, died + SETTLE + SOON, |_| true), None);
}

#[test]
fn one_that_is_heard_each_heartbeat_is_not_dead() {
    let mut now = Instant::now();
    let holder = held_by("a");
    for _ in 0..30 {
        let mut watch = Watch::new(now);
        assert_eq!(watch.right(&holder, now, |_| true), None);
        now += HEARTBEAT + LOOK;
        assert_eq!(watch.right(&holder, now, |_| true), None);
    }
}
