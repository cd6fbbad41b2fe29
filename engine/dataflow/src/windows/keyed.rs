//! Keyed processes: the events of each key are processed one by one, in the order of event time. The SmartModule
//! reduces each event to a fact. A fact waits until the watermark has passed it; a fact that arrives after that
//! is late. Detections depend only on the facts and their order, so a restart from a snapshot computes the same
//! detections again.

mod saved;

use std::collections::{BTreeMap, BTreeSet};

use client::{Offset, Partition, PartitionOffset};
use model::keyed_process::{Detection, Fact, Facts, TimedEvent};
use model::partial::Contribution;
use model::{
    BatchPartial, KeyedProcess, ParamError, Params, PartialError, RecordKey, Timestamp, Window,
};
use serde::{Deserialize, Serialize};

use self::saved::{Saved, SavedKey, SavedKeyRef, SavedRef};
use super::{Batch, Bounds, Contributions, Keyed, MergeOutcome, OnDetection, Origin, Windows};
use crate::output::lateness::{Cause, LatePlace};
use crate::output::revisions::DueDetection;

/// The states of the keyed process `M`, one per key.
pub(crate) struct KeyedProcesses<M: KeyedProcess> {
    /// The version from the dataflow file, followed by later versions.
    versions: Vec<Version<M>>,
    bounds: Bounds,
    keys: BTreeMap<RecordKey, Kept<M>>,
    /// The number of facts that wait for the watermark.
    waiting: usize,
    /// The keys by the time at which each has to be processed next.
    agenda: BTreeSet<(Timestamp, RecordKey)>,
    /// Facts before this time have been processed.
    followed_to: Option<Timestamp>,
    /// The value of `followed_to` in the last checkpoint. The restored snapshot may be older than that.
    resumed_at: Option<Timestamp>,
    /// Facts before this time were processed in an earlier log of the source.
    closed_to: Option<Timestamp>,
    last_time: Option<Timestamp>,
}

/// A version of the process, with the offsets of the source partitions from which it applies.
struct Version<M> {
    process: M,
    from: Vec<Offset>,
}

/// The state of one key, and its facts that wait for the watermark.
struct Kept<M: KeyedProcess> {
    state: M::State,
    /// The version that processed this key's last fact.
    version: usize,
    waiting: BTreeMap<FactPosition, M::Fact>,
}

/// The position of a fact in the processing order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct FactPosition {
    time: Timestamp,
    at: PartitionOffset,
}

impl<M: KeyedProcess> KeyedProcesses<M> {
    pub(crate) fn new(params: &Params, bounds: Bounds) -> Result<Self, ParamError> {
        Ok(Self {
            versions: vec![Version {
                process: M::from_params(params)?,
                from: Vec::new(),
            }],
            bounds,
            keys: BTreeMap::new(),
            waiting: 0,
            agenda: BTreeSet::new(),
            followed_to: None,
            resumed_at: None,
            closed_to: None,
            last_time: None,
        })
    }

    /// The newest version that applies to the record at this partition and offset.
    fn version_at(&self, at: PartitionOffset) -> usize {
        let holds = |version: &Version<M>| {
            version
                .from
                .get(at.partition.index())
                .is_none_or(|from| *from <= at.offset)
        };
        self.versions.iter().rposition(holds).unwrap_or(0)
    }

    /// The watermark; if it is unlimited, the end of the history, because nothing is known about the time
    /// after the last event.
    fn within_history(&self, watermark: Timestamp) -> Timestamp {
        if watermark < Timestamp::MAX {
            return watermark;
        }
        self.last_time
            .map_or(Timestamp::MIN, |time| time.plus_ms(1))
    }

    fn due_at(&self, kept: &Kept<M>) -> Option<Timestamp> {
        // A fact is processed once the watermark has passed it.
        let fact = kept
            .waiting
            .first_key_value()
            .map(|(position, _)| position.time.plus_ms(1));
        let deadline = self.versions[kept.version].process.timer(&kept.state);
        fact.into_iter().chain(deadline).min()
    }

    fn wait(&mut self, key: RecordKey, position: FactPosition, fact: M::Fact) {
        let mut kept = self.keys.remove(&key).unwrap_or_default();
        if let Some(due) = self.due_at(&kept) {
            self.agenda.remove(&(due, key.clone()));
        }
        if kept.waiting.insert(position, fact).is_none() {
            self.waiting += 1;
        }
        self.keep(key, kept);
    }

    fn keep(&mut self, key: RecordKey, kept: Kept<M>) {
        if let Some(due) = self.due_at(&kept) {
            self.agenda.insert((due, key.clone()));
        }
        if !kept.waiting.is_empty() || !self.versions[kept.version].process.is_empty(&kept.state) {
            self.keys.insert(key, kept);
        }
    }

