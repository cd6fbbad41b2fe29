//! Emits the sessions that are due, and forgets those that can no longer be corrected.

use std::collections::BTreeSet;

use model::{RecordKey, Timestamp, Window};

use super::{Session, Sessions};
use crate::output::revisions::{DueRow, DueRows, EmptyRow, RowsFrom};
use crate::windows::table::Number;
use crate::windows::{Correctable, Due, OnEmpty, OnRows};

impl<D: model::Sessions> Sessions<D> {
    /// Returns the sessions to emit now, and removes them from the schedule.
    fn take_due(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        retired: Timestamp,
    ) -> BTreeSet<Number> {
        let later = self.closing.split_off(&(watermark.plus_ms(1), 0));
        for (_, number) in std::mem::replace(&mut self.closing, later) {
            let Some(session) = self.sessions.get_mut(number) else {
                continue;
            };
            session.looked_at = None;
            let is_over = self
                .sessions
                .get(number)
                .is_some_and(|session| self.closes_at(session) <= watermark);
            if is_over {
                self.corrected.insert(number);
            } else {
                self.close(number);
            }
        }
        let candidates = std::mem::take(&mut self.corrected);
        let is_due = |number: &Number| {
            let session = self.sessions.get(*number);
            session.is_some_and(|session| {
                corrections || !session.is_final || self.forgotten_at(session.span) <= retired
            })
        };
        let (due, waiting) = candidates.into_iter().partition(is_due);
        self.corrected = waiting;
        due
    }

    fn hand_out(
        &mut self,
        number: Number,
        is_over: bool,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        self.changed.remove(&number);
        let Some(session) = self.sessions.get_mut(number) else {
            return Ok(());
        };
        session.is_final |= is_over;
        let (key, window) = (&session.key, session.span);
        let Some(measures) = self.derivation.finish(window, key, &session.partial) else {
            return Ok(());
        };
        on_rows(DueRows::Row(DueRow {
            key,
            window,
            measures: &measures,
            kept: self.derivation.keeps(window, key, &session.partial),
            is_final: self.bounds.is_final(is_over),
            revision: &mut session.revision,
            rows_from: &mut session.rows_from,
        }))
    }
}

impl<D: model::Sessions> Correctable for Sessions<D> {
    /// The lateness of an event depends on the sessions that are in memory when it arrives.
    fn is_late_by_order(&self) -> bool {
        true
    }

    fn due(
        &mut self,
        watermark: Timestamp,
        due: Due,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        let retired = self.bounds.retired_by(watermark);
        for number in self.take_due(watermark, due.corrections, retired) {
            self.hand_out(number, true, on_rows)?;
        }
        if due.early {
            for number in std::mem::take(&mut self.changed) {
                // Once a row has said that it is final, later rows of the session wait until it is over again.
                let is_open = |session: &Session<D::Partial>| !session.is_final;
                if self.sessions.get(number).is_some_and(is_open) {
                    self.hand_out(number, false, on_rows)?;
                }
            }
        }
        Ok(())
    }

    fn retire(&mut self, watermark: Timestamp) {
        let retired = self.bounds.retired_by(watermark);
        self.retired_to = self.retired_to.max(Some(retired));
        self.forget(retired);
    }

    fn forgotten_to(&self, watermark: Timestamp) -> Timestamp {
        let retired = self.bounds.retired_by(watermark);
        retired.plus_ms(-2 * self.gap_ms)
    }

    fn is_open(&self, start: Timestamp, key: &str) -> bool {
        let mut sessions = self.sessions.of_key(key);
        sessions.any(|(_, session)| session.span.start == start)
    }

    /// Emits the row as withdrawn. The session's events are now in another session, or they were in time before a
    /// restart and are late after it.
    fn empty(
        &self,
        start: Timestamp,
        key: &RecordKey,
        on_empty: &mut OnEmpty<'_>,
    ) -> Result<(), serde_json::Error> {
        let window = Window::instant(start);
        let partial = D::Partial::default();
        let Some(measures) = self.derivation.finish(window, key, &partial) else {
            return Ok(());
        };
        on_empty(EmptyRow {
            window,
            measures: &measures,
            withdrawn: true,
            is_final: self.bounds.is_final(true),
        })
    }

    fn rows_from(&self) -> Box<dyn Iterator<Item = &RowsFrom> + '_> {
        Box::new(self.sessions.values().map(|session| &session.rows_from))
    }
}
