//! Compares the running totals with totals that are recomputed from all events at once, and checks the limits of the
//! totals.

use std::collections::BTreeMap;

use proptest::prelude::*;
use running_totals::{RunningTotals, Totals};
use serde_json::{Value, json};

/// An event from which the test builds a record and the expected counts.
#[derive(Clone, Debug)]
enum Sample {
    Player(String),
    Server(String),
    Purchase {
        refund: bool,
        currency: String,
        minor: u32,
    },
    Broken,
}

impl Sample {
    fn record(&self) -> String {
        let (parameters, data) = match self {
            Self::Player(event_type) => (
                json!({"player_id": "p", "session_id": "s", "event_type": event_type, "level_id": "l", "map_id": "m"}),
                ("user_data", json!({"user_id": "p", "platform": "PC"})),
            ),
            Self::Server(server_type) => (
                json!({"server_id": "s", "cpu_load": 1, "memory_usage": 2, "latency": 3}),
                (
                    "server_data",
                    json!({"region": "r", "server_type": server_type}),
                ),
            ),
            Self::Purchase {
                refund, currency, ..
            } => (
                json!({"transaction_id": "t", "transaction_type": if *refund { "refund" } else { "purchase" },
                    "currency": currency, "amount": "#", "item_id": "i", "item_type": "t"}),
                ("user_data", json!({"user_id": "p", "platform": "PC"})),
            ),
            Self::Broken => (json!({}), ("user_data", json!(null))),
        };
        let record = json!({"event_name": "e", "event_timestamp": "2024-11-12T10:15:30Z", "parameters": parameters,
            data.0: data.1});
        record.to_string().replace("\"#\"", &self.amount())
    }

    /// Returns the amount with exactly the digits of the currency's minor unit, for the currencies of
    /// [`sample`].
    fn amount(&self) -> String {
        match self {
            Self::Purchase {
                currency, minor, ..
            } if currency == "JPY" => minor.to_string(),
            Self::Purchase { minor, .. } => format!("{}.{:02}", minor / 100, minor % 100),
            _ => String::new(),
        }
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let name = || "[a-c]";
    prop_oneof![
        name().prop_map(Sample::Player),
        name().prop_map(Sample::Server),
        (
            any::<bool>(),
            prop::sample::select(vec!["USD", "JPY", "XYZ"]),
            any::<u32>()
        )
            .prop_map(|(refund, currency, minor)| Sample::Purchase {
                refund,
                currency: currency.into(),
                minor
            }),
        Just(Sample::Broken),
    ]
}

fn after(records: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut totals = RunningTotals::default();
    records.into_iter().fold(Vec::new(), |sum, record| {
        totals.add(&sum, record.as_bytes())
    })
}

fn counted(samples: &[Sample]) -> Value {
    let mut counts = BTreeMap::<&str, BTreeMap<&str, u64>>::new();
    let mut money = BTreeMap::<&str, [u64; 4]>::new();
    let mut count = |topic, name| *counts.entry(topic).or_default().entry(name).or_default() += 1;
    for sample in samples {
        match sample {
            Sample::Player(name) => count("player-events", name),
            Sample::Server(name) => count("server-metrics", name),
            Sample::Purchase {
                refund,
                currency,
                minor,
            } => {
                count(
                    "purchase-events",
                    if *refund { "refund" } else { "purchase" },
                );
                let sums = money.entry(currency).or_default();
                sums[2 * usize::from(*refund)] += 1;
                sums[2 * usize::from(*refund) + 1] += u64::from(*minor);
            }
            Sample::Broken => {}
        }
    }
    let invalid = samples
        .iter()
        .filter(|sample| matches!(sample, Sample::Broken))
        .count();
    let row = |[purchases, gross, refunds, refunded]: [u64; 4]| {
        json!({"purchases": purchases, "gross_minor": gross,
        "refunds": refunds, "refunded_minor": refunded})
    };
    let money: BTreeMap<_, _> = money
        .into_iter()
        .map(|(currency, sums)| (currency, row(sums)))
        .collect();
    json!({"records": samples.len(), "invalid": invalid, "events": counts, "money": money})
}

proptest! {
    #[test]
    fn totals_equal_a_count_at_the_end(samples in prop::collection::vec(sample(), 1..60)) {
        let totals = after(samples.iter().map(Sample::record));
        let totals: Value = serde_json::from_slice(&totals).expect("JSON");
        prop_assert_eq!(totals, counted(&samples));
    }

    #[test]
    fn bytes_that_are_not_totals_count_as_zero(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        record in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        prop_assume!(serde_json::from_slice::<Totals>(&bytes).is_err());
        let mut totals = RunningTotals::default();
        prop_assert_eq!(totals.add(&bytes, &record), totals.add(b"", &record));
    }
}

fn totals(bytes: &[u8]) -> Totals {
    serde_json::from_slice(bytes).expect("totals")
}

#[test]
fn names_beyond_the_limit_count_as_other_and_the_size_is_bounded() {
    // The worst case: names of the greatest length, in which JSON escapes almost every byte as six bytes.
    let name = |index: u32| format!("{}{index:04}", "\u{1}".repeat(60));
    let samples = (0..500).flat_map(|index| {
        let purchase = Sample::Purchase {
            refund: false,
            currency: name(index),
            minor: u32::MAX,
        };
        [
            Sample::Player(name(index)),
            Sample::Server(name(index)),
            purchase,
        ]
    });
    let bytes = after(samples.map(|sample| sample.record()));
    assert!(bytes.len() < 64 * 1024, "{} bytes", bytes.len());
    let totals = totals(&bytes);
    for topic in ["player-events", "server-metrics"] {
        assert_eq!(totals.events[topic].len(), 33, "{topic}");
        assert_eq!(totals.events[topic]["other"], 500 - 32, "{topic}");
    }
    assert_eq!(totals.money.len(), 33);
    let other = &totals.money["other"];
    assert_eq!(
        (other.purchases, other.gross_minor),
        (500 - 32, None),
        "no sum of mixed units"
    );
}

#[test]
fn a_long_name_counts_as_other() {
    let record = |length: usize| Sample::Player("x".repeat(length)).record();
    let totals = totals(&after([record(64), record(65), record(256)]));
    let counts: Vec<_> = totals.events["player-events"].iter().collect();
    assert_eq!(counts, [(&"other".to_owned(), &2), (&"x".repeat(64), &1)]);
}

#[test]
fn initial_totals_continue_and_stop_at_their_greatest_value() {
    let mut given = totals(&after([Sample::Purchase {
        refund: false,
        currency: "USD".into(),
        minor: 5,
    }
    .record()]));
    given.records = u64::MAX;
    if let Some(usd) = given.money.get_mut("USD") {
        usd.gross_minor = Some(u64::MAX - 1);
    }
    let given = serde_json::to_vec(&given).expect("JSON");
    let record = Sample::Purchase {
        refund: false,
        currency: "USD".into(),
        minor: 7,
    }
    .record();
    let after = totals(&RunningTotals::default().add(&given, record.as_bytes()));
    assert_eq!(
        (after.records, after.money["USD"].gross_minor),
        (u64::MAX, Some(u64::MAX))
    );
    assert_eq!(after.money["USD"].purchases, 2);
}

#[test]
fn wrong_parameters_are_named() {
    let params = [("kind", "money")].into_iter().collect();
    let error = RunningTotals::from_params(&params)
        .expect_err("refused")
        .to_string();
    assert!(
        error.starts_with("parameter `kind` is `money`: player-events, "),
        "{error}"
    );
}
