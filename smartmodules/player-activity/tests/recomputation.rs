//! Holds fold and merge against a plain recomputation over the records, in any split and order, with
//! broken records among them.

use std::collections::BTreeMap;

use fold_testing::derived_in_four_splits;
use player_activity::PlayerActivityFold;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What counters by window, game and player give.
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

/// What an event is made of.
#[derive(Clone, Debug)]
struct Fact {
    ms: u32,
    game: Option<&'static str>,
    player: &'static str,
    dirt: usize,
}

/// The ways in which an event may be broken.
const DIRTS: usize = 5;

impl Fact {
    fn record(&self) -> Value {
        let (seconds, millis) = (self.ms / 1_000, self.ms % 1_000);
        let mut event = json!({
            "event_name": "player_action",
            "event_timestamp": format!("2024-11-12T10:15:{seconds:02}.{millis:03}Z"),
            "parameters": {"game_id": self.game, "player_id": self.player, "session_id": "s", "event_type": "move", "level_id": "l", "map_id": "m"},
            "user_data": {"user_id": self.player, "platform": "PC"},
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

/// Facts within half a minute, from spaces so small that everything meets everything. The players'
/// keys sort as their names do.
fn fact() -> impl Strategy<Value = Fact> {
    let game = prop::sample::select(vec![None, Some("default"), Some("arena")]);
    let player = prop::sample::select(vec!["a", "b|b", "c%7C", "d", "é"]);
    (0_u32..30_000, game, player, 0..DIRTS * 6).prop_map(|(ms, game, player, dirt)| Fact {
        ms,
        game,
        player,
        dirt,
    })
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(dealt in prop::collection::vec((fact(), 0_usize..7), 1..300)) {
        let mut batches = vec![Vec::new(); 7];
        dealt.iter().for_each(|(fact, batch)| batches[*batch].push(fact.record()));
        let facts: Vec<Fact> = dealt.into_iter().map(|(fact, _)| fact).collect();
        let expected = recomputed(&facts);
        for rows in derived_in_four_splits::<PlayerActivityFold>(&[("window_ms", "5000")], &batches) {
            prop_assert_eq!(&rows, &expected);
        }
    }
}
