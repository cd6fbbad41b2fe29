//! The requests of the last hour by key, and the state of each.

mod record_range;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use client::Offset;

use super::journal::{self, Intent, Settled};
use super::request::{Digest, RequestKey};
use crate::clock::Correction;
use crate::error::RequestError;
use crate::limits::{IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_RETENTION};
use crate::writer::OutgoingRecord;

pub(super) use record_range::RecordRange;

#[derive(Debug, Default)]
pub(super) struct RequestTable(Mutex<Requests>);

#[derive(Debug, Default)]
struct Requests {
    entries: HashMap<RequestKey, Entry>,
    /// The times and keys of entries. An entry is appended when it is loaded or when its first claim ends, so the times
    /// may be slightly out of order.
    by_age: VecDeque<(i64, RequestKey)>,
}

#[derive(Debug)]
struct Entry {
    digest: Digest,
    at_ms: i64,
    /// Whether the entry is in `by_age`.
    is_aged: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A task holds the [`Claim`]. The records in these ranges are known to belong to the request.
    UnderWay(Vec<RecordRange>),
    /// The intent is in the journal. None of the records was written.
    Intended(Intent),
    /// The intent is in the journal. Some records may have been written.
    InDoubt(Intent),
    /// The request is done. Its records are in these ranges.
    Answered(Box<[RecordRange]>),
}

/// The work that remains to be done for a request.
pub(super) enum Begin {
    /// Write the intent and all records.
    New(Claim),
    /// Write all records.
    Intended(Claim),
    /// Read the topics back, and write the missing records.
    InDoubt(Claim),
    /// Nothing: the request is done.
    Answered,
}

/// The exclusive right to work on a request. If it is dropped before the request is done, it stores the
/// state from which the next attempt starts.
pub(super) struct Claim {
    table: Arc<RequestTable>,
    key: RequestKey,
    /// The state to store when the claim is dropped; `None` removes the request.
    on_drop: Option<State>,
}

