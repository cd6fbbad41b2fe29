//! Sessions: events of one key with no longer gap between them than the given one. A late event may
//! lengthen a session that was emitted, or join two: the one that begins first goes on with its next
//! revision, the other is withdrawn. A session is known by its key and its start.

mod emitting;
mod kept;

use std::collections::{BTreeSet, HashMap};

use model::{
    BatchPartial, Derivation, ParamError, Params, PartialError, RecordKey, Rejection, Timestamp,
    Window,
};

use self::kept::{SavedSession, Session, Withdrawn};
use super::rows::Row;
use super::{AnyWindows, Arrived, Bounds, Cause, Merged, derived_from, no_other_rules, place};
use crate::standing::Standing;

/// The sessions of `D`.
pub(crate) struct Sessions<D: Derivation> {
    derivation: D,
    gap_ms: i64,
    bounds: Bounds,
    sessions: HashMap<Number, Session<D::Partial>>,
    /// The sessions of each key, in the order of time.
    keys: Keys,
    /// What this process has numbered so far.
    numbered: Number,
    /// When sessions are over that have not been emitted as they are, or earlier: what goes on is
    /// found out when it is looked at.
    closing: BTreeSet<(Timestamp, Number)>,
    /// Sessions that are over and were emitted before they changed.
    corrected: BTreeSet<Number>,
    /// When nothing can join a session any more, or earlier.
    ending: BTreeSet<(Timestamp, Number)>,
    withdrawn: Vec<Withdrawn>,
    /// Whether an event was late since the last snapshot: what a session takes in depends on the
    /// order of events, so nothing else says which.
    late_since: bool,
    /// Sessions that can be corrected no more by this time are forgotten.
    retired_to: Option<Timestamp>,
    standing: Standing,
}

/// What a session is called in this process.
type Number = u64;

/// The sessions of each key.
type Keys = HashMap<RecordKey, Vec<Number>>;

impl<D: Derivation> Sessions<D> {
    pub(crate) fn new(derivation: D, gap_ms: i64, bounds: Bounds) -> Self {
        Self {
            derivation,
            gap_ms,
            bounds,
            sessions: HashMap::new(),
            keys: HashMap::new(),
            numbered: 0,
            closing: BTreeSet::new(),
            corrected: BTreeSet::new(),
            ending: BTreeSet::new(),
            withdrawn: Vec::new(),
            late_since: false,
            retired_to: None,
            standing: Standing::default(),
        }
    }

    /// When nothing can belong to a session of this span any more.
    fn ends_at(&self, span: Window) -> Timestamp {
        span.end.plus_ms(self.gap_ms)
    }

    /// When a session can be corrected no more: an event that is not late may begin as much as the
    /// gap before what is forgotten, and belong to a session that ended as much before that.
    fn forgotten_at(&self, span: Window) -> Timestamp {
        self.ends_at(span).plus_ms(self.gap_ms)
    }

    /// Whether events of this span come too late: what they would begin is over. Those that go on a
    /// session in memory do not. None can touch a session that is forgotten, so that a restart,
    /// which may read its events again, cannot take them for another one's.
    fn is_late(&self, span: Window, touched: &[Number]) -> bool {
        let Some(retired) = self.retired_to else {
            return false;
        };
        let goes_on = |number: &Number| {
            let session = self.sessions[number].span;
            session.start <= span.start && self.forgotten_at(session) > retired
        };
        self.ends_at(Window::instant(span.start)) <= retired && !touched.iter().any(goes_on)
    }

