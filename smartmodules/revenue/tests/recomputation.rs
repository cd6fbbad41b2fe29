//! Holds fold and merge against a plain recomputation over the records, in any split and order, with
//! broken records among them and any duplicates.

use std::collections::{BTreeMap, BTreeSet};

use fold_testing::derived_in_four_splits;
use proptest::prelude::*;
use revenue::RevenueFold;
use serde_json::{Value, json};

/// What an event is made of; two are the same transaction where all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    minute: u32,
    second: u32,
    game: &'static str,
    transaction: u32,
    is_purchase: bool,
    /// The code and its minor digits.
    currency: (&'static str, u32),
    minor: i64,
    item: &'static str,
    user: u32,
    dirt: usize,
}

/// The ways in which an event may be broken.
const DIRTS: usize = 5;

impl Fact {
    fn record(&self) -> Value {
        let amount = self.minor as f64 / 10_f64.powi(self.currency.1 as i32);
        let mut event = json!({
            "event_name": "transaction",
            "event_timestamp": format!("2024-11-12T10:{:02}:{:02}Z", self.minute, self.second),
            "parameters": {
                "game_id": self.game, "transaction_id": format!("t{}", self.transaction),
                "transaction_type": if self.is_purchase { "purchase" } else { "refund" },
                "currency": self.currency.0, "amount": amount, "item_id": self.item, "item_type": "weapon",
            },
            "user_data": {"user_id": format!("u{}", self.user), "platform": "PC"},
        });
        match self.dirt {
            0 => event["parameters"]["amount"] = json!(-1),
            1 => event["parameters"]["amount"] = json!("9.99"),
            2 => event["parameters"]["transaction_type"] = json!("gift"),
            3 => event["user_data"]["user_id"] = Value::Null,
            4 => event["event_timestamp"] = json!(1_731_406_531),
            _ => {}
        }
        event
    }
}

/// What a ledger of the facts gives.
fn recomputed(facts: &[Fact], unique_transactions: bool) -> Vec<Value> {
    let mut facts: Vec<&Fact> = facts.iter().filter(|fact| fact.dirt >= DIRTS).collect();
    facts.sort_unstable();
    if unique_transactions {
        facts.dedup();
    }
    let mut ledgers: BTreeMap<_, Vec<&Fact>> = BTreeMap::new();
    for fact in facts {
        let key = (fact.minute, fact.game, fact.currency);
        ledgers.entry(key).or_default().push(fact);
    }
    ledgers.values().map(|ledger| row(ledger)).collect()
}

fn row(ledger: &[&Fact]) -> Value {
    let (
        Fact {
            minute,
            game,
            currency,
            ..
        },
        mut sums,
    ) = (ledger[0], [0_i64; 4]);
    let mut buyers = BTreeSet::new();
    for fact in ledger {
        let place = usize::from(!fact.is_purchase);
        sums[place] += 1;
        sums[2 + place] += fact.minor;
        if fact.is_purchase {
            buyers.insert(fact.user);
        }
    }
    let [purchases, refunds, gross, refunded] = sums;
    let (net, buyers) = (gross - refunded, buyers.len() as i64);
    let money = |minor| money(minor, currency.1);
    json!({
        "window_start": format!("2024-11-12T10:{minute:02}:00.000Z"),
        "window_end": format!("2024-11-12T10:{:02}:00.000Z", minute + 1),
        "game_id": game, "currency": currency.0,
        "purchases": purchases, "refunds": refunds,
        "gross": money(gross), "refunded": money(refunded), "net": money(net),
        "buyers": buyers,
        "average_purchase": (purchases > 0).then(|| money(rounded(gross, purchases))),
        "arppu": (buyers > 0).then(|| money(rounded(net, buyers))),
        "revision": 0,
    })
}

/// The quotient rounded half to even, by its magnitude: that rounds the same way on both sides of 0.
fn rounded(numerator: i64, denominator: i64) -> i64 {
    let (down, rest) = (numerator.abs() / denominator, numerator.abs() % denominator);
    let up = 2 * rest > denominator || (2 * rest == denominator && down % 2 == 1);
    numerator.signum() * (down + i64::from(up))
}

fn money(minor: i64, digits: u32) -> String {
    let padded = format!("{:0width$}", minor.abs(), width = digits as usize + 1);
    let (units, fraction) = padded.split_at(padded.len() - digits as usize);
    let sign = if minor < 0 { "-" } else { "" };
    let point = if digits > 0 { "." } else { "" };
    format!("{sign}{units}{point}{fraction}")
}

/// A transaction within three minutes, from spaces so small that ids collide with other content.
fn fact() -> impl Strategy<Value = Fact> {
    let currency = prop::sample::select(vec![("BHD", 3), ("JPY", 0), ("USD", 2), ("x|%", 2)]);
    let minor = prop::sample::select(vec![0_i64, 1, 2, 5, 99, 499, 10_000, 999_999_999_999]);
    let game = prop::sample::select(vec!["arena", "default"]);
    let item = prop::sample::select(vec!["sword", "shield"]);
    let place = (0_u32..3, 0_u32..3, game, currency);
    let sale = (0_u32..10, prop::bool::weighted(0.7), minor, item, 0_u32..4);
    (place, sale, 0..DIRTS * 6).prop_map(
        |(
            (minute, second, game, currency),
            (transaction, is_purchase, minor, item, user),
            dirt,
        )| Fact {
            minute,
            second: second * 29,
            game,
            transaction,
            is_purchase,
            currency,
            minor,
            item,
            user,
            // All that is whole is alike, so that equal facts are equal records.
            dirt: dirt.min(DIRTS),
        },
    )
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        dealt in prop::collection::vec((fact(), 0_usize..7, prop::option::weighted(0.3, 0_usize..7)), 1..200),
        unique_transactions: bool,
    ) {
        let (mut batches, mut facts) = (vec![Vec::new(); 7], Vec::new());
        for (fact, batch, again) in &dealt {
            for batch in [Some(*batch), *again].into_iter().flatten() {
                batches[batch].push(fact.record());
                facts.push(fact.clone());
            }
        }
        let unique = unique_transactions.to_string();
        let params = [("window_ms", "60000"), ("unique_transactions", &unique)];
        let expected = recomputed(&facts, unique_transactions);
        for rows in derived_in_four_splits::<RevenueFold>(&params, &batches) {
            prop_assert_eq!(&rows, &expected);
        }
    }
}
