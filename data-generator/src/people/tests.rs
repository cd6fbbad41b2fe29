//! Reads the events of a world of people, and finds the configuration again.

mod census;
mod levels;
mod mixture;

use std::collections::{BTreeMap, BTreeSet};

use self::census::{Census, Life};
use super::persona::{PERSONAS, WEIGHTS};
use crate::calendar::{COUNTRIES, COUNTRY_WEIGHTS, HOURS};
use crate::catalogue::Catalogue;
use crate::world::{People, World, WorldOptions};

/// Midnight of 1 January 2026.
const START_MS: i64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;
const DAYS: i64 = 31;
/// The people who arrive in 30 days. `PEOPLE=100000` measures more of them, which takes minutes in a debug build.
const PLAYERS: u32 = 25_000;

fn world(seed: u64, players: u32, hard_level: bool, tasks: usize) -> World {
    let options = WorldOptions {
        seed,
        start_ms: START_MS,
        rate: 0.0,
        broken: 0.0,
    };
    let people = People {
        players,
        hard_level,
        tasks,
    };
    World::of_people(options, Catalogue::built_in(), people)
}

#[test]
fn the_events_do_not_depend_on_the_number_of_tasks() {
    let events = |tasks| -> Vec<_> { world(5, 20_000, true, tasks).take(30_000).collect() };
    let one = events(1);
    for tasks in [2, 3, 8, 20] {
        assert!(events(tasks) == one, "{tasks} tasks");
    }
}

/// All tolerances are at least four standard errors with `PLAYERS`.
#[test]
fn a_month_of_people_agrees_with_the_configuration() {
    let players = std::env::var("PEOPLE").map_or(PLAYERS, |text| text.parse().expect("a number"));
    let census = Census::of(world(1, players, false, 2), START_MS + DAYS * DAY_MS);
    assert_arrivals(&census, players);
    assert_personas(&census);
    assert_retention(&census);
    assert_hours(&census);
    assert_traits(&census);
}

/// Those who arrived on the last days, and everybody else who was born in the month, are counted once.
fn assert_arrivals(census: &Census, players: u32) {
    let expected = i64::from(players) * DAYS / 30;
    assert_eq!(census.lives.len() as i64, expected);
    for (day, arrived) in census.arrivals() {
        let of_a_day = f64::from(players) / 30.0;
        assert!(
            (arrived as f64 - of_a_day).abs() <= 1.0,
            "day {day}: {arrived}"
        );
    }
}

/// Estimates the shares and the habits of the personas from the steps of all people: no event says which persona a
/// person has.
fn assert_personas(census: &Census) {
    let lives: Vec<&Life> = census.lives.values().collect();
    let mixture = mixture::estimate(&lives);
    for (place, persona) in PERSONAS.into_iter().enumerate() {
        let found = &mixture[place];
        let share = f64::from(WEIGHTS[place]) / 100.0;
        // The steps of a short life do not tell for certain which persona it has, so shares are less certain.
        let tolerance = 1.5 * deviation(share, lives.len() as f64);
        assert!(
            (found.share - share).abs() < tolerance,
            "{persona:?}: share {}",
            found.share
        );
        let habits = persona.habits();
        for (name, found, expected, tolerance) in [
            ("to match", found.to_match, habits.to_match, 0.01),
            ("to shop", found.to_shop, habits.to_shop, 0.01),
            ("to offline", found.to_offline, habits.to_offline, 0.01),
            ("matched", found.matched, habits.matched, 0.01),
            ("ends a match", found.ends_match, habits.ends_match, 0.004),
            (
                "leaves the shop",
                found.leaves_shop,
                habits.leaves_shop,
                0.02,
            ),
        ] {
            let expected = f64::from(expected) / 100.0;
            assert!(
                (found - expected).abs() < tolerance,
                "{persona:?} {name}: {found}"
            );
        }
    }
    let whale = &mixture[2];
    assert!(
        (whale.buys - 0.8).abs() < 0.06,
        "whales buy in {} of steps",
        whale.buys
    );
    assert!(mixture[0].buys < 0.02 && (mixture[1].buys - 0.05).abs() < 0.01);
}

/// Classic retention, over all cohorts for which the day is in the month.
fn assert_retention(census: &Census) {
    for age in [1, 3, 7, 14, 21, 28] {
        let expected = expected_retention(age);
        let (found, players) = census.retention(i64::from(age));
        // Sessions that begin before midnight and end after it make people active on one more day.
        let tolerance = deviation(expected, players) + 0.006;
        assert!(
            (found - expected).abs() < tolerance,
            "day {age}: {found}, expected {expected}"
        );
    }
}

fn expected_retention(age: u32) -> f64 {
    let personas = PERSONAS.into_iter().zip(WEIGHTS);
    let shares =
        personas.map(|(persona, weight)| persona.habits().retained(age) * f64::from(weight));
    shares.sum::<f64>() / 1e5
}

/// Four standard errors of a share of `of` people.
fn deviation(share: f64, of: f64) -> f64 {
    4.0 * (share * (1.0 - share) / of).sqrt()
}

#[test]
fn retention_is_that_of_usual_games() {
    for (age, low, high) in [(1, 0.38, 0.44), (7, 0.15, 0.20), (30, 0.05, 0.08)] {
        let share = expected_retention(age);
        assert!((low..high).contains(&share), "day {age}: {share}");
    }
}

/// The hours of local time at which sessions begin.
fn assert_hours(census: &Census) {
    let mut found = [0_u64; 24];
    for (hour, country) in &census.logins {
        let offset = COUNTRIES
            .iter()
            .find(|known| known.code == country)
            .expect("a country");
        found[(i64::from(*hour) + i64::from(offset.offset_h)).rem_euclid(24) as usize] += 1;
    }
    let (all, weights) = (found.iter().sum::<u64>() as f64, HOURS.iter().sum::<u32>());
    for (hour, (found, expected)) in found.into_iter().zip(HOURS).enumerate() {
        let (found, expected) = (found as f64 / all, f64::from(expected) / f64::from(weights));
        assert!(
            (found - expected).abs() < 0.004,
            "hour {hour}: {found}, expected {expected}"
        );
    }
}

fn assert_traits(census: &Census) {
    let people = census.lives.len() as f64;
    let mut countries: BTreeMap<&str, f64> = BTreeMap::new();
    for life in census.lives.values() {
        *countries.entry(&life.country).or_default() += 1.0 / people;
    }
    for (country, weight) in COUNTRIES.iter().zip(COUNTRY_WEIGHTS) {
        let (found, expected) = (countries[country.code], f64::from(weight) / 100.0);
        assert!(
            (found - expected).abs() < deviation(expected, people),
            "{}: {found}",
            country.code
        );
    }
    let treated = census
        .lives
        .values()
        .filter(|life| life.variant == "treatment")
        .count();
    assert!((treated as f64 / people - 0.5).abs() < deviation(0.5, people));
    let versions: BTreeSet<&str> = census.versions.iter().map(String::as_str).collect();
    assert_eq!(
        versions.into_iter().collect::<Vec<_>>(),
        ["1.0.0", "1.1.0", "1.2.0"]
    );
}
