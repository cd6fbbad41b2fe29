//! Compares the rows of the derivation, for several splits and orders of the records, with a simple recomputation.

use std::collections::BTreeMap;

use dataflow::Registration;
use fold_testing::{assert_every_split, derived, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use server_health::ServerHealthDerivation;

/// Computes the expected rows from sorted lists of readings in ten-thousandths. A quantile is exact only to 1 %, so
/// the quantile in `found` is accepted if it is that close.
fn recomputed(records: &[Value], found: &[Value]) -> Vec<Value> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for record in records {
        let ten_seconds = &text(record, "/event_timestamp")[..18];
        let server = text(record, "/parameters/server_id");
        groups
            .entry((ten_seconds, server))
            .or_default()
            .push(record);
    }
    let row = |(index, ((start, server), group)): (usize, (&(&str, &str), &Vec<&Value>))| {
        row(
            start,
            server,
            group,
            found.get(index).unwrap_or(&Value::Null),
        )
    };
    groups.iter().enumerate().map(row).collect()
}

fn row(start: &str, server: &str, group: &[&Value], found: &Value) -> Value {
    let latest = |field| {
        let fields = ["/server_data/region", "/server_data/server_type"];
        let values = group.iter().map(|record| {
            (
                text(record, "/event_timestamp"),
                fields.map(|field| text(record, field)),
            )
        });
        values.max().expect("a record").1[field]
    };
    let (cpu, memory) = (readings(group, "cpu_load"), readings(group, "memory_usage"));
    let latency = readings(group, "latency");
    let quantile =
        |name: &str, percent| close_quantile(&found["latency_ms"][name], &latency, percent);
    let p95 = quantile("p95", 95);
    let over = |percent: i64, ms: f64| {
        let mean_over =
            |values: &[i64]| values.iter().sum::<i64>() > percent * 10_000 * values.len() as i64;
        mean_over(&cpu) || mean_over(&memory) || p95 > ms
    };
    let status = match (over(90, 250.0), over(80, 100.0)) {
        (true, _) => "critical",
        (false, true) => "degraded",
        (false, false) => "healthy",
    };
    let tens: u32 = start[17..].parse().expect("tens of seconds");
    json!({
        "window_start": format!("{start}0.000Z"),
        "window_end": format!("2024-11-12T10:15:{}0.000Z", tens + 1),
        "server_id": server, "region": latest(0), "server_type": latest(1),
        "samples": group.len(),
        "cpu_load": {"mean": mean(&cpu), "max": three_decimals(cpu[cpu.len() - 1], 1)},
        "memory_usage": {"mean": mean(&memory), "max": three_decimals(memory[memory.len() - 1], 1)},
        "latency_ms": {
            "mean": mean(&latency), "max": three_decimals(latency[latency.len() - 1], 1),
            "p50": quantile("p50", 50), "p95": p95, "p99": quantile("p99", 99),
        },
        "status": status,
        "revision": 0,
    })
}

/// Returns the readings in ten-thousandths, in ascending order.
fn readings(group: &[&Value], name: &str) -> Vec<i64> {
    let reading = |record: &&Value| {
        let value = record["parameters"][name].as_f64().expect("a number");
        (value * 10_000.0).round() as i64
    };
    let mut readings: Vec<i64> = group.iter().map(reading).collect();
    readings.sort_unstable();
    readings
}

fn mean(readings: &[i64]) -> f64 {
    three_decimals(readings.iter().sum(), readings.len() as i64)
}

/// Returns `ten_thousandths` / `count`, rounded half to even to thousandths.
fn three_decimals(ten_thousandths: i64, count: i64) -> f64 {
    let unit = 10 * count;
    let (down, rest) = (ten_thousandths / unit, ten_thousandths % unit);
    let up = 2 * rest > unit || (2 * rest == unit && down % 2 == 1);
    (down + i64::from(up)) as f64 / 1_000.0
}

/// Returns `found` if it is close enough; otherwise the true value, so that a failed comparison shows both.
fn close_quantile(found: &Value, sorted: &[i64], percent: usize) -> f64 {
    let rounding = 0.000_501;
    let last = sorted.len() - 1;
    let exact = sorted[percent * last / 100] as f64 / 10_000.0;
    let range = three_decimals(sorted[0], 1)..=three_decimals(sorted[last], 1);
    match found.as_f64() {
        Some(found)
            if (found - exact).abs() <= 0.01 * exact + rounding && range.contains(&found) =>
        {
            found
        }
        _ => exact,
    }
}

/// Generates a report whose event time is in a fixed range of half a minute, with readings that are
/// often at or near the thresholds.
fn report() -> impl Strategy<Value = Value> {
    let percent = || {
        prop_oneof![
            0_u32..=1_000_000,
            790_000_u32..810_000,
            Just(800_000),
            Just(900_000)
        ]
    };
    let latency = prop_oneof![
        0_u32..4_000_000,
        Just(0),
        Just(1_000_000),
        Just(2_500_000),
        0_u32..100
    ];
    let place = prop::sample::select(vec!["us-west", "us-east", "eu"]);
    (0_u32..30_000, 0_u32..3, percent(), percent(), latency, place, "[ab]", "[mn]")
        .prop_map(|(ms, server, cpu, memory, latency, region, server_type, name)| {
            let unit = |ten_thousandths| f64::from(ten_thousandths) / 10_000.0;
            json!({
                "event_name": name,
                "event_timestamp": format!("2024-11-12T10:15:{:02}.{:03}Z", ms / 1_000, ms % 1_000),
                "parameters": {"server_id": format!("s|{server}"), "cpu_load": unit(cpu),
                    "memory_usage": unit(memory), "latency": unit(latency)},
                "server_data": {"region": region, "server_type": server_type},
            })
        })
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        dealt in prop::collection::vec((report(), 0_usize..7), 1..200),
    ) {
        let params = [("window_ms", "10000")];
        let derivation = Registration::windows::<ServerHealthDerivation>();
        assert_every_split(&derivation, &params, &dealt, |records| {
            let found = derived(&derivation, &params, &[records.to_vec()]);
            recomputed(records, &found)
        });
    }
}
