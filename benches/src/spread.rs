//! Summarises a series of measurements.

use std::fmt;

/// The minimum, the median and the maximum of a series.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The least value.
    pub min: f64,
    /// The middle value. If the number of values is even, the greater of the two middle values.
    pub median: f64,
    /// The greatest value.
    pub max: f64,
}

impl Spread {
    /// Computes the spread of a series, which must not be empty.
    ///
    /// # Panics
    ///
    /// If the series is empty.
    pub fn of(series: impl IntoIterator<Item = f64>) -> Self {
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
    /// Shows two decimals, or as many as the format asks for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, median, max } = self;
        let decimals = f.precision().unwrap_or(2);
        write!(f, "{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_shows_as_many_decimals_as_asked_for() {
        let spread = Spread::of([3.0, 1.0, 2.25]);
        assert_eq!(spread.to_string(), "2.25 (1.00–3.00)");
        assert_eq!(format!("{spread:.1}"), "2.2 (1.0–3.0)");
    }
}
