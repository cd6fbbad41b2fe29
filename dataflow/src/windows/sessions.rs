//! Sessions: events of one key with no longer gap between them than the given one. A late event may
//! lengthen a session that was emitted, or join two: the one that begins first goes on with its next
//! revision, the other is withdrawn. A session is known by its key and its start.

mod kept;

use std::collections::{BTreeMap, BTreeSet};

use model::derived::Derived;
use model::{
    BatchPartial, Derivation, ParamError, Params, PartialError, RecordKey, Rejection, Timestamp,
    Window,
};

use self::kept::{SavedSession, Session, Withdrawn};
use super::rows::Row;
use super::{AnyWindows, Arrived, Bounds, Cause, Merged, lower, no_other_rules, place};
use crate::standing::Standing;

/// The sessions of `D`.
pub(crate) struct Sessions<D: Derivation> {
    derivation: D,
    gap_ms: i64,
    bounds: Bounds,
    sessions: BTreeMap<Number, Session<D::Partial>>,
    /// The sessions of each key, in the order of time.
    keys: BTreeMap<RecordKey, Vec<Number>>,
    /// What this process has numbered so far.
    numbered: Number,
    /// When sessions are over that have not been emitted as they are.
    closing: BTreeSet<(Timestamp, Number)>,
    /// Sessions that are over and were emitted before they changed.
    corrected: BTreeSet<Number>,
    /// When nothing can join a session any more.
    ending: BTreeSet<(Timestamp, Number)>,
    withdrawn: Vec<Withdrawn>,
    /// Sessions that ended by this time are forgotten.
    retired_to: Option<Timestamp>,
    standing: Standing,
}

/// What a session is called in this process.
type Number = u64;

impl<D: Derivation> Sessions<D> {
    pub(crate) fn new(derivation: D, gap_ms: i64, bounds: Bounds) -> Self {
        Self {
            derivation,
            gap_ms,
            bounds,
            sessions: BTreeMap::new(),
            keys: BTreeMap::new(),
            numbered: 0,
            closing: BTreeSet::new(),
            corrected: BTreeSet::new(),
            ending: BTreeSet::new(),
            withdrawn: Vec::new(),
            retired_to: None,
            standing: Standing::default(),
        }
    }

    /// When nothing can belong to a session of this span any more.
    fn ends_at(&self, span: Window) -> Timestamp {
        span.end.plus_ms(self.gap_ms)
    }

    fn closes_at(&self, session: &Session<D::Partial>) -> Timestamp {
        if self.derivation.is_complete(session.span, &session.partial) {
            session.span.end
        } else {
            self.ends_at(session.span)
        }
    }

    fn retired_by(&self, watermark: Timestamp) -> Timestamp {
        watermark.plus_ms(-self.bounds.allowed_lateness_ms)
    }

    /// The sessions of a key that events of this span belong to.
    fn touched(&self, key: &RecordKey, span: Window) -> Vec<Number> {
        let numbers = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        let touches = |number: &&Number| self.sessions[number].span.is_within(self.gap_ms, &span);
        numbers.iter().filter(touches).copied().collect()
    }

    /// Adds a session; those that it touches become one with it. The number of duplicates that this
    /// brought to light.
    fn add(&mut self, mut session: Session<D::Partial>, touched: Vec<Number>) -> u64 {
        let parts: Vec<_> = touched
            .into_iter()
            .filter_map(|number| self.remove(number))
            .collect();
        let known: u64 = parts.iter().map(|part| part.duplicates).sum();
        for part in parts {
            let later = if part.span.start < session.span.start {
                &session
            } else {
                &part
            };
            if part.span.start != session.span.start
                && let Some(revision) = later.standing_revision(&self.standing)
            {
                self.withdrawn.push(Withdrawn {
                    key: later.key.clone(),
                    start: later.span.start,
                    revision: revision + 1,
                });
            }
            session.join(part);
        }
        session.duplicates = self
            .derivation
            .duplicates(&mut session.partial, session.events);
        let found = session.duplicates.saturating_sub(known);
        self.insert(session);
        found
    }

