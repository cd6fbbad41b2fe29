//! Event time in milliseconds since the Unix epoch, and its conversion from and to RFC 3339.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MS_PER_SECOND: i64 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The years 0000 to 9999 in milliseconds since the Unix epoch. RFC 3339 cannot express other years.
const FOUR_DIGIT_YEARS: std::ops::Range<i64> = -62_167_219_200_000..253_402_300_800_000;

/// An instant in milliseconds since 1970-01-01T00:00:00Z. Fractions of a millisecond are truncated and never
/// rounded up, so that no event moves into the next window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// An instant before every event.
    pub const MIN: Self = Self(i64::MIN);
    /// An instant after every event.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates the instant `millis` milliseconds after the Unix epoch, or before it if negative.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the instant `ms` milliseconds later (earlier if `ms` is negative), limited to [`Self::MIN`] and
    /// [`Self::MAX`].
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns the time from `earlier` to this instant in milliseconds.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Parses an RFC 3339 date and time, such as `2024-11-12T10:15:30Z` or one with an offset (`+01:00`). A time
    /// without `Z` or an offset is UTC. The seconds may have any number of fractional digits, and a leap second
    /// counts as second 59. After the conversion to UTC, the year must still be 0000 to 9999, so that every parsed
    /// time can be written and parsed again. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (date_time, rest) = text.as_bytes().split_at_checked(19)?;
        let seconds = parse_date_time(date_time)?;
        let (fraction_ms, rest) = parse_fraction(rest)?;
        let offset = parse_offset(rest)?;
        let millis = (seconds - offset) * MS_PER_SECOND + fraction_ms;
        FOUR_DIGIT_YEARS.contains(&millis).then_some(Self(millis))
    }
}

/// Parses `YYYY-MM-DDTHH:MM:SS` as if in UTC, and returns the seconds since the epoch.
fn parse_date_time(text: &[u8]) -> Option<i64> {
    let separators = [text[4], text[7], text[13], text[16]] == *b"--::";
    if !separators || !matches!(text[10], b'T' | b't' | b' ') {
        return None;
    }
    let year = two_digits(text, 0)? * 100 + two_digits(text, 2)?;
    let (month, day) = (two_digits(text, 5)?, two_digits(text, 8)?);
    let (hour, minute, second) = (
        two_digits(text, 11)?,
        two_digits(text, 14)?,
        two_digits(text, 17)?,
    );
    let date_exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !date_exists || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(
        days_since_epoch(year, month, day) * SECONDS_PER_DAY
            + hour * 3_600
            + minute * 60
            + second.min(59),
    )
}

fn two_digits(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 in the proleptic Gregorian calendar. The calculation uses eras of 400
/// years that begin in March, so that the leap day is the last day of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Parses an optional `.` with digits. Returns the milliseconds and the rest of the text.
fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', digits)) = text.split_first() else {
        return Some((0, text));
    };
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let milli = |place: usize, weight: i64| {
        let digit = digits[..count]
            .get(place)
            .map_or(0, |byte| i64::from(byte - b'0'));
        digit * weight
    };
    (count > 0).then(|| (milli(0, 100) + milli(1, 10) + milli(2, 1), &digits[count..]))
}

/// Parses `Z`, `±HH:MM` or an empty text. Returns the offset in seconds east of UTC.
fn parse_offset(text: &[u8]) -> Option<i64> {
    match text {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), clock @ ..] if clock.len() == 5 && clock[2] == b':' => {
            let (hours, minutes) = (two_digits(clock, 0)?, two_digits(clock, 3)?);
            let east = hours * 3_600 + minutes * 60;
            (hours <= 23 && minutes <= 59).then_some(if *sign == b'+' { east } else { -east })
        }
        _ => None,
    }
}

/// The text of an instant in a year of four digits.
struct Text([u8; 24]);

