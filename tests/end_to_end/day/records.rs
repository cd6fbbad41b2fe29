//! Generates the records of the day: peaks, which are short busy worlds with planted incidents; a thin world, which has
//! few events around the clock; and dirty data.

use data_generator::{DELAY_MS_MAX, Incident, Topic, World, WorldOptions};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;

use super::dirt;

/// 2026-01-15T00:00:00Z.
pub(super) const START_MS: i64 = 1_768_435_200_000;
pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const NOON_MS: i64 = START_MS + 12 * HOUR_MS;
pub(super) const END_MS: i64 = START_MS + 24 * HOUR_MS;

/// The number of events per second in the thin world, and in a peak.
const THIN: f64 = 0.05;
const PEAK: f64 = 14.0;
/// The hours with a peak, which begins in the middle of the hour.
const PEAK_HOURS: [i64; 7] = [0, 3, 7, 11, 14, 19, 22];
const PEAK_MS: i64 = 360_000;
/// The rate of incidents during a peak: about one every seven seconds.
const INCIDENTS_PER_HOUR: f64 = 500.0;
const BROKEN: f64 = 0.01;

pub(super) struct Sent {
    pub(super) topic: Topic,
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) emitted_ms: i64,
}

/// All records in the order of sending, and the planted incidents. Complete incidents must be found; incidents that are
/// cut short by the end of a peak may be found.
pub(super) struct Day {
    pub(super) records: Vec<Sent>,
    pub(super) incidents: Vec<Incident>,
}

/// Random choices from a seed.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(super) fn below(&mut self, bound: i64) -> i64 {
        (self.0.next_u64() % bound.unsigned_abs()).cast_signed()
    }

    pub(super) fn is_one_in(&mut self, bound: i64) -> bool {
        self.below(bound) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as i64) as usize]
    }
}

/// Generates a day. The same seed always generates the same day.
pub(super) fn day(seed: u64) -> Day {
    let mut dice = Dice::new(seed);
    let (mut records, mut incidents) = (Vec::new(), Vec::new());
    let mut thin = world(seed, START_MS, THIN);
    // The thin world has so few events that its servers would be silent most of the time, so their reports are left
    // out.
    take(&mut thin, END_MS, &mut records, |topic| {
        topic != Topic::ServerMetrics
    });
    for hour in PEAK_HOURS {
        let start_ms = START_MS + hour * HOUR_MS + HOUR_MS / 2;
        let mut peak = world(seed, start_ms, PEAK).with_incidents(INCIDENTS_PER_HOUR);
        take(&mut peak, start_ms + PEAK_MS, &mut records, |_| true);
        let mut planted = peak.ended_incidents();
        planted.extend(peak.unfinished_incidents());
        for incident in &mut planted {
            let ends_ms = incident.end.as_millis() + DELAY_MS_MAX;
            incident.complete &= ends_ms < start_ms + PEAK_MS;
        }
        incidents.extend(planted);
    }
    deliver_again(&mut records, &mut dice);
    records.extend(dirt::customers(&mut dice));
    records.extend(dirt::players(&mut dice));
    records.extend(dirt::servers(&mut dice));
    records.extend(dirt::bridges());
    records.extend(dirt::from_the_future());
    records.sort_by_key(|record| record.emitted_ms);
    Day { records, incidents }
}

fn world(seed: u64, start_ms: i64, rate: f64) -> World {
    World::new(WorldOptions {
        seed,
        start_ms,
        rate,
        broken: BROKEN,
    })
}

fn take(world: &mut World, until_ms: i64, records: &mut Vec<Sent>, is_kept: fn(Topic) -> bool) {
    for event in world.take_while(|event| event.emitted_ms < until_ms) {
        if is_kept(event.topic) {
            records.push(Sent {
                topic: event.topic,
                key: event.key,
                value: event.value,
                emitted_ms: event.emitted_ms,
            });
        }
    }
}

/// Adds a copy of one transaction in thirty. The copy is sent within 300 ms or three hours later.
fn deliver_again(records: &mut Vec<Sent>, dice: &mut Dice) {
    let mut again = Vec::new();
    for record in records.iter() {
        if record.topic == Topic::PurchaseEvents && dice.is_one_in(30) {
            let later_ms = dice.pick(&[0, 1, 300, 3 * HOUR_MS]);
            again.push(Sent {
                topic: record.topic,
                key: record.key.clone(),
                value: record.value.clone(),
                emitted_ms: (record.emitted_ms + later_ms).min(END_MS),
            });
        }
    }
    records.extend(again);
}

/// Generates events of the same time for many keys, so that every partition receives one.
pub(super) fn markers(at_ms: i64) -> Vec<Sent> {
    const KEYS: usize = 24;
    let marker = |topic, key: String, value: serde_json::Value| Sent {
        topic,
        key,
        value: value.to_string().into_bytes(),
        emitted_ms: at_ms,
    };
    let time = dirt::time(at_ms);
    let of_key = |number| {
        let key = format!("marker {number}");
        [
            marker(
                Topic::PlayerEvents,
                key.clone(),
                dirt::action(&key, "s", "move", ["l", "m"], &time),
            ),
            marker(
                Topic::PurchaseEvents,
                key.clone(),
                dirt::transaction(
                    &key,
                    &format!("{key} {at_ms}"),
                    "purchase",
                    (json!(1), "USD"),
                    &time,
                ),
            ),
            marker(
                Topic::ServerMetrics,
                key.clone(),
                dirt::report(&key, [40.0, 40.0, 40.0], &time),
            ),
        ]
    };
    (0..KEYS).flat_map(of_key).collect()
}
