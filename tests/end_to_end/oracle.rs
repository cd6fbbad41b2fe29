//! Recomputes derived topics from source records, by other means than the package's own: plain
//! JSON values, maps and sets, and another calendar.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// Derived records by (window start, record key).
pub(crate) type Rows = BTreeMap<(i64, String), Value>;

const WINDOW_MS: i64 = 10_000;

/// A source record with an event that has to be accepted.
struct Event {
    json: Value,
    time_ms: i64,
}

impl Event {
    fn text(&self, section: &str, field: &str) -> String {
        self.json[section][field].as_str().unwrap().to_owned()
    }

    fn game(&self) -> String {
        self.json["parameters"]["game_id"]
            .as_str()
            .unwrap_or("default")
            .to_owned()
    }

    fn number(&self, field: &str) -> f64 {
        self.json["parameters"][field].as_f64().unwrap()
    }

    fn is(&self, event_type: &str) -> bool {
        self.json["parameters"]["event_type"] == event_type
    }
}

/// The events that have to be accepted, by (window start, key).
pub(crate) struct Accepted(BTreeMap<(i64, String), Vec<Event>>);

impl Accepted {
    pub(crate) fn count(&self) -> u64 {
        self.0.values().map(|events| events.len() as u64).sum()
    }
}

/// Sorts the acceptable of these records' values into windows, by the key that `key` makes.
fn accept(
    records: &[client::Record],
    required: &[(&str, &str, bool)],
    key: impl Fn(&Event) -> Vec<String>,
) -> Accepted {
    let mut windows: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for event in records
        .iter()
        .filter_map(|record| accepted(record, required))
    {
        let window = event.time_ms.div_euclid(WINDOW_MS) * WINDOW_MS;
        let fields: Vec<String> = key(&event)
            .iter()
            .map(|field| field.replace('%', "%25").replace('|', "%7C"))
            .collect();
        windows
            .entry((window, fields.join("|")))
            .or_default()
            .push(event);
    }
    Accepted(windows)
}

/// The event of a record, unless one of the reasons for rejection holds. `required`: section,
/// field, and whether it is a number.
fn accepted(record: &client::Record, required: &[(&str, &str, bool)]) -> Option<Event> {
    const RECORD_BYTES_MAX: usize = 256 * 1024;
    if record.value.len() > RECORD_BYTES_MAX {
        return None;
    }
    let json: Value = serde_json::from_slice(&record.value).ok()?;
    let well_typed = required.iter().all(|(section, field, number)| {
        let value = &json[section][field];
        if *number {
            value.is_number()
        } else {
            value
                .as_str()
                .is_some_and(|text| !text.is_empty() && text.len() <= 256)
        }
    });
    if !well_typed || !json["event_name"].is_string() || !in_range(&json) {
        return None;
    }
    let time_ms = json["event_timestamp"]
        .as_str()?
        .parse::<jiff::Timestamp>()
        .ok()?
        .as_millisecond();
    let skew_ms = time_ms - record.timestamp_ms.unwrap();
    (skew_ms <= 300_000).then_some(Event { json, time_ms })
}

fn in_range(json: &Value) -> bool {
    let parameters = &json["parameters"];
    let within = |field: &str, max: f64| {
        parameters[field]
            .as_f64()
            .is_none_or(|value| (0.0..=max).contains(&value))
    };
    let type_known = parameters["transaction_type"]
        .as_str()
        .is_none_or(|kind| ["purchase", "refund"].contains(&kind));
    type_known
        && within("amount", 1e10)
        && within("cpu_load", 100.0)
        && within("memory_usage", 100.0)
        && within("latency", 86_400_000.0)
}

pub(crate) fn player_events(records: &[client::Record]) -> Accepted {
    let parameters = [
        "player_id",
        "session_id",
        "event_type",
        "level_id",
        "map_id",
    ]
    .map(|field| ("parameters", field, false));
    let required = [
        &parameters[..],
        &[
            ("user_data", "user_id", false),
            ("user_data", "platform", false),
        ],
    ]
    .concat();
    accept(records, &required, |event| {
        vec![
            event.game(),
            event.text("parameters", "level_id"),
            event.text("parameters", "map_id"),
        ]
    })
}

