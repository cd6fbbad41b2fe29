//! Compares the derivation with a simple recomputation over the records, in any split and order. Some records
//! are broken.

use std::collections::BTreeMap;

use dataflow::Registration;
use fold_testing::assert_every_split;
use player_activity::PlayerActivityDerivation;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Computes the expected rows from counters by window, game and player.
fn recomputed(facts: &[Fact]) -> Vec<Value> {
    let mut counters: BTreeMap<(u32, &str, &str), u64> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.dirt >= DIRTS) {
        let game = fact.game.unwrap_or("default");
        *counters
            .entry((fact.ms / 5_000, game, fact.player))
            .or_default() += 1;
    }
    let row = |((window, game, player), count): (&(u32, &str, &str), &u64)| {
        json!({
            "window_start": format!("2024-11-12T10:15:{:02}.000Z", window * 5),
            "window_end": format!("2024-11-12T10:15:{:02}.000Z", window * 5 + 5),
            "game_id": game, "player_id": player, "event_count": count, "revision": 0,
        })
    };
    counters.iter().map(row).collect()
}

/// The fields from which the test builds a record.
#[derive(Clone, Debug)]
struct Fact {
    ms: u32,
    game: Option<&'static str>,
    player: &'static str,
    /// The values of fields that do not affect the result.
    other: [&'static str; 6],
    /// Selects one of the [`DIRTS`] ways to break the record, counted from 0. Any other number leaves it intact.
    dirt: usize,
}

/// The number of ways in which the test can break an event.
const DIRTS: usize = 5;

impl Fact {
    fn record(&self) -> Value {
        let (seconds, millis) = (self.ms / 1_000, self.ms % 1_000);
        let [session, kind, level, map, user, platform] = self.other;
        let mut event = json!({
            "event_name": kind,
            "event_timestamp": format!("2024-11-12T10:15:{seconds:02}.{millis:03}Z"),
            "parameters": {"game_id": self.game, "player_id": self.player, "session_id": session,
                "event_type": kind, "level_id": level, "map_id": map},
            "user_data": {"user_id": user, "platform": platform},
        });
        match self.dirt {
            0 => event["parameters"]["player_id"] = json!(""),
            1 => event["parameters"]["session_id"] = Value::Null,
            2 => event["event_timestamp"] = json!("2024-11-12T10:75:00Z"),
            3 => event["user_data"] = json!("PC"),
            4 => event = json!([event]),
            _ => {}
        }
        event
    }
}

/// Generates facts within half a minute, with so few different values that rows often count several facts. The names of
/// the players must sort in the same order as the record keys: [`recomputed`] sorts its rows by name, and
/// `assert_every_split` expects them sorted by record key.
fn fact() -> impl Strategy<Value = Fact> {
    let game = prop::sample::select(vec![None, Some("default"), Some("arena")]);
    let player = prop::sample::select(vec!["a", "b|b", "c%7C", "d", "é"]);
    let other = prop::array::uniform6(prop::sample::select(vec!["a", "b", "level_complete"]));
    (0_u32..30_000, game, player, other, 0..DIRTS * 6).prop_map(
        |(ms, game, player, other, dirt)| Fact {
            ms,
            game,
            player,
            other,
            dirt,
        },
    )
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        dealt in prop::collection::vec((fact(), 0_usize..7), 1..300),
    ) {
        let records: Vec<_> = dealt.iter().map(|(fact, batch)| (fact.record(), *batch)).collect();
        let facts: Vec<Fact> = dealt.into_iter().map(|(fact, _)| fact).collect();
        let derivation = Registration::windows::<PlayerActivityDerivation>();
        assert_every_split(&derivation, &[("window_ms", "5000")], &records, |_| recomputed(&facts));
    }
}
