//! State machines: each key's events are followed one by one, in the order of event time. A fact
//! waits until the watermark has passed it; one that comes after that is late. What is found depends
//! on the facts and their order alone, so a restart from a snapshot finds the same again, and what
//! stands is not written twice.

mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use model::derived::Derived;
use model::follow::{Facts, FactsOf, Finding, Moment};
use model::{
    BatchPartial, Derivation, Follow, ParamError, Params, PartialError, RecordKey, Rejection,
    Timestamp, Window,
};

use self::saved::{Saved, SavedKey, SavedKeyRef, SavedRef};
use super::rows::Row;
use super::{AnyWindows, Arrived, Bounds, Cause, Merged, place};
use crate::position::padded;
use crate::standing::Standing;

/// The state machines of `M`, one for each key.
pub(crate) struct Machines<M: Follow> {
    /// The one of the map, and those that came later.
    versions: Vec<Version<M>>,
    facts: FactsOf<M>,
    bounds: Bounds,
    keys: BTreeMap<RecordKey, Kept<M>>,
    /// Facts that wait for the watermark.
    waiting: usize,
    /// When each key is to be looked at.
    agenda: BTreeSet<(Timestamp, RecordKey)>,
    /// Facts before this time have been followed.
    followed_to: Option<Timestamp>,
    /// The same as of the last checkpoint: a snapshot may be older.
    resumed_at: Option<Timestamp>,
    last_time: Option<Timestamp>,
    /// Whether an event was late since the last snapshot.
    late_since: bool,
    /// The derived topic's ends when the last snapshot was made.
    derived_from: Vec<i64>,
    standing: Standing,
}

/// A machine and from which offsets of the source partitions on it holds.
struct Version<M> {
    machine: M,
    from: Vec<i64>,
}

struct Kept<M: Follow> {
    state: M::State,
    /// Which version its last fact was followed by.
    version: usize,
    waiting: BTreeMap<Place, M::Fact>,
}

/// The order in which facts are followed: time, partition, offset.
type Place = (Timestamp, usize, i64);

impl<M: Follow> Machines<M> {
    pub(crate) fn new(params: &Params, bounds: Bounds) -> Result<Self, ParamError> {
        Ok(Self {
            versions: vec![Version {
                machine: M::from_params(params)?,
                from: Vec::new(),
            }],
            facts: FactsOf::from_params(params)?,
            bounds,
            keys: BTreeMap::new(),
            waiting: 0,
            agenda: BTreeSet::new(),
            followed_to: None,
            resumed_at: None,
            last_time: None,
            late_since: false,
            derived_from: Vec::new(),
            standing: Standing::default(),
        })
    }

    /// The newest version that holds for the record at this place.
    fn version_at(&self, partition: usize, offset: i64) -> usize {
        let holds = |version: &Version<M>| {
            version
                .from
                .get(partition)
                .is_none_or(|from| *from <= offset)
        };
        self.versions.iter().rposition(holds).unwrap_or(0)
    }

    fn due_at(&self, kept: &Kept<M>) -> Option<Timestamp> {
        // A fact is followed once the watermark is behind it.
        let fact = kept
            .waiting
            .first_key_value()
            .map(|((time, ..), _)| time.plus_ms(1));
        let deadline = self.versions[kept.version].machine.deadline(&kept.state);
        fact.into_iter().chain(deadline).min()
    }

    fn wait(&mut self, key: RecordKey, place: Place, fact: M::Fact) {
        let mut kept = self.keys.remove(&key).unwrap_or_default();
        if let Some(due) = self.due_at(&kept) {
            self.agenda.remove(&(due, key.clone()));
        }
        if kept.waiting.insert(place, fact).is_none() {
            self.waiting += 1;
        }
        self.keep(key, kept);
    }

    fn keep(&mut self, key: RecordKey, kept: Kept<M>) {
        if let Some(due) = self.due_at(&kept) {
            self.agenda.insert((due, key.clone()));
        }
        if !kept.waiting.is_empty() || !self.versions[kept.version].machine.is_spent(&kept.state) {
            self.keys.insert(key, kept);
        }
    }