impl Text {
    /// Returns the instant as RFC 3339 in UTC with milliseconds and `Z`; `None` if its year does not have four digits.
    fn of(instant: Timestamp) -> Option<Self> {
        if !FOUR_DIGIT_YEARS.contains(&instant.0) {
            return None;
        }
        let [year, month, day, hour, minute, second, milli] = instant.fields();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let pairs = [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, hour),
            (14, minute),
            (17, second),
            (21, milli % 100),
        ];
        for (at, pair) in pairs {
            let pair = pair as u8;
            text[at] = b'0' + pair / 10;
            text[at + 1] = b'0' + pair % 10;
        }
        text[20] = b'0' + (milli / 100) as u8;
        Some(Self(text))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Timestamp {
    /// Returns the start of a day in the proleptic Gregorian calendar.
    pub fn start_of_day(year: i64, month: i64, day: i64) -> Self {
        let days = days_since_epoch(year, month, day);
        Self(days * SECONDS_PER_DAY * MS_PER_SECOND)
    }

    /// Returns year, month, day, hour, minute, second and millisecond in UTC.
    pub fn fields(self) -> [i64; 7] {
        let (seconds, millis) = (
            self.0.div_euclid(MS_PER_SECOND),
            self.0.rem_euclid(MS_PER_SECOND),
        );
        let (days, second_of_day) = (
            seconds.div_euclid(SECONDS_PER_DAY),
            seconds.rem_euclid(SECONDS_PER_DAY),
        );
        let (year, month, day) = civil_date(days);
        let (hour, minute, second) = (
            second_of_day / 3_600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        [year, month, day, hour, minute, second, millis]
    }
}

impl fmt::Display for Timestamp {
    /// Formats the instant as RFC 3339 in UTC with milliseconds and `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = Text::of(*self) {
            return f.write_str(text.as_str());
        }
        let [year, month, day, hour, minute, second, milli] = self.fields();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

/// The inverse of [`days_since_epoch`].
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

impl Serialize for Timestamp {
    /// Writes text in human-readable formats (JSON), and a number in others (partials).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_i64(self.0);
        }
        match Text::of(*self) {
            Some(text) => serializer.serialize_str(text.as_str()),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not an RFC 3339 timestamp"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn millis(text: &str) -> Option<i64> {
        Timestamp::parse(text).map(Timestamp::as_millis)
    }

    #[test]
    fn reads_z_offsets_and_neither() {
        let noon = 1_731_406_530_000;
        for text in [
            "2024-11-12T10:15:30Z",
            "2024-11-12T10:15:30",
            "2024-11-12t10:15:30z",
            "2024-11-12 10:15:30+00:00",
            "2024-11-12T11:15:30+01:00",
            "2024-11-12T04:45:30-05:30",
            "2024-11-12T10:15:30.0009999999999999999999Z",
        ] {
            assert_eq!(millis(text), Some(noon), "{text}");
        }
        assert_eq!(millis("2024-11-12T10:15:30.5"), Some(noon + 500));
        assert_eq!(
            millis("2024-11-12T10:15:30.123456789+00:00"),
            Some(noon + 123)
        );
        assert_eq!(millis("1969-12-31T23:59:59.999Z"), Some(-1));
        assert_eq!(
            millis("2016-12-31T23:59:60Z"),
            millis("2016-12-31T23:59:59Z")
        );
    }

    #[test]
    fn refuses_impossible_times() {
        for text in [
            "",
            "2024",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-02-30T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01T00:00:00 Z",
            "2024-01-01",
            "2024-1-01T00:00:00Z",
            "+024-01-01T00:00:00Z",
            "2024-01-01T00:00:0éZ",
            "0000-01-01T00:30:00+01:00",
            "9999-12-31T23:30:00-01:00",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_calendar(
            ms in -62_167_219_200_000_i64..253_402_300_800_000,
            offset in -86_340_i32..=86_340,
        ) {
            let offset = offset / 60 * 60;
            let instant = jiff::Timestamp::from_millisecond(ms).expect("in range");
            let zone = jiff::tz::Offset::from_seconds(offset).expect("under a day");
            let text = instant.display_with_offset(zone).to_string();
            // A local year outside 0000..=9999 cannot be written in RFC 3339.
            if text.as_bytes()[4] == b'-' && !text.starts_with('-') {
                prop_assert_eq!(millis(&text), Some(ms), "{}", text);
            }
            let expected = instant.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
            prop_assert_eq!(Timestamp::from_millis(ms).to_string(), expected);
        }

        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
