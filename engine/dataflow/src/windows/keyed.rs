//! Keyed processes: the events of each key are processed one by one, in the order of event time. The SmartModule
//! reduces each event to a fact. A fact waits until the watermark has passed its time. It is late if it arrives after
//! that. Detections depend only on the facts and their order, so a restart from a snapshot computes the same
//! detections again.

mod agenda;
mod facts;
mod saved;
mod state;

use client::{Offset, Partition, PartitionOffset};
use model::keyed_process::{Detection, Fact, Facts, TimedEvent};
use model::{BatchPartial, KeyedProcess, ParamError, Params, PartialError, Timestamp, Window};

use self::agenda::Agenda;
use self::facts::{FactPosition, FactsByKey};
use self::saved::{Saved, SavedKey, SavedKeyRef, SavedRef};
use self::state::{KeyState, Version, version_at};
use super::table::{Number, Table};
use super::{
    Batch, Bounds, Contributions, Keyed, MergeOutcome, OnDetection, OnDisplaced, Origin, Windows,
};
use crate::output::lateness::{Cause, LatePlace};
use crate::output::revisions::DueDetection;

/// The states of the keyed process `M`, one per key.
pub(crate) struct KeyedProcesses<M: KeyedProcess> {
    /// The process with the parameters of the dataflow file, followed by one for each adopted version of the rules.
    versions: Vec<Version<M>>,
    bounds: Bounds,
    keys: Table<KeyState<M>>,
    /// The number of facts that wait for the watermark.
    waiting: usize,
    /// The keys, by the time at which each has to be processed next.
    agenda: Agenda,
    /// The facts that [`Self::process`] is processing. Their memory is used again for the next key.
    due: Vec<(FactPosition, M::Fact)>,
    /// Facts before this time have been processed.
    followed_to: Option<Timestamp>,
    /// The watermark in the checkpoint from which the runner started. The restored snapshot may be older, so
    /// `followed_to` may be less.
    resumed_at: Option<Timestamp>,
    /// Facts before this time are too late: they belong to the time that an earlier log of the source covered.
    closed_to: Option<Timestamp>,
    last_time: Option<Timestamp>,
}

impl<M: KeyedProcess> KeyedProcesses<M> {
    pub(crate) fn new(params: &Params, bounds: Bounds) -> Result<Self, ParamError> {
        Ok(Self {
            versions: vec![Version {
                process: M::from_params(params)?,
                from: Vec::new(),
            }],
            bounds,
            keys: Table::new(),
            waiting: 0,
            agenda: Agenda::default(),
            due: Vec::new(),
            followed_to: None,
            resumed_at: None,
            closed_to: None,
            last_time: None,
        })
    }

    /// Returns the watermark, but replaces `Timestamp::MAX` with the time just after the last event. `MAX` means that
    /// the history has ended. The silence after its end must not fire timers.
    fn within_history(&self, watermark: Timestamp) -> Timestamp {
        if watermark < Timestamp::MAX {
            return watermark;
        }
        self.last_time
            .map_or(Timestamp::MIN, |time| time.plus_ms(1))
    }

    fn add(&mut self, number: Number, position: FactPosition, fact: M::Fact) {
        if let Some(key) = self.keys.get_mut(number) {
            self.waiting += 1;
            if key.waiting.add(position, fact) {
                self.agenda.await_fact(position.time, number);
            }
        }
    }

    /// Enters a key into the agenda after it has been processed up to `watermark`. Forgets the key if it has neither
    /// state nor waiting facts.
    fn schedule(&mut self, number: Number, watermark: Timestamp) {
        let Some(key) = self.keys.get_mut(number) else {
            return;
        };
        if key.is_empty(&self.versions) {
            self.agenda.remove(number, key.looked_at);
            self.keys.remove(number);
            return;
        }
        if let Some(first) = key.waiting.first_time() {
            self.agenda.await_fact(first, number);
        }
        if let Some(timer) = key.timer(&self.versions) {
            let timer = timer.max(watermark.plus_ms(1)); // a timer that does not advance must not fire endlessly
            self.agenda.await_timer(timer, number, &mut key.looked_at);
        }
    }

