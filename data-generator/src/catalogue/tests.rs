//! Checks that the games and maps of the events are those of the catalogue.

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

/// What the player events of a game contain.
#[derive(Default)]
struct Seen {
    players: BTreeSet<String>,
    maps: BTreeSet<String>,
    level_max: u16,
}

/// Returns what the player and purchase events of each game contain, by their `game_id`.
fn seen(world: World) -> BTreeMap<String, Seen> {
    let mut games: BTreeMap<String, Seen> = BTreeMap::new();
    let events = world.take(60_000);
    for event in events.filter(|event| event.topic != Topic::ServerMetrics) {
        let value: Value = serde_json::from_slice(&event.value).expect("JSON");
        let parameters = &value["parameters"];
        let game = match &parameters["game_id"] {
            Value::String(game) => game.clone(),
            Value::Null => "default".to_owned(),
            other => panic!("{other} is not a game"),
        };
        let game = games.entry(game).or_default();
        game.players.insert(event.key);
        if let Some(level) = parameters["level_id"].as_str() {
            let level: u16 = level.trim_start_matches("level_").parse().expect("a level");
            game.level_max = game.level_max.max(level);
            let map = parameters["map_id"].as_str().expect("a map");
            game.maps.insert(map.to_owned());
        }
    }
    games
}

fn ids(game: &Game) -> BTreeSet<String> {
    game.maps.iter().map(|map| map.id.clone()).collect()
}

#[test]
fn each_game_has_its_share_of_the_players_its_levels_and_its_maps() {
    let catalogue = Catalogue::built_in();
    let games = seen(World::new(WORLD).with_incidents(600.0));
    let total: usize = games.values().map(|game| game.players.len()).sum();
    assert!(total > 5_000, "{total} players");
    assert_eq!(games.len(), catalogue.games().count(), "{:?}", games.keys());
    for (game, share) in catalogue.games().zip(&catalogue.shares) {
        let seen = &games[&game.id];
        let measured = seen.players.len() as f64 / total as f64 * 100.0;
        let expected = f64::from(*share);
        // Four standard deviations of a share among 5,000 players are at most 2.4 percentage points.
        assert!(
            (measured - expected).abs() < 2.4,
            "{}: {measured} instead of {expected} %",
            game.id
        );
        let level = seen.level_max;
        assert!(level <= game.levels, "{}: level {level}", game.id);
        assert_eq!(seen.maps, ids(game), "{}", game.id);
    }
}

/// The values were computed by hand.
#[test]
fn the_difficulty_is_linear_between_the_first_level_and_the_last() {
    let game = only_one();
    for (map, level, expected) in [
        (0, 1, 20.0),
        (0, 2, 35.0),
        (0, 5, 80.0),
        (1, 1, 7.0),
        (1, 5, 7.0),
    ] {
        assert_eq!(
            game.difficulty(map, level),
            expected,
            "map {map}, level {level}"
        );
    }
}

fn only_one() -> Game {
    let map = |id: &str, easiest, hardest| Map {
        id: id.to_owned(),
        easiest,
        hardest,
    };
    Game {
        id: "only-one".to_owned(),
        name: "Only One".to_owned(),
        genre: "test".to_owned(),
        levels: 5,
        maps: vec![map("harbour", 20, 80), map("plain", 7, 7)],
        cover: None,
    }
}

#[test]
fn another_catalogue_replaces_all_games() {
    let catalogue = Catalogue {
        games: vec![Arc::new(only_one())],
        shares: vec![1],
        ..(*Catalogue::built_in()).clone()
    };
    let world = World::of(WORLD, Arc::new(catalogue)).with_incidents(600.0);
    let games = seen(world);
    assert_eq!(games.keys().collect::<Vec<_>>(), ["only-one"]);
    let seen = &games["only-one"];
    assert_eq!((seen.level_max, &seen.maps), (5, &ids(&only_one())));
}
