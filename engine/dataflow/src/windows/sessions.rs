//! Sessions: events of one key with no gap between them longer than the configured gap. A session is identified by
//! its key and its start. An out-of-order event may extend a session that has already been emitted, or join two
//! sessions. Of two joined sessions, the earlier one continues with its next revision, and the later one is
//! displaced: its row is withdrawn. An event that gives a session an earlier start also displaces the row with the
//! old start.

mod due;
mod session;

use std::collections::BTreeSet;

use client::{Offset, Partition};
use model::partial::Contribution;
use model::{BatchPartial, PartialError, Timestamp, Window};
use smallvec::SmallVec;

use self::session::{SavedSession, Session};
use super::table::{Number, Table};
use super::{Batch, Bounds, Contributions, MergeOutcome, OnDisplaced, Origin, Windows};
use crate::output::lateness::{Cause, LatePlace};
use crate::output::revisions::{Displaced, Revision};

/// The open sessions of derivation `D`.
pub(crate) struct Sessions<D: model::Sessions> {
    derivation: D,
    gap_ms: i64,
    bounds: Bounds,
    sessions: Table<Session<D::Partial>>,
    /// Sessions whose current state has not been emitted, by the time at which to check whether they are over. A
    /// session may have grown since its entry was made. The check then schedules another, later check.
    closing: BTreeSet<(Timestamp, Number)>,
    /// Sessions that were emitted, changed afterwards, and are over again. They are emitted by the next call of `due`
    /// with `corrections`, or just before they are forgotten.
    corrected: BTreeSet<Number>,
    /// Sessions that have changed since they were last emitted, if early rows are wanted.
    changed: BTreeSet<Number>,
    /// Sessions by the time at which to check whether they can be forgotten. The time may be too early for a session
    /// that has grown.
    ending: BTreeSet<(Timestamp, Number)>,
    /// Sessions whose `forgotten_at` is at or before this time are forgotten.
    retired_to: Option<Timestamp>,
    /// Events before this time are too late: their sessions were computed from an earlier log of the source.
    closed_to: Option<Timestamp>,
}

/// Sessions of one key, ordered by start. Most keys have one session.
type Numbers = SmallVec<[Number; 4]>;

impl<D: model::Sessions> Sessions<D> {
    pub(crate) fn new(derivation: D, gap_ms: i64, bounds: Bounds) -> Self {
        Self {
            derivation,
            gap_ms,
            bounds,
            sessions: Table::new(),
            closing: BTreeSet::new(),
            corrected: BTreeSet::new(),
            changed: BTreeSet::new(),
            ending: BTreeSet::new(),
            retired_to: None,
            closed_to: None,
        }
    }

    /// The end of the gap after a session with this span. No event at or after this time belongs to the session.
    fn ends_at(&self, span: Window) -> Timestamp {
        span.end.plus_ms(self.gap_ms)
    }

    /// Once `retired_to` has reached this time, a session with this span can no longer be corrected. Two gaps are
    /// needed: a contribution that is not late may begin up to one gap before `retired_to`, and may extend a session
    /// that ended one gap before that.
    fn forgotten_at(&self, span: Window) -> Timestamp {
        self.ends_at(span).plus_ms(self.gap_ms)
    }

    /// Whether events with this span are too late, because the session that they would begin is over. They are not
    /// too late if they extend a session that began no later than they do and can still be corrected. So no accepted
    /// event touches a forgotten session, and a restart that reads events again cannot assign them to a different
    /// session.
    fn is_retired(&self, span: Window, key: &str) -> bool {
        let Some(retired) = self.retired_to else {
            return false;
        };
        let extends = |session: &Session<D::Partial>| {
            session.span.is_within(self.gap_ms, &span)
                && session.span.start <= span.start
                && self.forgotten_at(session.span) > retired
        };
        self.ends_at(Window::instant(span.start)) <= retired
            && !self
                .sessions
                .of_key(key)
                .any(|(_, session)| extends(session))
    }

    fn closes_at(&self, session: &Session<D::Partial>) -> Timestamp {
        if self.derivation.is_complete(session.span, &session.partial) {
            session.span.end
        } else {
            self.ends_at(session.span)
        }
    }

    /// The sessions of a key that events with this span extend or join, ordered by start.
    fn touched(&self, key: &str, span: Window) -> Numbers {
        let mut touched = Numbers::new();
        for (number, session) in self.sessions.of_key(key) {
            if session.span.is_within(self.gap_ms, &span) {
                touched.push(number);
            }
        }
        if touched.len() > 1 {
            let start = |number| self.sessions.get(number).map(|session| session.span.start);
            touched.sort_unstable_by_key(|number| (start(*number), *number));
        }
        touched
    }

    /// Adds a contribution to the sessions of the key that it touches: it extends one, joins several, or begins a new
    /// one. Returns the number of newly found duplicates.
    fn add(
        &mut self,
        key: &str,
        contribution: Contribution<D::Partial>,
        origin: Origin,
        touched: Numbers,
        on_displaced: &mut OnDisplaced<'_>,
    ) -> u64 {
        if let [number] = touched[..]
            && let Some(known) = self.sessions.get(number)
            && known.span.start <= contribution.window.start
        {
            return self.extend(number, contribution, origin, on_displaced);
        }
        let parts: Vec<_> = touched
            .into_iter()
            .filter_map(|number| self.remove(number))
            .collect();
        let known: u64 = parts.iter().map(|part| part.duplicates).sum();
        let mut session = Session::new(key.into(), contribution, origin);
        for part in parts {
            if let Some((start, revision)) = session.join(part) {
                on_displaced(Displaced {
                    start,
                    key,
                    revision,
                });
            }
        }
        session.duplicates = self
            .derivation
            .duplicates(&mut session.partial, session.events);
        let found = session.duplicates.saturating_sub(known);
        self.insert(session);
        found
    }