    fn insert(&mut self, session: Session<D::Partial>) {
        self.numbered += 1;
        let number = self.numbered;
        self.closing.insert((self.closes_at(&session), number));
        self.ending.insert((self.ends_at(session.span), number));
        let start = session.span.start;
        let sessions = &self.sessions;
        let numbers = self.keys.entry(session.key.clone()).or_default();
        let place = numbers.partition_point(|other| sessions[other].span.start < start);
        numbers.insert(place, number);
        self.sessions.insert(number, session);
    }

    fn remove(&mut self, number: Number) -> Option<Session<D::Partial>> {
        let session = self.sessions.remove(&number)?;
        self.closing.remove(&(self.closes_at(&session), number));
        self.ending.remove(&(self.ends_at(session.span), number));
        self.corrected.remove(&number);
        if let Some(numbers) = self.keys.get_mut(&session.key) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.keys.remove(&session.key);
            }
        }
        Some(session)
    }

    /// What stands of sessions that are about to be forgotten, and nothing speaks for it.
    fn take_back(&mut self, retired: Timestamp) {
        for (start, key) in self.standing.rows_until(retired.plus_ms(-self.gap_ms)) {
            let numbers = self.keys.get(key).map_or(&[][..], Vec::as_slice);
            let speaks = |number: &Number| self.sessions[number].span.start == start;
            let taken =
                |withdrawn: &Withdrawn| withdrawn.start == start && withdrawn.key.as_str() == key;
            if !numbers.iter().any(speaks)
                && !self.withdrawn.iter().any(taken)
                && let Some(row) = self.standing.row(start, key)
            {
                self.withdrawn.push(Withdrawn {
                    key: RecordKey::from(key),
                    start,
                    revision: row.revision + 1,
                });
            }
        }
    }

    /// The sessions to emit now.
    fn due(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        retired: Timestamp,
    ) -> BTreeSet<Number> {
        let later = self.closing.split_off(&(watermark.plus_ms(1), 0));
        let over = std::mem::replace(&mut self.closing, later);
        self.corrected
            .extend(over.into_iter().map(|(_, number)| number));
        let candidates = std::mem::take(&mut self.corrected);
        let is_due = |number: &Number| {
            let session = &self.sessions[number];
            corrections || session.revision.is_none() || self.ends_at(session.span) <= retired
        };
        let (due, waiting) = candidates.into_iter().partition(is_due);
        self.corrected = waiting;
        due
    }

    fn row(&mut self, number: Number, ends: &[i64]) -> Result<Option<Row>, serde_json::Error> {
        let Some(session) = self.sessions.get_mut(&number) else {
            return Ok(None);
        };
        session.derived_from.get_or_insert_with(|| ends.to_vec());
        let (key, span) = (&session.key, session.span);
        let Some(measures) = self.derivation.finish(span, key, &session.partial) else {
            return Ok(None);
        };
        Row::next(key, span, measures, &mut session.revision, &self.standing)
    }

    /// An empty session takes the place of what was said.
    fn withdrawal(&self, withdrawn: &Withdrawn) -> Result<Option<Row>, serde_json::Error> {
        let (key, span) = (&withdrawn.key, Window::instant(withdrawn.start));
        let Some(measures) = self.derivation.finish(span, key, &D::Partial::default()) else {
            return Ok(None);
        };
        let derived = Derived {
            withdrawn: true,
            ..Derived::new(span, measures, withdrawn.revision)
        };
        Row::of(key, span, &derived).map(Some)
    }
}

