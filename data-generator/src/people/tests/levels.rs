//! The comparison of levels finds the level that is too hard, and seldom another.

use std::sync::Arc;
use std::thread;

use super::{DAY_MS, START_MS};
use crate::catalogue::Catalogue;
use crate::event::Topic;
use crate::feed::{Feed, Source};
use crate::incidents::Subject;
use crate::people::{Hard, Settings, Shard};
use crate::population::level_id;
use crate::score::Levels;

const SEEDS: u64 = 100;
const ATTEMPTS: usize = 10_000;

/// The built-in catalogue with only its first game.
fn one_game() -> Arc<Catalogue> {
    let text = include_str!("../../../catalogue.yaml");
    let (common, games) = text.split_once("\ngames:").expect("games");
    let first = games.split("  - id:").nth(1).expect("a game");
    let lines = first.lines().filter(|line| !line.contains("cover:"));
    let game = lines.collect::<Vec<_>>().join("\n");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalogue.yaml");
    std::fs::write(&path, format!("{common}\ngames:\n  - id:{game}\n")).expect("written");
    Arc::new(Catalogue::read(&path).expect("a catalogue"))
}

/// Returns the stuck levels after the first attempts in a world, as map and level.
fn stuck(seed: u64, hard_level: bool, catalogue: &Arc<Catalogue>) -> Vec<(String, String)> {
    let settings = Settings {
        seed,
        run: "run".to_owned(),
        start_ms: START_MS + DAY_MS / 2,
        players: 300_000,
        hard_level,
    };
    let shards = Shard::all(&settings, catalogue);
    let mut feed = Feed::new(shards.map(|shard| Box::new(shard) as Source).collect(), 1);
    let (mut levels, mut attempts) = (Levels::default(), 0);
    while attempts < ATTEMPTS {
        let deed = feed.take().expect("a deed");
        let is_end = deed.topic == Topic::GameEvents
            && [
                &br#"{"event_type":"level_fail""#[..],
                br#"{"event_type":"level_complete""#,
            ]
            .iter()
            .any(|start| deed.value.starts_with(start));
        if is_end {
            attempts += 1;
            levels.add(&deed.value);
        }
    }
    let alerts = levels
        .alerts()
        .into_iter()
        .map(|alert| match alert.subject {
            Subject::StuckLevel {
                map_id, level_id, ..
            } => (map_id, level_id),
            other => panic!("{other:?}"),
        });
    alerts.collect()
}

#[test]
fn the_planted_level_is_found_in_90_of_100_worlds_and_others_in_at_most_20() {
    let catalogue = one_game();
    let count = |seeds: std::ops::Range<u64>| {
        let (mut found, mut false_alarms) = (0, 0);
        for seed in seeds {
            let hard = Hard::choose(seed, &catalogue);
            let planted = (hard.map_id.clone(), level_id(hard.level));
            found += u32::from(stuck(seed, true, &catalogue).contains(&planted));
            false_alarms += u32::from(!stuck(seed, false, &catalogue).is_empty());
        }
        (found, false_alarms)
    };
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| count(SEEDS / 2..SEEDS));
        (count(0..SEEDS / 2), second.join().expect("no panic"))
    });
    let (found, false_alarms) = (first.0 + second.0, first.1 + second.1);
    assert!(
        found >= 90 && false_alarms <= 20,
        "found {found}, false alarms {false_alarms}"
    );
}
