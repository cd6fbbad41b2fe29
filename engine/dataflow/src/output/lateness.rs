//! The stage that decides whether a contribution is late, and remembers the decisions of an earlier runner.

use std::collections::BTreeMap;

use client::{OffsetRange, Partition, PartitionOffset};
use model::{RecordKey, Timestamp, Window};

/// Where an event counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// The event time.
    pub(crate) time: Timestamp,
    /// The keys to which the event contributes: usually one; none if it contributes nothing.
    pub(crate) keys: Vec<RecordKey>,
}

impl Located {
    /// The only key; `None` if there are none or several.
    pub(crate) fn only_key(&self) -> Option<&RecordKey> {
        match self.keys.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }
}

/// Identifies late events of one batch: all events of the batch with this window and key. They are in no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LatePlace {
    pub(crate) window: Window,
    pub(crate) key: RecordKey,
    pub(crate) cause: Cause,
}

/// The reason why an accepted event is in no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The event's window can no longer be corrected.
    Late,
    /// Memory already contained as many entries as `entries_max` allows.
    NoRoom,
}

impl LatePlace {
    /// Whether an event of the batch that counts there is one of the late events.
    pub(crate) fn holds(&self, event: &Located) -> bool {
        self.window.contains(event.time) && event.keys.contains(&self.key)
    }
}

/// Decides which contributions are late.
///
/// - A contribution is late if its window can no longer be corrected, or if an earlier runner decided that it is late.
/// - The events of one batch, window and key are either all late or all on time.
/// - A decision is remembered as long as a restart may need it.
#[derive(Debug)]
pub(crate) struct Lateness {
    /// The decisions of an earlier runner, by source partition and offset.
    decided: BTreeMap<PartitionOffset, Decision>,
    /// Whether lateness depends on the order in which events arrive. If so, a restart cannot recompute it.
    by_order: bool,
    /// Whether an event has been refused, as late or for lack of memory, since the last snapshot. Always `false`
    /// unless `by_order` is set.
    refused_since: bool,
}

/// An earlier runner's decision that an event is late.
#[derive(Debug)]
struct Decision {
    event_time: Timestamp,
    /// As in [`LateEvent`].
    key: Option<RecordKey>,
    /// The end of the event's window; `None` until its batch has been merged again.
    window_end: Option<Timestamp>,
}

/// A late event that an earlier runner wrote to `late-events`.
#[derive(Clone, Debug)]
pub(crate) struct LateEvent {
    /// The position of the event in the source.
    pub(crate) at: PartitionOffset,
    pub(crate) time: Timestamp,
    /// The event's key. `None` means all keys of the window: the event has several keys, or an early version of the
    /// runner wrote the record.
    pub(crate) key: Option<RecordKey>,
}

/// Late events written by an earlier runner.
#[derive(Debug, Default)]
pub(crate) struct PriorLate(BTreeMap<PartitionOffset, Decision>);

impl PriorLate {
    pub(crate) fn add(&mut self, event: LateEvent) {
        let decision = Decision {
            event_time: event.time,
            key: event.key,
            window_end: None,
        };
        self.0.insert(event.at, decision);
    }
}

impl Lateness {
    /// Starts without any decision. `by_order` means that lateness depends on the order in which events
    /// arrive.
    pub(crate) fn new(by_order: bool) -> Self {
        Self {
            decided: BTreeMap::new(),
            by_order,
            refused_since: false,
        }
    }

    /// Takes over the decisions of an earlier runner.
    pub(crate) fn resume(&mut self, prior: PriorLate) {
        self.decided = prior.0;
    }

    /// Whether decisions of an earlier runner are remembered. If not, a contribution is late only if its window can no
    /// longer be corrected.
    pub(crate) fn has_decided(&self) -> bool {
        !self.decided.is_empty()
    }

    /// Whether a batch's contribution to this window and key is late. `is_over` is true if the window can no
    /// longer be corrected.
    pub(crate) fn is_late(
        &mut self,
        partition: Partition,
        offsets: OffsetRange,
        (window, key): (Window, &str),
        is_over: bool,
    ) -> bool {
        // `was_late` must run even if `is_over`: it notes the end of the window in the decision, which could
        // otherwise never be forgotten.
        let is_late = self.was_late(partition, offsets, window, key) || is_over;
        if is_late {
            self.refused();
        }
        is_late
    }

    fn was_late(
        &mut self,
        partition: Partition,
        offsets: OffsetRange,
        window: Window,
        key: &str,
    ) -> bool {
        let at = |offset| PartitionOffset { partition, offset };
        let places = at(offsets.start)..at(offsets.end);
        let mut was_late = false;
        for (_, decision) in self.decided.range_mut(places) {
            let key_decided = decision.key.as_ref().map(RecordKey::as_str);
            let is_its = key_decided.is_none_or(|decided| decided == key);
            if is_its && window.contains(decision.event_time) {
                decision.window_end = Some(window.end);
                was_late = true;
            }
        }
        was_late
    }

    /// If lateness depends on the order of arrival, notes that an event was refused: it was too late, or did not fit
    /// into memory.
    pub(crate) fn refused(&mut self) {
        self.refused_since |= self.by_order;
    }

    /// Whether a restart must read `late-events` to make the same decisions.
    pub(crate) fn is_needed(&self) -> bool {
        self.refused_since || !self.decided.is_empty()
    }

    /// Forgets decisions on windows that end by `end`.
    pub(crate) fn retire(&mut self, end: Timestamp) {
        self.decided
            .retain(|_, decision| decision.window_end.is_none_or(|at| at > end));
    }

    /// Notes that the next restart begins with a snapshot. The snapshot does not contain the events refused so
    /// far, and the restart does not read them again.
    pub(crate) fn snapshotted(&mut self) {
        self.refused_since = false;
    }
}