impl<D: Derivation> AnyWindows for Sessions<D> {
    fn merge(&mut self, arrived: Arrived, partial: &[u8]) -> Result<Merged, PartialError> {
        let BatchPartial {
            header,
            contributions,
        } = BatchPartial::<D::Partial>::decode(partial)?;
        if header.first_offset == header.next_offset {
            self.standing.lost_source();
        }
        let offsets = header.first_offset..header.next_offset;
        let mut merged = Merged::of(header);
        for contribution in contributions {
            let (span, key) = (contribution.window, contribution.key);
            let touched = self.touched(&key, span);
            // Asked first, and always: the answer is remembered until the session is retired.
            let was_late = self
                .standing
                .was_late(arrived.partition, offsets.clone(), span, &key);
            let is_over = self
                .retired_to
                .is_some_and(|retired| self.ends_at(span) <= retired);
            if was_late || (is_over && touched.is_empty()) {
                merged.add_late(span, key, contribution.events, Cause::Late);
                continue;
            }
            if touched.is_empty() && self.sessions.len() >= self.bounds.entries_max {
                merged.add_late(span, key, contribution.events, Cause::NoRoom);
                continue;
            }
            let place = (arrived.partition, offsets.start);
            let session = Session::new(key, span, contribution.partial, contribution.events, place);
            merged.duplicate += self.add(session, touched);
        }
        if merged.header.next_offset <= arrived.replayed_to {
            return Ok(merged.uncounted());
        }
        Ok(merged)
    }

    fn emit(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        derived_ends: &[i64],
    ) -> Result<Vec<Row>, serde_json::Error> {
        let retired = self.retired_by(watermark);
        self.take_back(retired);
        let mut rows = Vec::new();
        for number in self.due(watermark, corrections, retired) {
            let start = self.sessions[&number].span.start;
            rows.extend(self.row(number, derived_ends)?.map(|row| (start, row)));
        }
        for withdrawn in &self.withdrawn {
            rows.extend(
                self.withdrawal(withdrawn)?
                    .map(|row| (withdrawn.start, row)),
            );
        }
        self.withdrawn.clear();
        rows.sort_by(|(a_start, a), (b_start, b)| (a_start, &a.key).cmp(&(b_start, &b.key)));
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    fn retire(&mut self, watermark: Timestamp) {
        let retired = self.retired_by(watermark);
        self.retired_to = self.retired_to.max(Some(retired));
        while let Some((_, number)) = self
            .ending
            .first()
            .copied()
            .filter(|(end, _)| *end <= retired)
        {
            self.remove(number);
        }
        self.standing.retire(retired.plus_ms(-self.gap_ms));
    }

    fn resume(&mut self, watermark: Option<Timestamp>, standing: Standing) {
        self.standing = standing;
        watermark
            .into_iter()
            .for_each(|watermark| self.retire(watermark));
    }

    fn rewind_offset(&self, partition: usize) -> Option<i64> {
        let offsets = self
            .sessions
            .values()
            .flat_map(|session| &session.first_offsets);
        offsets
            .filter(|(of, _)| *of == partition)
            .map(|(_, offset)| *offset)
            .min()
    }

    fn derived_from(&self, derived_ends: &[i64]) -> Vec<i64> {
        let mut from = derived_ends.to_vec();
        let emitted = self
            .sessions
            .values()
            .filter_map(|session| session.derived_from.as_deref());
        // What stands may belong to sessions that have not come up again yet.
        emitted
            .chain(self.standing.rows_from())
            .for_each(|offsets| lower(&mut from, offsets));
        from
    }

    fn late_stands(&self) -> bool {
        self.standing.has_late()
    }

    fn adopt(&mut self, _: &Params, _: &[i64]) -> Result<(), ParamError> {
        no_other_rules()
    }

    fn place(&self, record: &[u8]) -> Result<(Timestamp, RecordKey), Rejection> {
        place(&self.derivation, record)
    }

    fn len(&self) -> usize {
        self.sessions.len()
    }

    fn snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(
            &self
                .sessions
                .values()
                .map(Session::save)
                .collect::<Vec<_>>(),
        )
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), postcard::Error> {
        let saved: Vec<SavedSession<D::Partial>> = postcard::from_bytes(snapshot)?;
        saved
            .into_iter()
            .for_each(|session| self.insert(session.into()));
        Ok(())
    }

    fn snapshotted(&mut self, _: &[i64]) {}
}
