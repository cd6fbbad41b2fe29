//! Checks sums of money over windows of several kinds. The ledger adds up all transactions without windows. The sum
//! over all windows must equal the ledger times the number of windows that contain each transaction, to the minor unit.

use std::collections::BTreeMap;

use client::Record;
use dataflow::{Partition, Registration};
use model::Params;
use model::fold::SourceRecord;
use serde_json::Value;

use crate::oracle;

/// Pairs of window length and hop, in milliseconds.
const WINDOWINGS: [(i64, i64); 4] = [
    (7_000, 7_000),
    (3_600_000, 3_600_000),
    (86_400_000, 86_400_000),
    (60_000, 20_000),
];

/// The gross and refunded amounts of each currency, in minor units.
type Sums = BTreeMap<String, (i64, i64)>;

pub(super) fn assert_any_windowing_adds_up(records: &[Record]) {
    let ledger = oracle::ledger(records);
    for currency in ["USD", "JPY", "BHD", "KWD"] {
        let (gross, refunded) = ledger[currency];
        assert!(gross > 0 && refunded > 0, "{ledger:?}");
    }
    for (size_ms, hop_ms) in WINDOWINGS {
        let times = size_ms / hop_ms;
        let expected: Sums = ledger
            .iter()
            .map(|(currency, (gross, refunded))| {
                (currency.clone(), (gross * times, refunded * times))
            })
            .collect();
        for name in ["purchase-summaries", "revenue"] {
            let registration = derivations::registration(name).expect(name);
            let found = sums(&registration, records, (size_ms, hop_ms));
            assert_eq!(found, expected, "`{name}` in windows of {size_ms} ms");
        }
    }
}

fn sums<'r>(
    registration: &Registration,
    records: &'r [Record],
    (size_ms, hop_ms): (i64, i64),
) -> Sums {
    let (size, hop) = (size_ms.to_string(), hop_ms.to_string());
    let mut pairs = vec![("window_ms", size.as_str())];
    if size_ms != hop_ms {
        pairs.push(("hop_ms", hop.as_str()));
    }
    let params: Params = pairs.into_iter().collect();
    let mut offline = registration.offline(&params, 1).unwrap();
    for batch in records.chunks(500) {
        let record = |(offset, record): (i64, &'r Record)| {
            SourceRecord::new(offset, record.timestamp_ms, &record.value)
        };
        offline.batch(Partition(0), (0..).zip(batch).map(record));
    }
    assert_eq!(offline.late(), 0);
    let mut sums = Sums::new();
    for (_, value) in offline.finish().unwrap() {
        let row: Value = serde_json::from_slice(&value).unwrap();
        let currency = row["currency"].as_str().unwrap();
        let sum = sums.entry(currency.to_owned()).or_default();
        sum.0 += minor(&row["gross"]);
        sum.1 += minor(&row["refunded"]);
    }
    sums
}

/// Parses a decimal number into minor units by removing its point.
fn minor(money: &Value) -> i64 {
    money.as_str().unwrap().replace('.', "").parse().unwrap()
}
