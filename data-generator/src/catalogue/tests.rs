//! Checks that the games of the events are those of the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::event::Topic;
use crate::world::{World, WorldOptions};

const WORLD: WorldOptions = WorldOptions {
    seed: 3,
    start_ms: 1_767_225_600_000,
    rate: 2_000.0,
    broken: 0.0,
};

/// Returns the players of each game, by the `game_id` of their events, and the highest level of each game.
fn seen(world: World) -> (BTreeMap<String, BTreeSet<String>>, BTreeMap<String, u16>) {
    let (mut players, mut levels) = (BTreeMap::new(), BTreeMap::new());
    let events = world.take(60_000);
    for event in events.filter(|event| event.topic != Topic::ServerMetrics) {
        let value: Value = serde_json::from_slice(&event.value).expect("JSON");
        let parameters = &value["parameters"];
        let game = match &parameters["game_id"] {
            Value::String(game) => game.clone(),
            Value::Null => "default".to_owned(),
            other => panic!("{other} is not a game"),
        };
        let of_game: &mut BTreeSet<String> = players.entry(game.clone()).or_default();
        of_game.insert(event.key);
        if let Some(level) = parameters["level_id"].as_str() {
            let level: u16 = level.trim_start_matches("level_").parse().expect("a level");
            let highest: &mut u16 = levels.entry(game).or_default();
            *highest = level.max(*highest);
        }
    }
    (players, levels)
}

#[test]
fn each_game_has_its_share_of_the_players_and_its_levels() {
    let catalogue = Catalogue::built_in();
    let (players, levels) = seen(World::new(WORLD).with_incidents(600.0));
    let total: usize = players.values().map(BTreeSet::len).sum();
    assert!(total > 5_000, "{total} players");
    assert_eq!(
        players.len(),
        catalogue.games().count(),
        "{:?}",
        players.keys()
    );
    for (game, share) in catalogue.games().zip(&catalogue.shares) {
        let measured = players[&game.id].len() as f64 / total as f64 * 100.0;
        let expected = f64::from(*share);
        // Four standard deviations of a share among 5,000 players are at most 2.4 percentage points.
        assert!(
            (measured - expected).abs() < 2.4,
            "{}: {measured} instead of {expected} %",
            game.id
        );
        assert!(
            levels[&game.id] <= game.levels,
            "{}: level {}",
            game.id,
            levels[&game.id]
        );
    }
}

#[test]
fn another_catalogue_replaces_all_games() {
    let game = Game {
        id: "only-one".to_owned(),
        name: "Only One".to_owned(),
        genre: "test".to_owned(),
        levels: 5,
        cover: None,
    };
    let catalogue = Catalogue {
        games: vec![Arc::new(game)],
        shares: vec![1],
    };
    let world = World::of(WORLD, Arc::new(catalogue)).with_incidents(600.0);
    let (players, levels) = seen(world);
    assert_eq!(players.keys().collect::<Vec<_>>(), ["only-one"]);
    assert_eq!(levels["only-one"], 5);
}
