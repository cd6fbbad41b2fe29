//! Decides which source records must be accepted, and assigns their events to windows and keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::money::minor_units;

/// An event from a source record that must be accepted.
pub(super) struct Event {
    pub(super) json: Value,
    pub(super) time_ms: i64,
}

impl Event {
    pub(super) fn text(&self, section: &str, field: &str) -> String {
        self.json[section][field].as_str().unwrap().to_owned()
    }

    pub(super) fn game(&self) -> String {
        self.json["parameters"]["game_id"]
            .as_str()
            .unwrap_or("default")
            .to_owned()
    }

    pub(super) fn number(&self, field: &str) -> f64 {
        self.json["parameters"][field].as_f64().unwrap()
    }

    /// Returns a transaction's amount in minor units of its currency.
    pub(super) fn minor(&self) -> i64 {
        minor_units(&self.json).expect("accepted")
    }

    /// Returns all fields in which two transactions must agree to count as one.
    pub(super) fn content(&self) -> String {
        let texts = PURCHASE_TEXTS.map(|field| self.text("parameters", field));
        let user = USER_TEXTS.map(|field| self.text("user_data", field));
        format!(
            "{:?}",
            (self.game(), texts, self.minor(), self.time_ms, user)
        )
    }

    pub(super) fn is(&self, event_type: &str) -> bool {
        self.json["parameters"]["event_type"] == event_type
    }
}

/// The text fields that a transaction must have in `parameters` and `user_data`, in addition to its amount.
const PURCHASE_TEXTS: [&str; 5] = [
    "transaction_id",
    "transaction_type",
    "currency",
    "item_id",
    "item_type",
];
const USER_TEXTS: [&str; 2] = ["user_id", "platform"];

/// The events that must be accepted, by window start and key.
#[derive(Default)]
pub(crate) struct Accepted {
    pub(super) windows: BTreeMap<(i64, String), Vec<Event>>,
    pub(super) window_ms: i64,
}

impl Accepted {
    /// Returns the number of accepted transactions that repeat another one of their window and key.
    pub(crate) fn duplicates(&self) -> u64 {
        let repeated = |events: &Vec<Event>| {
            let distinct: BTreeSet<_> = events.iter().map(Event::content).collect();
            (events.len() - distinct.len()) as u64
        };
        self.windows.values().map(repeated).sum()
    }

    pub(crate) fn count(&self) -> u64 {
        self.windows
            .values()
            .map(|events| events.len() as u64)
            .sum()
    }
}

/// Assigns the accepted events to windows of this length, under the key that `key` returns.
fn accept(
    records: &[client::Record],
    required: &[(&str, &str, bool)],
    window_ms: i64,
    key: impl Fn(&Event) -> Vec<String>,
) -> Accepted {
    let mut windows: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for event in records
        .iter()
        .filter_map(|record| accepted(record, required))
    {
        let window = event.time_ms.div_euclid(window_ms) * window_ms;
        windows
            .entry((window, record_key(&key(&event))))
            .or_default()
            .push(event);
    }
    Accepted { windows, window_ms }
}

/// Joins the fields of a key.
pub(super) fn record_key(fields: &[impl AsRef<str>]) -> String {
    let encode = |field: &str| field.replace('%', "%25").replace('|', "%7C");
    let fields: Vec<String> = fields.iter().map(|field| encode(field.as_ref())).collect();
    fields.join("|")
}

/// Returns the event of a record, or `None` if the record must be rejected. Each entry of `required` contains a
/// section, a field in it, and whether the field is a number.
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
    let is_affordable = parameters["amount"].is_null() || minor_units(json).is_some();
    type_known
        && is_affordable
        && within("cpu_load", 100.0)
        && within("memory_usage", 100.0)
        && within("latency", 86_400_000.0)
}

/// Assigns player events to levels and maps.
pub(crate) fn player_events(records: &[client::Record]) -> Accepted {
    accept(records, &player_fields(), 10_000, |event| {
        vec![
            event.game(),
            event.text("parameters", "level_id"),
            event.text("parameters", "map_id"),
        ]
    })
}

/// Assigns player events to games.
pub(crate) fn player_events_by_game(records: &[client::Record]) -> Accepted {
    accept(records, &player_fields(), 10_000, |event| {
        vec![event.game()]
    })
}

/// Assigns player events to players, in windows of 5 s.
pub(crate) fn player_events_by_player(records: &[client::Record]) -> Accepted {
    accept(records, &player_fields(), 5_000, |event| {
        vec![event.game(), event.text("parameters", "player_id")]
    })
}

/// Returns the accepted player events, in the order of their records.
pub(super) fn player_events_one_by_one(records: &[client::Record]) -> Vec<Event> {
    one_by_one(records, &player_fields())
}

/// Returns the accepted purchase events, in the order of their records.
pub(super) fn purchase_events_one_by_one(records: &[client::Record]) -> Vec<Event> {
    one_by_one(records, &purchase_fields())
}

/// Returns the accepted server metrics, in the order of their records.
pub(super) fn server_metrics_one_by_one(records: &[client::Record]) -> Vec<Event> {
    one_by_one(records, &server_fields())
}

fn one_by_one(records: &[client::Record], required: &[(&str, &str, bool)]) -> Vec<Event> {
    let accept = |record| accepted(record, required);
    records.iter().filter_map(accept).collect()
}

/// Returns the event time of a record of this source topic; `None` if the record must be rejected.
pub(crate) fn time_ms(record: &client::Record, topic: &str) -> Option<i64> {
    let required = match topic {
        "player-events" => player_fields(),
        "purchase-events" => purchase_fields(),
        _ => server_fields(),
    };
    accepted(record, &required).map(|event| event.time_ms)
}

fn player_fields() -> Vec<(&'static str, &'static str, bool)> {
    let parameters = [
        "player_id",
        "session_id",
        "event_type",
        "level_id",
        "map_id",
    ]
    .map(|field| ("parameters", field, false));
    let user = ["user_id", "platform"].map(|field| ("user_data", field, false));
    [&parameters[..], &user].concat()
}

/// Assigns purchase events to items and currencies.
pub(crate) fn purchase_events(records: &[client::Record]) -> Accepted {
    accept(records, &purchase_fields(), 10_000, |event| {
        vec![
            event.game(),
            event.text("parameters", "item_id"),
            event.text("parameters", "currency"),
        ]
    })
}

/// Assigns purchase events to currencies, in windows of a minute.
pub(crate) fn purchase_events_by_currency(records: &[client::Record]) -> Accepted {
    accept(records, &purchase_fields(), 60_000, |event| {
        vec![event.game(), event.text("parameters", "currency")]
    })
}

fn purchase_fields() -> Vec<(&'static str, &'static str, bool)> {
    let texts = PURCHASE_TEXTS.map(|field| ("parameters", field, false));
    let user = USER_TEXTS.map(|field| ("user_data", field, false));
    [&texts[..], &[("parameters", "amount", true)], &user].concat()
}

/// Assigns server metrics to servers.
pub(crate) fn server_metrics(records: &[client::Record]) -> Accepted {
    accept(records, &server_fields(), 10_000, |event| {
        vec![event.text("parameters", "server_id")]
    })
}

fn server_fields() -> Vec<(&'static str, &'static str, bool)> {
    let numbers = ["cpu_load", "memory_usage", "latency"].map(|field| ("parameters", field, true));
    let texts = [
        ("parameters", "server_id", false),
        ("server_data", "region", false),
        ("server_data", "server_type", false),
    ];
    [&numbers[..], &texts].concat()
}
