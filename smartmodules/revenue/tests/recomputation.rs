//! Compares the derivation with a simple recomputation over the records, in any split and order and with any
//! duplicates. Some records are broken.

use std::collections::{BTreeMap, BTreeSet};

use dataflow::Registration;
use fold_testing::assert_every_split;
use proptest::prelude::*;
use revenue::RevenueDerivation;
use serde_json::{Value, json};

/// The fields from which the test builds a record. Two facts with equal fields are the same transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    minute: u32,
    second: u32,
    game: &'static str,
    transaction: u32,
    is_purchase: bool,
    /// The currency code and the number of its minor digits.
    currency: (&'static str, u32),
    minor: i64,
    item: (&'static str, &'static str),
    user: u32,
    platform: &'static str,
    /// Selects one of the [`DIRTS`] ways to break the record, counted from 0. Any other number leaves it intact.
    dirt: usize,
}

/// The number of ways in which the test can break an event.
const DIRTS: usize = 5;

impl Fact {
    /// Returns the fact as a record. `name` is the event name, which no derivation reads. If it is not
    /// `transaction`, the default game is written as null, which means the same.
    fn record(&self, name: &str) -> Value {
        let amount = self.minor as f64 / 10_f64.powi(self.currency.1 as i32);
        let mut event = json!({
            "event_name": name,
            "event_timestamp": format!("2024-11-12T10:{:02}:{:02}Z", self.minute, self.second),
            "parameters": {
                "game_id": self.game, "transaction_id": format!("t{}", self.transaction),
                "transaction_type": if self.is_purchase { "purchase" } else { "refund" },
                "currency": self.currency.0, "amount": amount, "item_id": self.item.0, "item_type": self.item.1,
            },
            "user_data": {"user_id": format!("u{}", self.user), "platform": self.platform},
        });
        if self.game == "default" && name != "transaction" {
            event["parameters"]["game_id"] = Value::Null;
        }
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

/// Computes the expected rows from a ledger of the facts.
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

/// Rounds the magnitude of the quotient half to even, so that positive and negative values round alike.
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

/// Generates a transaction within three minutes, with so few different values that the same id occurs with
/// different content.
fn fact() -> impl Strategy<Value = Fact> {
    let currency = prop::sample::select(vec![
        ("BHD", 3),
        ("JPY", 0),
        ("USD", 2),
        ("jpy", 2),
        ("x|%", 2),
    ]);
    let minor = prop::sample::select(vec![0_i64, 1, 2, 5, 99, 499, 10_000, 999_999_999_999]);
    let game = prop::sample::select(vec!["arena", "default"]);
    let item = prop::sample::select(vec![("sword", "a"), ("sword", "b"), ("shield", "a")]);
    let platform = prop::sample::select(vec!["PC", "PC", "Mobile"]);
    let place = (0_u32..3, 0_u32..3, game, currency);
    let sale = (
        0_u32..10,
        prop::bool::weighted(0.7),
        minor,
        item,
        0_u32..4,
        platform,
    );
    (place, sale, 0..DIRTS * 6).prop_map(
        |(
            (minute, second, game, currency),
            (transaction, is_purchase, minor, item, user, platform),
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
            platform,
            // All numbers that break nothing are mapped to one, so that facts with the same record are equal.
            dirt: dirt.min(DIRTS),
        },
    )
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        transactions in prop::collection::vec(
            (fact(), 0_usize..7, prop::option::weighted(0.3, 0_usize..7)),
            1..200,
        ),
        unique_transactions: bool,
    ) {
        let (mut dealt, mut facts) = (Vec::new(), Vec::new());
        for (fact, batch, again) in transactions {
            for (batch, name) in [(Some(batch), "transaction"), (again, "again")] {
                let Some(batch) = batch else { continue };
                dealt.push((fact.record(name), batch));
                facts.push(fact.clone());
            }
        }
        let unique = unique_transactions.to_string();
        let params = [("window_ms", "60000"), ("unique_transactions", &unique)];
        let derivation = Registration::windows::<RevenueDerivation>();
        assert_every_split(&derivation, &params, &dealt, |_| recomputed(&facts, unique_transactions));
    }
}
