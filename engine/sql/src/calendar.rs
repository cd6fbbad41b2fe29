//! Parts of a time in UTC: `date_trunc` and `extract`.

use model::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) const DAY_MS: i64 = 86_400_000;

/// A part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DatePart {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
}

impl DatePart {
    /// Returns the start of the part that contains `time`.
    pub(crate) fn truncate(self, time: Timestamp) -> Timestamp {
        let [year, month, day, ..] = time.fields();
        let down_to = |ms: i64| Timestamp::from_millis(time.as_millis().div_euclid(ms) * ms);
        match self {
            Self::Year => Timestamp::start_of_day(year, 1, 1),
            Self::Quarter => Timestamp::start_of_day(year, (month - 1) / 3 * 3 + 1, 1),
            Self::Month => Timestamp::start_of_day(year, month, 1),
            Self::Week => Timestamp::start_of_day(year, month, day)
                .plus_ms((1 - iso_day_of_week(time)) * DAY_MS),
            Self::Day => down_to(DAY_MS),
            Self::Hour => down_to(3_600_000),
            Self::Minute => down_to(60_000),
            Self::Second => down_to(1_000),
            Self::Millisecond | Self::DayOfWeek | Self::IsoDayOfWeek | Self::DayOfYear => time,
        }
    }

    /// Returns the number of the part in `time`.
    pub(crate) fn extract(self, time: Timestamp) -> i64 {
        let [year, month, day, hour, minute, second, millisecond] = time.fields();
        match self {
            Self::Year => year,
            Self::Quarter => (month - 1) / 3 + 1,
            Self::Month => month,
            Self::Week => iso_week(time),
            Self::Day => day,
            Self::Hour => hour,
            Self::Minute => minute,
            Self::Second => second,
            Self::Millisecond => second * 1_000 + millisecond,
            Self::DayOfWeek => iso_day_of_week(time) % 7,
            Self::IsoDayOfWeek => iso_day_of_week(time),
            Self::DayOfYear => day_of_year(time),
        }
    }
}

/// Parses a time such as `2025-01-31T12:00:00Z`. The seconds, or the whole time of day, can be missing.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let missing = match text.len() {
        10 => "T00:00:00",
        16 => ":00",
        _ => "",
    };
    Timestamp::parse(&format!("{text}{missing}"))
}

/// Returns 1 for Monday to 7 for Sunday.
fn iso_day_of_week(time: Timestamp) -> i64 {
    // The epoch was a Thursday.
    (time.as_millis().div_euclid(DAY_MS) + 3).rem_euclid(7) + 1
}

fn day_of_year(time: Timestamp) -> i64 {
    let [year, ..] = time.fields();
    time.ms_since(Timestamp::start_of_day(year, 1, 1))
        .div_euclid(DAY_MS)
        + 1
}

/// Returns the number of the week according to ISO 8601: the week belongs to the year of its Thursday.
fn iso_week(time: Timestamp) -> i64 {
    let thursday = time.plus_ms((4 - iso_day_of_week(time)) * DAY_MS);
    (day_of_year(thursday) - 1) / 7 + 1
}