impl RequestTable {
    /// Claims a request, unless it is done or already claimed.
    pub(super) fn begin(
        table: &Arc<Self>,
        key: RequestKey,
        digest: Digest,
        now_ms: i64,
    ) -> Result<Begin, RequestError> {
        let mut requests = table.lock();
        requests.forget(now_ms - IDEMPOTENCY_RETENTION.as_millis() as i64);
        let claim = |on_drop| Claim {
            table: Arc::clone(table),
            key,
            on_drop,
        };
        let Some(entry) = requests.entries.get_mut(&key) else {
            requests.check_room()?;
            let entry = Entry {
                digest,
                at_ms: now_ms,
                is_aged: false,
                state: State::UnderWay(Vec::new()),
            };
            requests.entries.insert(key, entry);
            return Ok(Begin::New(claim(None)));
        };
        if entry.digest != digest {
            return Err(RequestError::KeyReused);
        }
        match &entry.state {
            State::UnderWay(_) => return Err(RequestError::InProgress),
            State::Answered(_) => return Ok(Begin::Answered),
            State::Intended(_) | State::InDoubt(_) => {}
        }
        let left = std::mem::replace(&mut entry.state, State::UnderWay(Vec::new()));
        let is_in_doubt = matches!(left, State::InDoubt(_));
        let claim = claim(Some(left));
        Ok(match is_in_doubt {
            true => Begin::InDoubt(claim),
            false => Begin::Intended(claim),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Returns the ranges of records that are known to belong to other requests.
    pub(super) fn ranges_of_others(&self, key: RequestKey) -> Vec<RecordRange> {
        let requests = self.lock();
        let others = requests.entries.iter().filter(|(other, _)| **other != key);
        let ranges = others.flat_map(|(_, entry)| match &entry.state {
            State::UnderWay(ranges) => ranges.as_slice(),
            State::Answered(ranges) => ranges,
            State::Intended(_) | State::InDoubt(_) => &[],
        });
        ranges.cloned().collect()
    }

    pub(super) fn load_intent(&self, key: RequestKey, mut intent: Intent) {
        let mut requests = self.lock();
        match requests.entries.get(&key).map(|entry| &entry.state) {
            // This intent reached the journal late: the request was already completed with another intent.
            Some(State::Answered(_)) => return,
            Some(State::InDoubt(earlier)) => intent.merge(earlier),
            _ => {}
        }
        requests.load(key, intent.digest, intent.at_ms, State::InDoubt(intent));
    }

    pub(super) fn load_settled(&self, key: RequestKey, settled: Settled) {
        let state = State::Answered(settled.ranges.into());
        self.lock().load(key, settled.digest, settled.at_ms, state);
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: RequestKey, state: State) {
        let mut requests = self.lock();
        let Some(entry) = requests.entries.get_mut(&key) else {
            return;
        };
        entry.state = state;
        let (at_ms, was_aged) = (entry.at_ms, std::mem::replace(&mut entry.is_aged, true));
        if !was_aged {
            requests.by_age.push_back((at_ms, key));
        }
    }

    fn remove(&self, key: RequestKey) {
        self.lock().entries.remove(&key);
    }
}

impl Requests {
    fn check_room(&self) -> Result<(), RequestError> {
        let is_full = self.entries.len() >= IDEMPOTENCY_KEYS_MAX
            || self.by_age.len() >= 2 * IDEMPOTENCY_KEYS_MAX;
        if is_full {
            Err(RequestError::NoRoomForKey)
        } else {
            Ok(())
        }
    }

    fn load(&mut self, key: RequestKey, digest: Digest, at_ms: i64, state: State) {
        let entry = Entry {
            digest,
            at_ms,
            is_aged: true,
            state,
        };
        let earlier = self.entries.insert(key, entry);
        // An intent and the completion of its request have the same time and share one entry in `by_age`.
        if earlier.is_none_or(|earlier| earlier.at_ms != at_ms) {
            self.by_age.push_back((at_ms, key));
        }
    }

    /// Removes requests older than `before_ms`. Stops at a request in progress, so the requests after it are kept
    /// as well.
    fn forget(&mut self, before_ms: i64) {
        while let Some((at_ms, key)) = self.by_age.front().copied() {
            let entry = self.entries.get(&key);
            let is_current = entry.is_some_and(|entry| entry.at_ms == at_ms);
            let is_under_way = entry.is_some_and(|entry| matches!(entry.state, State::UnderWay(_)));
            if at_ms >= before_ms || is_current && is_under_way {
                return;
            }
            self.by_age.pop_front();
            if is_current {
                self.entries.remove(&key);
            }
        }
    }
}

impl Claim {
    /// Returns the time at which the first request with this key arrived.
    pub(super) fn at_ms(&self) -> i64 {
        self.intent().map_or(0, |intent| intent.at_ms)
    }

    /// Returns the correction of event times that was determined for the first request with this key.
    pub(super) fn correction(&self) -> Option<Correction> {
        self.intent()?.correction
    }

    /// Returns, for each partition of each topic, the offset at which to start a search for records of this
    /// request.
    pub(super) fn from(&self) -> BTreeMap<String, Vec<Offset>> {
        self.intent()
            .map(|intent| intent.from.clone())
            .unwrap_or_default()
    }

    /// Notes that the intent is in the journal.
    pub(super) fn intended(&mut self, intent: Intent) {
        self.on_drop = Some(State::Intended(intent));
    }

    /// Notes that records may be written from now on.
    pub(super) fn in_doubt(&mut self) {
        self.on_drop = self.on_drop.take().map(|state| match state {
            State::Intended(intent) => State::InDoubt(intent),
            other => other,
        });
    }

    /// Notes that no record of this attempt was written, and that none will be.
    pub(super) fn certainly_unwritten(&mut self) {
        self.on_drop = self.on_drop.take().map(|state| match state {
            State::InDoubt(intent) => State::Intended(intent),
            other => other,
        });
    }

    /// Notes that these records belong to the request, so that no other request may claim them.
    pub(super) fn found(&self, ranges: Vec<RecordRange>) {
        let mut requests = self.table.lock();
        if let Some(entry) = requests.entries.get_mut(&self.key) {
            entry.state = State::UnderWay(ranges);
        }
    }

    pub(super) fn answer_record(&self, ranges: &[RecordRange]) -> Option<OutgoingRecord> {
        let intent = self.intent()?;
        Some(journal::answer_record(self.key, intent, ranges))
    }

    /// Marks the request as done, with its records at these offsets.
    pub(super) fn answered(mut self, ranges: Vec<RecordRange>) {
        self.on_drop = Some(State::Answered(ranges.into()));
    }

    fn intent(&self) -> Option<&Intent> {
        match &self.on_drop {
            Some(State::Intended(intent) | State::InDoubt(intent)) => Some(intent),
            _ => None,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        match self.on_drop.take() {
            Some(state) => self.table.put(self.key, state),
            None => self.table.remove(self.key),
        }
    }
}

#[cfg(test)]
mod tests;
