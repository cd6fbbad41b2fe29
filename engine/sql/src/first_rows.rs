//! The first rows of a window, in the order that `ORDER BY … LIMIT` says.

use std::cmp::Ordering;

use model::RecordKey;

use crate::plan::Plan;
use crate::value::Value;

/// Collects the first rows of a window. At most twice as many rows as the limit are in memory.
pub(crate) struct FirstRows<'p> {
    plan: &'p Plan,
    limit: usize,
    rows: Vec<Ranked<'p>>,
    /// Whether the row at `limit - 1` is the last of the rows up to there, so that rows after it can be left out.
    is_bounded: bool,
}

struct Ranked<'p> {
    row: Vec<Value<'static>>,
    key: &'p RecordKey,
}

impl<'p> FirstRows<'p> {
    /// Creates a collection of at most `limit` rows, and at least one.
    pub(crate) fn new(plan: &'p Plan, limit: u64) -> Self {
        Self {
            plan,
            limit: usize::try_from(limit).unwrap_or(usize::MAX).max(1),
            rows: Vec::new(),
            is_bounded: false,
        }
    }

    /// Adds the group row of a key.
    pub(crate) fn add(&mut self, key: &'p RecordKey, row: &[Value<'_>]) {
        let last = self.rows.get(self.limit - 1).filter(|_| self.is_bounded);
        if last.is_some_and(|last| self.compare((row, key), (&last.row, last.key)).is_gt()) {
            return;
        }
        let row = row.iter().map(|value| value.borrowed().into_owned());
        self.rows.push(Ranked {
            row: row.collect(),
            key,
        });
        if self.rows.len() >= self.limit.saturating_mul(2) {
            self.cut();
        }
    }

    /// Returns the rows in order.
    pub(crate) fn sorted(mut self) -> impl Iterator<Item = Vec<Value<'static>>> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_unstable_by(|left, right| self.compare_ranked(left, right));
        rows.truncate(self.limit);
        rows.into_iter().map(|ranked| ranked.row)
    }

    /// Leaves out the rows that are after the limit.
    fn cut(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.select_nth_unstable_by(self.limit - 1, |left, right| {
            self.compare_ranked(left, right)
        });
        rows.truncate(self.limit);
        (self.rows, self.is_bounded) = (rows, true);
    }

    fn compare_ranked(&self, left: &Ranked<'_>, right: &Ranked<'_>) -> Ordering {
        self.compare((&left.row, left.key), (&right.row, right.key))
    }

    /// Keys with equal values can have different record keys: that of NULL, and that of all events for whose own keys
    /// there was no memory.
    fn compare(
        &self,
        left: (&[Value<'_>], &RecordKey),
        right: (&[Value<'_>], &RecordKey),
    ) -> Ordering {
        let by_row = self.plan.compare(left.0, right.0);
        by_row.then_with(|| left.1.cmp(right.1))
    }
}