pub(crate) fn purchase_events(records: &[client::Record]) -> Accepted {
    let texts = [
        "transaction_id",
        "transaction_type",
        "currency",
        "item_id",
        "item_type",
    ]
    .map(|field| ("parameters", field, false));
    let required = [
        &texts[..],
        &[
            ("parameters", "amount", true),
            ("user_data", "user_id", false),
            ("user_data", "platform", false),
        ],
    ]
    .concat();
    accept(records, &required, |event| {
        vec![
            event.game(),
            event.text("parameters", "item_id"),
            event.text("parameters", "currency"),
        ]
    })
}

pub(crate) fn server_metrics(records: &[client::Record]) -> Accepted {
    let numbers = ["cpu_load", "memory_usage", "latency"].map(|field| ("parameters", field, true));
    let texts = [
        ("parameters", "server_id", false),
        ("server_data", "region", false),
        ("server_data", "server_type", false),
    ];
    accept(records, &[&numbers[..], &texts].concat(), |event| {
        vec![event.text("parameters", "server_id")]
    })
}

/// The rows of `level-engagement`.
pub(crate) fn level_engagement(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let of = |event_type: &str| events.iter().filter(|event| event.is(event_type)).count();
        let distinct = |field: &str| {
            events
                .iter()
                .map(|event| event.text("parameters", field))
                .collect::<BTreeSet<_>>()
                .len()
        };
        let completing: BTreeSet<_> = events
            .iter()
            .filter(|event| event.is("level_complete"))
            .map(|event| event.text("parameters", "session_id"))
            .collect();
        let sessions = distinct("session_id");
        json!({
            "game_id": events[0].game(), "level_id": events[0].text("parameters", "level_id"), "map_id": events[0].text("parameters", "map_id"),
            "events": events.len(), "active_players": distinct("player_id"), "sessions": sessions,
            "moves": of("move"), "interactions": of("interaction"), "level_completes": of("level_complete"),
            "completing_sessions": completing.len(),
            "completion_rate": (completing.len() as f64 / sessions as f64 * 1e4).round_ties_even() / 1e4,
        })
    })
}

/// The rows of `purchase-summaries`; the generator's amounts have the currency's digits exactly.
pub(crate) fn purchase_summaries(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let currency = events[0].text("parameters", "currency");
        let digits = match currency.as_str() {
            "JPY" => 0,
            "BHD" => 3,
            _ => 2,
        };
        let mut seen = BTreeSet::new();
        let (mut purchases, mut refunds, mut gross, mut refunded) = (0, 0, 0, 0);
        let mut buyers = BTreeSet::new();
        let mut latest = BTreeSet::new();
        for event in events {
            latest.insert((event.time_ms, event.text("parameters", "item_type")));
            if !seen.insert(event.json.to_string()) {
                continue;
            }
            let minor = (event.number("amount") * 10_f64.powi(digits)).round() as i64;
            if event.text("parameters", "transaction_type") == "purchase" {
                (purchases, gross) = (purchases + 1, gross + minor);
                buyers.insert(event.text("user_data", "user_id"));
            } else {
                (refunds, refunded) = (refunds + 1, refunded + minor);
            }
        }
        let money = |minor: i64| match digits {
            0 => minor.to_string(),
            _ => format!(
                "{}{}.{:0width$}",
                if minor < 0 { "-" } else { "" },
                minor.abs() / 10_i64.pow(digits as u32),
                minor.abs() % 10_i64.pow(digits as u32),
                width = digits as usize
            ),
        };
        json!({
            "game_id": events[0].game(), "item_id": events[0].text("parameters", "item_id"), "currency": currency,
            "item_type": latest.last().unwrap().1, "purchases": purchases, "refunds": refunds,
            "gross": money(gross), "refunded": money(refunded), "net": money(gross - refunded), "buyers": buyers.len(),
        })
    })
}

