//! Selects the sessions that are due, and those that can no longer be corrected.

use std::collections::BTreeSet;

use model::{RecordKey, Timestamp, Window};

use super::{Number, Sessions};
use crate::output::revisions::{DueRow, EmptyRow, RowsFrom};
use crate::windows::{Correctable, OnEmpty, OnRow};

impl<D: model::Sessions> Sessions<D> {
    /// The sessions to emit now.
    fn take_due(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        retired: Timestamp,
    ) -> BTreeSet<Number> {
        let later = self.closing.split_off(&(watermark.plus_ms(1), 0));
        for (_, number) in std::mem::replace(&mut self.closing, later) {
            if let Some(session) = self.sessions.get_mut(&number) {
                session.looked_at = None;
            }
            if self.closes_at(&self.sessions[&number]) <= watermark {
                self.corrected.insert(number);
            } else {
                self.close(number);
            }
        }
        let candidates = std::mem::take(&mut self.corrected);
        let is_due = |number: &Number| {
            let session = &self.sessions[number];
            corrections || !session.revision.is_some() || self.forgotten_at(session.span) <= retired
        };
        let (due, waiting) = candidates.into_iter().partition(is_due);
        self.corrected = waiting;
        due
    }

    fn hand_out(
        &mut self,
        number: Number,
        on_row: &mut OnRow<'_>,
    ) -> Result<(), serde_json::Error> {
        let Some(session) = self.sessions.get_mut(&number) else {
            return Ok(());
        };
        let (key, window) = (&session.key, session.span);
        let Some(measures) = self.derivation.finish(window, key, &session.partial) else {
            return Ok(());
        };
        on_row(DueRow {
            key,
            window,
            measures: &measures,
            revision: &mut session.revision,
            rows_from: &mut session.rows_from,
        })
    }
}

impl<D: model::Sessions> Correctable for Sessions<D> {
    /// An event extends a session only if it arrives while the session is in memory.
    fn is_late_by_order(&self) -> bool {
        true
    }

    fn due(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        on_row: &mut OnRow<'_>,
    ) -> Result<(), serde_json::Error> {
        let retired = self.bounds.retired_by(watermark);
        self.take_due(watermark, corrections, retired)
            .into_iter()
            .try_for_each(|number| self.hand_out(number, on_row))
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
        let numbers = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        let begins = |number: &Number| self.sessions[number].span.start == start;
        numbers.iter().any(begins)
    }

    /// Withdraws the row of an empty session.
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
        })
    }

    fn rows_from(&self) -> Box<dyn Iterator<Item = &RowsFrom> + '_> {
        Box::new(self.sessions.values().map(|session| &session.rows_from))
    }
}