    /// Follows the facts and deadlines of a key up to `watermark`.
    fn follow(
        &mut self,
        key: &RecordKey,
        kept: &mut Kept<M>,
        watermark: Timestamp,
        findings: &mut Vec<Finding<M::Output>>,
    ) {
        let mut reached = None;
        loop {
            let machine = &self.versions[kept.version].machine;
            let fact = kept
                .waiting
                .first_entry()
                .filter(|entry| entry.key().0 < watermark);
            let until = fact.as_ref().map_or(watermark, |entry| entry.key().0);
            // A deadline that does not move on would be reached for ever.
            let deadline = machine.deadline(&kept.state);
            let deadline =
                deadline.filter(|deadline| *deadline <= until && reached < Some(*deadline));
            if let Some(deadline) = deadline {
                reached = Some(deadline);
                machine.reach(key, &mut kept.state, deadline, findings);
                continue;
            }
            let Some(entry) = fact else { return };
            let ((time, partition, offset), fact) = entry.remove_entry();
            self.waiting -= 1;
            let moment = Moment {
                time,
                partition,
                offset,
                fact,
            };
            kept.version = self.version_at(partition, offset);
            let machine = &self.versions[kept.version].machine;
            machine.follow(key, &mut kept.state, moment, findings);
        }
    }

    fn is_late(
        &mut self,
        time: Timestamp,
        (partition, offsets): (usize, Range<i64>),
        is_replayed: bool,
        key: &RecordKey,
    ) -> bool {
        // Of a batch, a key and a time all or none are late, as their place does not tell them apart.
        let instant = Window::instant(time);
        let was_late = self.standing.was_late(partition, offsets, instant, key);
        let followed_to = if is_replayed {
            self.followed_to
        } else {
            self.followed_to.max(self.resumed_at)
        };
        was_late || followed_to.is_some_and(|followed_to| time < followed_to)
    }

    /// What was taken in before a restart is taken in again, room or not; all else asks.
    fn is_full_for(&self, key: &RecordKey) -> bool {
        self.len() >= self.bounds.entries_max && !self.keys.contains_key(key)
    }

    /// The row of a finding; `None` where it stands already.
    fn row(&mut self, finding: Finding<M::Output>) -> Result<Option<Row>, serde_json::Error> {
        let Finding {
            key,
            span,
            output,
            revision,
        } = finding;
        let standing = self.standing.row(span.start, key.as_str());
        if let Some(last) = standing.map(|row| row.revision)
            && last >= revision
        {
            // Only what has come up again need not be known any more: a finding may be revised
            // long after its time.
            if last == revision {
                self.standing.forget_row(span.start, key.as_str());
            }
            return Ok(None);
        }
        Row::of(&key, span, &Derived::new(span, output, revision)).map(Some)
    }
}

impl<M: Follow> AnyWindows for Machines<M> {
    fn merge(&mut self, arrived: Arrived, partial: &[u8]) -> Result<Merged, PartialError> {
        let BatchPartial {
            header,
            contributions,
        } = BatchPartial::<Facts<M::Fact>>::decode(partial)?;
        let is_replayed = header.next_offset <= arrived.replayed_to;
        let offsets = header.first_offset..header.next_offset;
        let mut merged = Merged::of(header);
        for contribution in contributions {
            let key = contribution.key;
            for model::follow::Fact { time, offset, fact } in contribution.partial.0 {
                let place = (time, arrived.partition, offset);
                self.last_time = self.last_time.max(Some(time));
                let batch = (arrived.partition, offsets.clone());
                if self.is_late(time, batch, is_replayed, &key) {
                    self.late_since = true;
                    merged.add_late(Window::instant(time), key.clone(), 1, Cause::Late);
                } else if !is_replayed && self.is_full_for(&key) {
                    self.late_since = true;
                    merged.add_late(Window::instant(time), key.clone(), 1, Cause::NoRoom);
                } else {
                    self.wait(key.clone(), place, fact);
                }
            }
        }
        if is_replayed {
            return Ok(merged.uncounted());
        }
        Ok(merged)
    }