/// The rows of `server-health`, quantiles exact.
pub(crate) fn server_health(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let readings = |field: &str| {
            events
                .iter()
                .map(|event| event.number(field))
                .collect::<Vec<_>>()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let max = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let (cpu, memory, mut latency) = (
            readings("cpu_load"),
            readings("memory_usage"),
            readings("latency"),
        );
        latency.sort_by(f64::total_cmp);
        let quantile = |q: f64| latency[(q * (latency.len() - 1) as f64) as usize];
        let p95 = quantile(0.95);
        let exceeds = |percent: f64, latency_ms: f64| {
            mean(&cpu) > percent || mean(&memory) > percent || p95 > latency_ms
        };
        let status = if exceeds(90.0, 250.0) {
            "critical"
        } else if exceeds(80.0, 100.0) {
            "degraded"
        } else {
            "healthy"
        };
        let latest = events
            .iter()
            .map(|event| {
                (
                    event.time_ms,
                    event.text("server_data", "region"),
                    event.text("server_data", "server_type"),
                )
            })
            .max()
            .unwrap();
        let mut row = json!({
            "server_id": events[0].text("parameters", "server_id"), "region": latest.1, "server_type": latest.2, "samples": events.len(),
            "cpu_load": {"mean": mean(&cpu), "max": max(&cpu)}, "memory_usage": {"mean": mean(&memory), "max": max(&memory)},
            "latency_ms": {"mean": mean(&latency), "p50": quantile(0.5), "p95": p95, "p99": quantile(0.99), "max": max(&latency)},
        });
        // So close to a threshold the sketch may fall on its other side.
        if [100.0, 250.0]
            .iter()
            .all(|limit: &f64| (p95 - limit).abs() > limit * 0.011)
        {
            row["status"] = json!(status);
        }
        row
    })
}

fn rows(accepted: &Accepted, measures: impl Fn(&[Event]) -> Value) -> Rows {
    accepted
        .0
        .iter()
        .map(|((window, key), events)| {
            let Value::Object(mut row) = measures(events) else {
                panic!("measures are an object")
            };
            row.insert("window_start".to_owned(), timestamp(*window));
            row.insert("window_end".to_owned(), timestamp(window + WINDOW_MS));
            row.insert("revision".to_owned(), json!(0));
            ((*window, key.clone()), Value::Object(row))
        })
        .collect()
}

fn timestamp(ms: i64) -> Value {
    json!(
        jiff::Timestamp::from_millisecond(ms)
            .unwrap()
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string()
    )
}

/// Derived records by window and key; panics where one stands twice.
pub(crate) fn by_identity(records: &[client::Record]) -> Rows {
    let mut rows = Rows::new();
    for record in records {
        let row: Value = serde_json::from_slice(&record.value).unwrap();
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let key = String::from_utf8(record.key.as_ref().unwrap().to_vec()).unwrap();
        let twice = rows.insert((start.as_millisecond(), key), row);
        assert_eq!(twice, None, "a row stands twice in its topic");
    }
    rows
}

/// Compares found with expected rows: all the same, but for fields that `tolerance` allows to be
/// off by a share of the expected value.
pub(crate) fn assert_rows_equal(found: &Rows, expected: &Rows, tolerance: fn(&str) -> f64) {
    let missing: Vec<_> = expected
        .keys()
        .filter(|key| !found.contains_key(*key))
        .collect();
    let surplus: Vec<_> = found
        .keys()
        .filter(|key| !expected.contains_key(*key))
        .collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing: {missing:?}, surplus: {surplus:?}"
    );
    for (key, expected) in expected {
        compare(&found[key], expected, "", tolerance)
            .unwrap_or_else(|difference| panic!("{key:?}: {difference}"));
    }
}

fn compare(
    found: &Value,
    expected: &Value,
    path: &str,
    tolerance: fn(&str) -> f64,
) -> Result<(), String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            compare_fields(found, expected, path, tolerance)
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let close = (a - b).abs() <= b.abs() * tolerance(path);
            close.then_some(()).ok_or(format!("{path} is {a}, not {b}"))
        }
        _ => (found == expected)
            .then_some(())
            .ok_or(format!("{path} is {found}, not {expected}")),
    }
}

fn compare_fields(
    found: &Map<String, Value>,
    expected: &Map<String, Value>,
    path: &str,
    tolerance: fn(&str) -> f64,
) -> Result<(), String> {
    for (name, value) in expected {
        let path = format!("{path}/{name}");
        let found = found.get(name).ok_or(format!("{path} is missing"))?;
        compare(found, value, &path, tolerance)?;
    }
    Ok(())
}
