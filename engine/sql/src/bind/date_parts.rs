//! The names of the parts of a time.

use crate::calendar::DatePart;

/// Parts and their names. `date_trunc` accepts only the first [`TRUNCATABLE`].
const NAMES: [(&str, DatePart); 12] = [
    ("year", DatePart::Year),
    ("quarter", DatePart::Quarter),
    ("month", DatePart::Month),
    ("week", DatePart::Week),
    ("day", DatePart::Day),
    ("hour", DatePart::Hour),
    ("minute", DatePart::Minute),
    ("second", DatePart::Second),
    ("milliseconds", DatePart::Millisecond),
    ("dow", DatePart::DayOfWeek),
    ("isodow", DatePart::IsoDayOfWeek),
    ("doy", DatePart::DayOfYear),
];
const TRUNCATABLE: usize = 8;

impl DatePart {
    /// Returns the names of the parts that `date_trunc` (`truncates`) or `extract` knows.
    pub(super) fn names(truncates: bool) -> impl Iterator<Item = &'static str> {
        let count = if truncates { TRUNCATABLE } else { NAMES.len() };
        NAMES[..count].iter().map(|(name, _)| *name)
    }

    /// Returns the part with this name.
    pub(super) fn of(name: &str, truncates: bool) -> Option<Self> {
        let at = Self::names(truncates).position(|known| known.eq_ignore_ascii_case(name))?;
        Some(NAMES[at].1)
    }
}