    fn emit(
        &mut self,
        watermark: Timestamp,
        _: bool,
        _: &[i64],
    ) -> Result<Vec<Row>, serde_json::Error> {
        // Where a history ends, time does: nothing is known of what comes after.
        let end = self
            .last_time
            .map_or(Timestamp::MIN, |time| time.plus_ms(1));
        let watermark = if watermark == Timestamp::MAX {
            end
        } else {
            watermark
        };
        let mut findings = Vec::new();
        let mut followed = Vec::new();
        while self
            .agenda
            .first()
            .is_some_and(|(due, _)| *due <= watermark)
        {
            if let Some((_, key)) = self.agenda.pop_first()
                && let Some(mut kept) = self.keys.remove(&key)
            {
                self.follow(&key, &mut kept, watermark, &mut findings);
                followed.push((key, kept));
            }
        }
        followed
            .into_iter()
            .for_each(|(key, kept)| self.keep(key, kept));
        self.followed_to = self.followed_to.max(Some(watermark));
        findings.sort_by(|a, b| (a.span, &a.key, a.revision).cmp(&(b.span, &b.key, b.revision)));
        findings
            .into_iter()
            .filter_map(|finding| self.row(finding).transpose())
            .collect()
    }

    fn corrects(&self) -> bool {
        false
    }

    fn retire(&mut self, _: Timestamp) {}

    fn resume(&mut self, watermark: Option<Timestamp>, standing: Standing) {
        self.derived_from = standing.looked_from().to_vec();
        self.standing = standing;
        self.resumed_at = watermark;
    }

    /// States depend on all that has been: without a snapshot everything is read again.
    fn rewind_offset(&self, _: usize) -> Option<i64> {
        Some(0)
    }

    fn derived_from(&self, derived_ends: &[i64]) -> Vec<i64> {
        padded(&self.derived_from, derived_ends.len())
    }

    fn late_stands(&self) -> bool {
        self.late_since || self.standing.has_late()
    }

    fn adopt(&mut self, params: &Params, from: &[i64]) -> Result<(), ParamError> {
        self.versions.push(Version {
            machine: M::from_params(params)?,
            from: from.to_vec(),
        });
        Ok(())
    }

    fn place(&self, record: &[u8]) -> Result<(Timestamp, RecordKey), Rejection> {
        place(&self.facts, record)
    }

    fn len(&self) -> usize {
        self.keys.len() + self.waiting
    }

    fn snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        let keys = self.keys.iter().map(|(key, kept)| SavedKeyRef {
            key,
            state: &kept.state,
            version: kept.version,
            waiting: kept.waiting.iter().collect(),
        });
        postcard::to_stdvec(&SavedRef {
            followed_to: self.followed_to,
            last_time: self.last_time,
            keys: keys.collect(),
        })
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), postcard::Error> {
        let saved: Saved<M::State, M::Fact> = postcard::from_bytes(snapshot)?;
        (self.followed_to, self.last_time) = (saved.followed_to, saved.last_time);
        for SavedKey {
            key,
            state,
            version,
            waiting,
        } in saved.keys
        {
            self.waiting += waiting.len();
            let waiting = waiting.into_iter().collect();
            // Of a version that no checkpoint knows of nothing was followed.
            let version = version.min(self.versions.len() - 1);
            let kept = Kept {
                state,
                version,
                waiting,
            };
            self.keep(key, kept);
        }
        Ok(())
    }

    fn snapshotted(&mut self, derived_ends: &[i64]) {
        if let Some(followed_to) = self.followed_to {
            self.standing.retire_late(followed_to);
        }
        if self.standing.rows_from().is_none() {
            self.derived_from = derived_ends.to_vec();
        }
        self.late_since = false;
    }
}

impl<M: Follow> Default for Kept<M> {
    fn default() -> Self {
        Self {
            state: M::State::default(),
            version: 0,
            waiting: BTreeMap::new(),
        }
    }
}