    fn closes_at(&self, session: &Session<D::Partial>) -> Timestamp {
        if self.derivation.is_complete(session.span, &session.partial) {
            session.span.end
        } else {
            self.ends_at(session.span)
        }
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
        if let [number] = touched[..]
            && self.sessions[&number].span.start <= session.span.start
        {
            return self.go_on(number, session);
        }
        let parts: Vec<_> = touched
            .into_iter()
            .filter_map(|number| self.remove(number))
            .collect();
        let known: u64 = parts.iter().map(|part| part.duplicates).sum();
        for part in parts {
            let is_first = part.span.start < session.span.start;
            let later = if is_first { &session } else { &part };
            if part.span.start != session.span.start {
                self.withdrawn.extend(later.withdrawal(&self.standing));
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

    /// Adds a session to the one that it goes on: what most events do.
    fn go_on(&mut self, number: Number, later: Session<D::Partial>) -> u64 {
        let Some(session) = self.sessions.get_mut(&number) else {
            return 0;
        };
        if session.span.start != later.span.start {
            self.withdrawn.extend(later.withdrawal(&self.standing));
        }
        session.join(later);
        let duplicates = self
            .derivation
            .duplicates(&mut session.partial, session.events);
        let found = duplicates.saturating_sub(session.duplicates);
        session.duplicates = duplicates;
        self.corrected.remove(&number);
        self.close(number);
        found
    }

    fn insert(&mut self, session: Session<D::Partial>) {
        self.numbered += 1;
        let number = self.numbered;
        self.ending
            .insert((self.forgotten_at(session.span), number));
        let start = session.span.start;
        let sessions = &self.sessions;
        let numbers = self.keys.entry(session.key.clone()).or_default();
        let place = numbers.partition_point(|other| sessions[other].span.start < start);
        numbers.insert(place, number);
        self.sessions.insert(number, session);
        self.close(number);
    }

    /// Sees to it that a session is looked at when it is over, if not before.
    fn close(&mut self, number: Number) {
        let at = self.closes_at(&self.sessions[&number]);
        let Some(session) = self.sessions.get_mut(&number) else {
            return;
        };
        if session.looked_at.is_some_and(|earlier| earlier <= at) {
            return;
        }
        if let Some(later) = session.looked_at.replace(at) {
            self.closing.remove(&(later, number));
        }
        self.closing.insert((at, number));
    }

    fn remove(&mut self, number: Number) -> Option<Session<D::Partial>> {
        let mut session = self.sessions.remove(&number)?;
        if let Some(at) = session.looked_at.take() {
            self.closing.remove(&(at, number));
        }
        self.corrected.remove(&number);
        if let Some(numbers) = self.keys.get_mut(&session.key) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.keys.remove(&session.key);
            }
        }
        Some(session)
    }

    fn forget(&mut self, retired: Timestamp) {
        while let Some((at, number)) = self.ending.first().copied()
            && at <= retired
        {
            self.ending.pop_first();
            let Some(span) = self.sessions.get(&number).map(|session| session.span) else {
                continue; // it has become part of another one
            };
            if self.forgotten_at(span) > retired {
                self.ending.insert((self.forgotten_at(span), number));
            } else if let Some(session) = self.remove(number) {
                self.standing
                    .forget_row(session.span.start, session.key.as_str());
            }
        }
        let sessions = (&self.keys, &self.sessions);
        let is_needed = |start: Timestamp, key: &str| begins(sessions, start, key);
        let ended = retired.plus_ms(-2 * self.gap_ms);
        self.standing.retire_unless(ended, is_needed);
    }

    /// What stands of sessions that are about to be forgotten, and nothing speaks for it.
    fn take_back(&mut self, retired: Timestamp) {
        let sessions = (&self.keys, &self.sessions);
        for (start, key) in self.standing.rows_until(retired.plus_ms(-2 * self.gap_ms)) {
            let taken =
                |withdrawn: &Withdrawn| withdrawn.start == start && withdrawn.key.as_str() == key;
            if !begins(sessions, start, key)
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
        let is_replayed = header.next_offset <= arrived.replayed_to;
        let mut merged = Merged::of(header);
        for contribution in contributions {
            let (span, key) = (contribution.window, contribution.key);
            let touched = self.touched(&key, span);
            // Asked first, and always: the answer is remembered until the session is retired.
            let was_late = self
                .standing
                .was_late(arrived.partition, offsets.clone(), span, &key);
            // What was taken in before a restart is taken in again.
            if was_late || (!is_replayed && self.is_late(span, &touched)) {
                self.late_since = true;
                merged.add_late(span, key, contribution.events, Cause::Late);
                continue;
            }
            let is_full = self.sessions.len() >= self.bounds.entries_max;
            if touched.is_empty() && is_full && !is_replayed {
                self.late_since = true;
                merged.add_late(span, key, contribution.events, Cause::NoRoom);
                continue;
            }
            let place = (arrived.partition, offsets.start);
            let session = Session::new(key, span, contribution.partial, contribution.events, place);
            merged.duplicate += self.add(session, touched);
        }
        if is_replayed {
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
        // A restart has made sessions again that were said and forgotten.
        if let Some(retired) = self.retired_to {
            self.forget(retired);
        }
        let retired = self.bounds.retired_by(watermark);
        self.take_back(retired);
        let mut rows = Vec::new();
        for number in self.due(watermark, corrections, retired) {
            let start = self.sessions[&number].span.start;
            rows.extend(self.row(number, derived_ends)?.map(|row| (start, row)));
        }
        for withdrawn in std::mem::take(&mut self.withdrawn) {
            let Withdrawn {
                key,
                start,
                revision,
            } = &withdrawn;
            self.standing.withdraw(*start, key.as_str(), *revision);
            rows.extend(self.withdrawal(&withdrawn)?.map(|row| (*start, row)));
        }
        rows.sort_by(|(a_start, a), (b_start, b)| (a_start, &a.key).cmp(&(b_start, &b.key)));
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    fn retire(&mut self, watermark: Timestamp) {
        let retired = self.bounds.retired_by(watermark);
        self.retired_to = self.retired_to.max(Some(retired));
        self.forget(retired);
    }

    fn resume(&mut self, watermark: Option<Timestamp>, standing: Standing) {
        // Nothing is forgotten yet: what is in a snapshot, or comes up first, may be no more than
        // the beginning of a session.
        self.standing = standing;
        self.retired_to = watermark.map(|watermark| self.bounds.retired_by(watermark));
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
        let sessions = self.sessions.values();
        let emitted = sessions.filter_map(|session| session.derived_from.as_deref());
        derived_from(derived_ends, emitted, &self.standing)
    }

    fn late_stands(&self) -> bool {
        self.late_since || self.standing.has_late()
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

    fn snapshotted(&mut self, _: &[i64]) {
        self.late_since = false;
    }
}

/// Whether a session of this key begins then.
fn begins<P>(
    (keys, sessions): (&Keys, &HashMap<Number, Session<P>>),
    start: Timestamp,
    key: &str,
) -> bool {
    let numbers = keys.get(key).map_or(&[][..], Vec::as_slice);
    numbers
        .iter()
        .any(|number| sessions[number].span.start == start)
}
