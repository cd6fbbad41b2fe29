//! The days of the world, and the hours at which people play.

use std::ops::RangeInclusive;

use crate::dice::Dice;

const DAY_MS: i64 = 86_400_000;
const DAY_US: i64 = DAY_MS * 1_000;
const HOUR_US: u64 = 3_600_000_000;

/// How likely a visit is to begin in each hour of local time: least at five in the morning, most at nine at night.
pub(crate) const HOURS: [u32; 24] = [
    30, 20, 13, 9, 7, 6, 9, 16, 24, 29, 33, 37, 43, 43, 41, 44, 52, 62, 74, 87, 96, 98, 80, 52,
];

/// A country with its offset from UTC in whole hours.
pub(crate) struct Country {
    pub(crate) code: &'static str,
    pub(crate) offset_h: i32,
}

const fn country(code: &'static str, offset_h: i32) -> Country {
    Country { code, offset_h }
}

pub(crate) static COUNTRIES: [Country; 12] = [
    country("US", -5),
    country("BR", -3),
    country("GB", 0),
    country("DE", 1),
    country("FR", 1),
    country("PL", 1),
    country("TR", 3),
    country("BH", 3),
    country("ID", 7),
    country("PH", 8),
    country("JP", 9),
    country("KR", 9),
];
pub(crate) const COUNTRY_WEIGHTS: [u32; 12] = [24, 10, 8, 9, 7, 5, 6, 3, 7, 5, 10, 6];

/// New people arrive evenly over this many days.
const ARRIVAL_DAYS: u64 = 30;

/// Returns the numbers, from 1, of those who arrive on a day if `people` arrive in 30 days.
pub(crate) fn arrivals(people: u32, day: i64) -> RangeInclusive<u64> {
    let until = |days: i64| u64::from(people) * days.unsigned_abs() / ARRIVAL_DAYS;
    until(day) + 1..=until(day + 1)
}

/// Converts between times since the start of the world and days in UTC.
#[derive(Clone, Copy)]
pub(crate) struct Calendar {
    /// The time of day, in UTC, at which the world starts.
    offset_us: i64,
}

impl Calendar {
    pub(crate) fn new(start_ms: i64) -> Self {
        Self {
            offset_us: start_ms.rem_euclid(DAY_MS) * 1_000,
        }
    }

    /// Returns the day of a time; the world starts on day 0.
    pub(crate) fn day_of(self, at_us: i64) -> i64 {
        (at_us + self.offset_us).div_euclid(DAY_US)
    }

    /// Returns the time at which a day begins; for day 0, at or before the start of the world.
    pub(crate) fn begin_us(self, day: i64) -> i64 {
        day * DAY_US - self.offset_us
    }

    /// Returns a random time of a day in UTC, at an hour at which people of the country like to play.
    pub(crate) fn time_of_day(self, day: i64, country: usize, dice: &mut Dice) -> i64 {
        let offset = COUNTRIES[country].offset_h.rem_euclid(24) as usize;
        let mut hours = HOURS;
        hours.rotate_left(offset);
        let hour = dice.weighted(&hours) as u64;
        let within = hour * HOUR_US + dice.below(HOUR_US);
        self.begin_us(day) + within.cast_signed()
    }
}