    /// Adds a contribution to a session without giving the session an earlier start. This is the common case. Returns
    /// the number of newly found duplicates.
    fn extend(
        &mut self,
        number: Number,
        contribution: Contribution<D::Partial>,
        origin: Origin,
        on_displaced: &mut OnDisplaced<'_>,
    ) -> u64 {
        let Some(session) = self.sessions.get_mut(number) else {
            return 0;
        };
        let start = contribution.window.start;
        session.add(contribution, origin);
        if session.span.start != start {
            // An earlier runner may have written a row for a session with this start.
            on_displaced(Displaced {
                start,
                key: session.key.as_str(),
                revision: Revision::default(),
            });
        }
        let duplicates = self
            .derivation
            .duplicates(&mut session.partial, session.events);
        let found = duplicates.saturating_sub(session.duplicates);
        session.duplicates = duplicates;
        self.corrected.remove(&number);
        self.note_change(number);
        self.close(number);
        found
    }

    fn insert(&mut self, session: Session<D::Partial>) {
        let forgotten_at = self.forgotten_at(session.span);
        let number = self.sessions.insert(session);
        self.ending.insert((forgotten_at, number));
        self.note_change(number);
        self.close(number);
    }

    fn note_change(&mut self, number: Number) {
        if self.bounds.early {
            self.changed.insert(number);
        }
    }

    /// Schedules a check of whether the session is over, unless an earlier check is already scheduled.
    fn close(&mut self, number: Number) {
        let session = self.sessions.get(number);
        let Some(at) = session.map(|session| self.closes_at(session)) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(number) else {
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
        let mut session = self.sessions.remove(number)?;
        if let Some(at) = session.looked_at.take() {
            self.closing.remove(&(at, number));
        }
        self.corrected.remove(&number);
        self.changed.remove(&number);
        Some(session)
    }

    fn forget(&mut self, retired: Timestamp) {
        while let Some((at, number)) = self.ending.first().copied()
            && at <= retired
        {
            self.ending.pop_first();
            let Some(span) = self.sessions.get(number).map(|session| session.span) else {
                continue; // it has been joined to another session
            };
            if self.forgotten_at(span) > retired {
                self.ending.insert((self.forgotten_at(span), number));
            } else {
                self.remove(number);
            }
        }
    }
}

impl<D: model::Sessions> Windows for Sessions<D> {
    fn decode(&self, partial: &[u8]) -> Result<Batch, PartialError> {
        BatchPartial::<D::Partial>::decode(partial).map(Batch::from)
    }

    fn may_be_over(&self, earliest: Timestamp) -> bool {
        let is_closed = self.closed_to.is_some_and(|closed| earliest < closed);
        let retired = self.retired_to.unwrap_or(Timestamp::MIN);
        is_closed || self.ends_at(Window::instant(earliest)) <= retired
    }

    /// Events that were merged before a restart are merged again, however late they are now. Events before
    /// `closed_to` are an exception: they belong to sessions of an earlier log.
    fn is_over(&self, span: Window, key: &str, is_replayed: bool) -> bool {
        let is_closed = self.closed_to.is_some_and(|closed| span.start < closed);
        is_closed || (!is_replayed && self.is_retired(span, key))
    }

    fn merge(
        &mut self,
        contributions: Contributions,
        origin: Origin,
        on_displaced: &mut OnDisplaced<'_>,
    ) -> MergeOutcome {
        let mut outcome = MergeOutcome::default();
        let (keys, contributions) = contributions.of::<Vec<Contribution<D::Partial>>>();
        for contribution in contributions {
            let key = contribution.key.of(&keys);
            let touched = self.touched(key, contribution.window);
            let is_full = self.sessions.len() >= self.bounds.entries_max;
            if touched.is_empty() && is_full && !origin.is_replayed {
                let place = LatePlace {
                    window: contribution.window,
                    key: key.into(),
                    cause: Cause::NoRoom,
                };
                outcome.no_room.push((place, contribution.events));
                continue;
            }
            outcome.duplicate += self.add(key, contribution, origin, touched, on_displaced);
        }
        outcome
    }

    /// Does not forget any session yet, because the sessions in the snapshot may be incomplete until all batches have
    /// been merged again.
    fn resume(&mut self, watermark: Option<Timestamp>, closed_to: Option<Timestamp>) {
        self.closed_to = closed_to;
        self.retired_to = watermark.map(|watermark| self.bounds.retired_by(watermark));
    }

    fn rewind_offset(&self, partition: Partition) -> Option<Offset> {
        let offsets = self
            .sessions
            .values()
            .flat_map(|session| &session.first_offsets);
        offsets
            .filter(|at| at.partition == partition)
            .map(|at| at.offset)
            .min()
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
}