    /// Processes the facts of a key before `watermark`, and its timers up to `watermark`.
    fn on_event(
        &mut self,
        key: &RecordKey,
        kept: &mut Kept<M>,
        watermark: Timestamp,
        detections: &mut Vec<Detection<M::Output>>,
    ) {
        let mut reached = None;
        loop {
            let process = &self.versions[kept.version].process;
            let fact = kept
                .waiting
                .first_entry()
                .filter(|entry| entry.key().time < watermark);
            let until = fact.as_ref().map_or(watermark, |entry| entry.key().time);
            // A timer that does not advance would fire endlessly.
            let deadline = process.timer(&kept.state);
            let deadline =
                deadline.filter(|deadline| *deadline <= until && reached < Some(*deadline));
            if let Some(deadline) = deadline {
                reached = Some(deadline);
                process.on_timer(key, &mut kept.state, deadline, detections);
                continue;
            }
            let Some(entry) = fact else { return };
            let (FactPosition { time, at }, fact) = entry.remove_entry();
            self.waiting -= 1;
            let moment = TimedEvent {
                time,
                partition: at.partition.index(),
                offset: at.offset.0,
                fact,
            };
            kept.version = self.version_at(at);
            let process = &self.versions[kept.version].process;
            process.on_event(key, &mut kept.state, moment, detections);
        }
    }

    /// Whether memory has no space for a new key. Facts that were merged before a restart are merged again
    /// without this check.
    fn is_full_for(&self, key: &RecordKey) -> bool {
        self.len() >= self.bounds.entries_max && !self.keys.contains_key(key)
    }
}

impl<M: KeyedProcess> Windows for KeyedProcesses<M> {
    /// Each fact is a separate contribution whose span is a single instant.
    fn decode(&self, partial: &[u8]) -> Result<Batch, PartialError> {
        let BatchPartial {
            header,
            contributions,
        } = BatchPartial::<Facts<M::Fact>>::decode(partial)?;
        let facts = contributions.into_iter().flat_map(|of_key| {
            let key = of_key.key;
            of_key.partial.0.into_iter().map(move |fact| Contribution {
                window: Window::instant(fact.time),
                key: key.clone(),
                events: 1,
                partial: fact,
            })
        });
        Ok(Batch::new(header, facts.collect()))
    }

    fn is_over(&self, span: Window, _: &RecordKey, is_replayed: bool) -> bool {
        let followed_to = self.followed_to.max(self.closed_to);
        let followed_to = if is_replayed {
            followed_to
        } else {
            followed_to.max(self.resumed_at)
        };
        followed_to.is_some_and(|followed_to| span.start < followed_to)
    }

    fn merge(&mut self, contributions: Contributions, origin: Origin) -> MergeOutcome {
        let mut outcome = MergeOutcome::default();
        for contribution in contributions.of::<Fact<M::Fact>>() {
            let (key, Fact { time, offset, fact }) = (contribution.key, contribution.partial);
            self.last_time = self.last_time.max(Some(time));
            if !origin.is_replayed && self.is_full_for(&key) {
                let place = LatePlace {
                    window: contribution.window,
                    key,
                    cause: Cause::NoRoom,
                };
                outcome.no_room.push((place, contribution.events));
                continue;
            }
            let at = PartitionOffset {
                partition: origin.partition,
                offset: Offset(offset),
            };
            self.wait(key, FactPosition { time, at }, fact);
        }
        outcome
    }

    fn resume(&mut self, watermark: Option<Timestamp>, closed_to: Option<Timestamp>) {
        self.closed_to = closed_to;
        self.resumed_at = watermark;
    }

    /// States depend on every record so far, so a restart without a snapshot reads all of them again.
    fn rewind_offset(&self, _: Partition) -> Option<Offset> {
        Some(Offset::ZERO)
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
            // The checkpoint contains every version that has processed a record. The limit only guards the
            // accesses by index.
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
}

impl<M: KeyedProcess> Keyed for KeyedProcesses<M> {
    fn due(
        &mut self,
        watermark: Timestamp,
        on_detection: &mut OnDetection<'_>,
    ) -> Result<(), serde_json::Error> {
        let watermark = self.within_history(watermark);
        let mut detections = Vec::new();
        let mut followed = Vec::new();
        while self
            .agenda
            .first()
            .is_some_and(|(due, _)| *due <= watermark)
        {
            if let Some((_, key)) = self.agenda.pop_first()
                && let Some(mut kept) = self.keys.remove(&key)
            {
                self.on_event(&key, &mut kept, watermark, &mut detections);
                followed.push((key, kept));
            }
        }
        followed
            .into_iter()
            .for_each(|(key, kept)| self.keep(key, kept));
        self.followed_to = self.followed_to.max(Some(watermark));
        detections.sort_by(|a, b| (a.span, &a.key, a.revision).cmp(&(b.span, &b.key, b.revision)));
        detections.iter().try_for_each(|detection| {
            on_detection(DueDetection {
                key: &detection.key,
                span: detection.span,
                revision: detection.revision,
                measures: &detection.output,
            })
        })
    }

    fn followed_to(&self) -> Option<Timestamp> {
        self.followed_to
    }

    fn adopt(&mut self, params: &Params, from: &[Offset]) -> Result<(), ParamError> {
        self.versions.push(Version {
            process: M::from_params(params)?,
            from: from.to_vec(),
        });
        Ok(())
    }
}

impl<M: KeyedProcess> Default for Kept<M> {
    fn default() -> Self {
        Self {
            state: M::State::default(),
            version: 0,
            waiting: BTreeMap::new(),
        }
    }
}
