//! Which sessions are due, and what is said of them.

use std::collections::BTreeSet;

use model::derived::Derived;
use model::{Derivation, Timestamp, Window};

use super::kept::Withdrawn;
use super::{Number, Sessions};
use crate::windows::rows::Row;

impl<D: Derivation> Sessions<D> {
    /// The sessions to emit now.
    pub(super) fn due(
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
            corrections || session.revision.is_none() || self.forgotten_at(session.span) <= retired
        };
        let (due, waiting) = candidates.into_iter().partition(is_due);
        self.corrected = waiting;
        due
    }

    pub(super) fn row(
        &mut self,
        number: Number,
        ends: &[i64],
    ) -> Result<Option<Row>, serde_json::Error> {
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
    pub(super) fn withdrawal(
        &self,
        withdrawn: &Withdrawn,
    ) -> Result<Option<Row>, serde_json::Error> {
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
