//! What is said of a series of measurements.

use std::fmt;

/// The least, the middle and the greatest of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of a series that is not empty.
    pub(crate) fn of(series: impl IntoIterator<Item = f64>) -> Self {
        let mut series: Vec<f64> = series.into_iter().collect();
        series.sort_by(f64::total_cmp);
        Self {
            min: series[0],
            median: series[series.len() / 2],
            max: series[series.len() - 1],
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, median, max } = self;
        write!(f, "{median:.2} ({min:.2}–{max:.2})")
    }
}
