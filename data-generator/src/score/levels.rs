//! Levels on which far more attempts fail than on the levels around them.
//!
//! For an inner level *i* of a map with failure rates *f* and numbers of attempts *n*, the excess is
//! *e* = f(i) − (f(i−1) + f(i+1)) / 2, with the standard error
//! √(f(i)(1 − f(i))/n(i) + ¼ Σ f(j)(1 − f(j))/n(j)) over both neighbours *j*. A level is stuck if all three levels have
//! at least 30 attempts, and *e* is at least 0.10 and at least four standard errors.

use std::collections::BTreeMap;

use model::time::Timestamp;
use serde::Deserialize;

use super::Alert;
use crate::incidents::Subject;

const ATTEMPTS_MIN: u64 = 30;
const EXCESS_MIN: f64 = 0.1;
const STANDARD_ERRORS: f64 = 4.0;

/// The attempts on the levels of each map.
#[derive(Debug, Default)]
pub struct Levels(BTreeMap<(String, String), BTreeMap<String, Attempts>>);

#[derive(Debug, Clone, Copy)]
struct Attempts {
    all: u64,
    failed: u64,
    first: Timestamp,
    last: Timestamp,
}

/// The fields of an event of `game-events` that tell of an attempt.
#[derive(Deserialize)]
struct GameEvent {
    event_type: String,
    event_timestamp: Timestamp,
    game_id: String,
    map_id: Option<String>,
    level_id: Option<String>,
}

impl Levels {
    /// Adds an event of `game-events`. Events that are not the end of an attempt, and records that are not events, have
    /// no effect.
    pub fn add(&mut self, value: &[u8]) {
        let Ok(event) = serde_json::from_slice::<GameEvent>(value) else {
            return;
        };
        let failed = match event.event_type.as_str() {
            "level_complete" => 0,
            "level_fail" => 1,
            _ => return,
        };
        let (Some(map), Some(level)) = (event.map_id, event.level_id) else {
            return;
        };
        let time = event.event_timestamp;
        let levels = self.0.entry((event.game_id, map)).or_default();
        let attempts = levels.entry(level).or_insert(Attempts {
            all: 0,
            failed: 0,
            first: time,
            last: time,
        });
        attempts.all += 1;
        attempts.failed += failed;
        attempts.first = attempts.first.min(time);
        attempts.last = attempts.last.max(time);
    }

    /// Returns an alert for each stuck level. The levels of a map are in the order of their ids.
    pub fn alerts(&self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for ((game_id, map_id), levels) in &self.0 {
            let levels: Vec<_> = levels.iter().collect();
            for [(_, before), (level_id, here), (_, after)] in levels.array_windows() {
                if is_stuck(before, here, after) {
                    alerts.push(Alert {
                        subject: Subject::StuckLevel {
                            game_id: game_id.clone(),
                            map_id: map_id.clone(),
                            level_id: (*level_id).clone(),
                        },
                        start: here.first,
                        end: here.last.plus_ms(1),
                        raised: here.last,
                    });
                }
            }
        }
        alerts
    }
}

fn is_stuck(before: &Attempts, here: &Attempts, after: &Attempts) -> bool {
    if [before, here, after]
        .iter()
        .any(|level| level.all < ATTEMPTS_MIN)
    {
        return false;
    }
    let excess = here.rate() - f64::midpoint(before.rate(), after.rate());
    let variance = here.variance() + (before.variance() + after.variance()) / 4.0;
    excess >= EXCESS_MIN && excess >= STANDARD_ERRORS * variance.sqrt()
}

impl Attempts {
    fn rate(&self) -> f64 {
        self.failed as f64 / self.all as f64
    }

    fn variance(&self) -> f64 {
        self.rate() * (1.0 - self.rate()) / self.all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(counts: &[(u64, u64)]) -> Levels {
        let mut levels = Levels::default();
        for (number, (failed, completed)) in counts.iter().enumerate() {
            for (event_type, times) in [("level_fail", *failed), ("level_complete", *completed)] {
                let event = serde_json::json!({
                    "event_type": event_type,
                    "event_timestamp": "2026-01-01T00:00:00Z",
                    "game_id": "g",
                    "map_id": "m",
                    "level_id": format!("level_{number:02}"),
                });
                let event = event.to_string();
                (0..times).for_each(|_| levels.add(event.as_bytes()));
            }
        }
        levels
    }

    #[test]
    fn a_level_is_stuck_if_its_excess_is_large_and_certain() {
        for (counts, is_stuck) in [
            ([(30, 70), (60, 40), (30, 70)], true),
            // Nine percentage points are too few, however certain.
            ([(3_000, 7_000), (3_900, 6_100), (3_000, 7_000)], false),
            // Twenty points, but with so few attempts it may be chance.
            ([(12, 28), (20, 20), (12, 28)], false),
            // Thirty points, but one of the neighbours has 29 attempts.
            ([(9, 20), (60, 40), (30, 70)], false),
            ([(60, 40), (60, 40), (60, 40)], false),
        ] {
            assert_eq!(
                levels(&counts).alerts().len(),
                usize::from(is_stuck),
                "{counts:?}"
            );
        }
    }

    #[test]
    fn the_first_and_the_last_level_of_a_map_are_never_stuck() {
        let levels = levels(&[(90, 10), (30, 70), (90, 10)]);
        assert_eq!(levels.alerts(), []);
    }
}
