//! Divides a span of time into equal pieces, one for each point of a line in a chart, and computes the mean value of a
//! piece.

use std::ops::Range;

use crate::limits::POINTS_MAX;

/// The preferred lengths of a piece, in seconds.
const PIECES_S: &[i64] = &[10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600];

/// A span in milliseconds, divided into pieces of `step_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    from: i64,
    pieces: usize,
    pub(crate) step_ms: i64,
}

impl Span {
    /// Returns the span that contains `range` and consists of whole pieces. The length of a piece is the shortest of
    /// [`PIECES_S`] that is at least one window and gives at most about [`POINTS_MAX`] pieces. If none fits, it is the
    /// smallest number of milliseconds for which both are true.
    pub(crate) fn over(range: Range<i64>, window_ms: i64) -> Self {
        let length = (range.end - range.start).max(1);
        let fits = |step_ms: &i64| *step_ms >= window_ms && length / step_ms <= POINTS_MAX;
        let steps = PIECES_S.iter().map(|seconds| seconds * 1_000);
        let longest = || window_ms.max(length / POINTS_MAX + 1);
        let step_ms = steps.clone().find(fits).unwrap_or_else(longest);
        let from = range.start.div_euclid(step_ms) * step_ms;
        let pieces = (range.end - from + step_ms - 1) / step_ms;
        Self {
            from,
            pieces: usize::try_from(pieces).unwrap_or(0),
            step_ms,
        }
    }

    /// Returns the piece that contains a time. The end of the span belongs to the last piece.
    pub(crate) fn index(&self, time: i64) -> Option<usize> {
        if time == self.range().end {
            return self.pieces.checked_sub(1);
        }
        let index = usize::try_from((time - self.from).div_euclid(self.step_ms)).ok()?;
        (index < self.pieces).then_some(index)
    }

    /// Returns the start of each piece.
    pub(crate) fn times(&self) -> Vec<i64> {
        (0..self.pieces as i64)
            .map(|piece| self.from + piece * self.step_ms)
            .collect()
    }

    pub(crate) fn range(&self) -> Range<i64> {
        self.from..self.from + self.pieces as i64 * self.step_ms
    }

    /// Returns a default value for each piece.
    pub(crate) fn values<T: Clone + Default>(&self) -> Vec<T> {
        vec![T::default(); self.pieces]
    }
}

/// Computes the mean of the values in a piece.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.add_all(value, 1);
    }

    /// Adds `count` values whose sum is `sum`.
    pub(crate) fn add_all(&mut self, sum: f64, count: u32) {
        self.sum += sum;
        self.count = self.count.saturating_add(count);
    }

    /// Returns the mean, rounded to one decimal place.
    pub(crate) fn value(self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum / f64::from(self.count) * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_few_steps_of_a_round_length() {
        for (minutes, step_s) in [(15, 10), (60, 20), (360, 120), (1_440, 600)] {
            let span = Span::over(0..minutes * 60_000, 10_000);
            assert_eq!(span.step_ms, step_s * 1_000, "{minutes} min");
            assert!(span.times().len() as i64 <= POINTS_MAX);
        }
        assert_eq!(Span::over(0..60_000, 60_000).times(), [0]);
        let longer_than_any_round_step = 7 * 3_600_000;
        let span = Span::over(0..longer_than_any_round_step, longer_than_any_round_step);
        assert_eq!(span.times(), [0]);
    }

    #[test]
    fn every_time_of_the_range_has_a_piece() {
        let span = Span::over(12_345..100_000, 10_000);
        assert_eq!(span.range(), 10_000..100_000);
        assert_eq!((span.index(12_345), span.index(99_999)), (Some(0), Some(8)));
        assert_eq!((span.index(9_999), span.index(100_000)), (None, Some(8)));
        assert_eq!(span.index(100_001), None);
    }

    #[test]
    fn a_mean_without_values_is_none() {
        let mut mean = Mean::default();
        assert_eq!(mean.value(), None);
        mean.add(1.0);
        mean.add(2.0);
        assert_eq!(mean.value(), Some(1.5));
    }
}