    /// Processes the facts and timers of a key up to `watermark`.
    fn process(
        &mut self,
        number: Number,
        watermark: Timestamp,
        detections: &mut Vec<Detection<M::Output>>,
    ) {
        let Some(key) = self.keys.get_mut(number) else {
            return;
        };
        let duplicates = key.waiting.take_until(watermark, &mut self.due);
        self.waiting -= self.due.len() + duplicates;
        let mut fired = None;
        for (FactPosition { time, at }, fact) in self.due.drain(..) {
            key.fire(&self.versions, time, &mut fired, detections);
            let event = TimedEvent {
                time,
                partition: at.partition.index(),
                offset: at.offset.0,
                fact,
            };
            key.version = version_at(&self.versions, at);
            let process = &self.versions[key.version].process;
            process.on_event(&key.key, &mut key.state, event, detections);
        }
        key.fire(&self.versions, watermark, &mut fired, detections);
        self.schedule(number, watermark);
    }

    /// Whether memory has no space for this key, because it is new and the limit is reached. Facts that were merged
    /// before a restart are merged again without this check.
    fn is_full_for(&self, key: &str) -> bool {
        self.len() >= self.bounds.entries_max && self.keys.number_of(key).is_none()
    }
}

impl<M: KeyedProcess> Windows for KeyedProcesses<M> {
    fn decode(&self, partial: &[u8]) -> Result<Batch, PartialError> {
        let partial = BatchPartial::<Facts<M::Fact>>::decode(partial)?;
        let facts = FactsByKey(partial.contributions);
        Ok(Batch::new(partial.header, partial.keys, facts))
    }

    fn may_be_over(&self, earliest: Timestamp) -> bool {
        let followed_to = self.followed_to.max(self.closed_to).max(self.resumed_at);
        followed_to.is_some_and(|followed_to| earliest < followed_to)
    }

    fn is_over(&self, span: Window, _: &str, is_replayed: bool) -> bool {
        let followed_to = self.followed_to.max(self.closed_to);
        let followed_to = if is_replayed {
            followed_to
        } else {
            followed_to.max(self.resumed_at)
        };
        followed_to.is_some_and(|followed_to| span.start < followed_to)
    }

    fn merge(
        &mut self,
        contributions: Contributions,
        origin: Origin,
        _: &mut OnDisplaced<'_>,
    ) -> MergeOutcome {
        let mut outcome = MergeOutcome::default();
        let (keys, FactsByKey(contributions)) = contributions.of::<FactsByKey<M::Fact>>();
        for of_key in contributions {
            let key = of_key.key.of(&keys);
            let mut number = None;
            for Fact { time, offset, fact } in of_key.partial.0 {
                self.last_time = self.last_time.max(Some(time));
                if number.is_none() && !origin.is_replayed && self.is_full_for(key) {
                    let place = LatePlace {
                        window: Window::instant(time),
                        key: key.into(),
                        cause: Cause::NoRoom,
                    };
                    outcome.no_room.push((place, 1));
                    continue;
                }
                let new = || KeyState::new(key.into());
                let number = *number.get_or_insert_with(|| self.keys.number_or_insert(key, new));
                let at = PartitionOffset {
                    partition: origin.partition,
                    offset: Offset(offset),
                };
                self.add(number, FactPosition { time, at }, fact);
            }
        }
        outcome
    }

    fn resume(&mut self, watermark: Option<Timestamp>, closed_to: Option<Timestamp>) {
        self.closed_to = closed_to;
        self.resumed_at = watermark;
    }

    /// States depend on all earlier records, so a restart without a snapshot reads the partition from the beginning.
    fn rewind_offset(&self, _: Partition) -> Option<Offset> {
        Some(Offset::ZERO)
    }

    fn len(&self) -> usize {
        self.keys.len() + self.waiting
    }

    fn snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        let keys = self.keys.values().map(|key| SavedKeyRef {
            key: &key.key,
            state: &key.state,
            version: key.version,
            waiting: key.waiting.iter().collect(),
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
            // The checkpoint contains every version that has processed a record, so `version` is a valid index. The
            // limit only prevents a panic if it is not.
            let version = version.min(self.versions.len() - 1);
            let mut state = KeyState {
                state,
                version,
                ..KeyState::new(key)
            };
            for (position, fact) in waiting {
                state.waiting.add(position, fact);
            }
            let number = self.keys.insert(state);
            self.schedule(number, Timestamp::MIN);
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
        while let Some(number) = self.agenda.pop_fact(watermark) {
            let first = self
                .keys
                .get(number)
                .and_then(|key| key.waiting.first_time());
            if first.is_some_and(|first| first < watermark) {
                self.process(number, watermark, &mut detections);
            }
        }
        while let Some(number) = self.agenda.pop_timer(watermark) {
            if let Some(key) = self.keys.get_mut(number) {
                key.looked_at = None;
            }
            self.process(number, watermark, &mut detections);
        }
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
