//! The canonical form of an event: events with the same meaning are written in the same way.

use model::event::limits::RECORD_BYTES_MAX;
use model::event::{AnyEvent, EventReader, READING_DIGITS, READING_UNIT};
use model::json::without_byte_order_mark;
use model::{ParamError, Params, Timestamp, money};

use crate::fields::Fields;

/// By section, the ids that some senders write as numbers.
const IDS: [(&str, &[&str]); 2] = [
    (
        "parameters",
        &[
            "game_id",
            "item_id",
            "level_id",
            "map_id",
            "player_id",
            "server_id",
            "session_id",
            "transaction_id",
        ],
    ),
    ("user_data", &["user_id"]),
];

/// Writes events in their canonical form.
#[derive(Clone, Debug, Default)]
pub struct NormalizeEvents {
    reader: EventReader,
}

impl NormalizeEvents {
    /// Creates the normalization from its parameters. `kind` is the only parameter.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        EventReader::from_params(params).map(|reader| Self { reader })
    }

    /// Returns the canonical form of a record's value. Returns `None` if the value is not a valid event of the
    /// requested kind even after repairs, or if the canonical form would exceed the size limit of an event.
    pub fn normalized(&mut self, record: &[u8]) -> Option<String> {
        if record.len() > RECORD_BYTES_MAX {
            return None;
        }
        let mut fields = Fields::read(without_byte_order_mark(record))?;
        if let Some(event) = self.reader.read(record) {
            restate(&mut fields, &event);
        } else {
            repair(&mut fields);
            let repaired = fields.to_string();
            restate(&mut fields, &self.reader.read(repaired.as_bytes())?);
        }
        let text = fields.to_string();
        (text.len() <= RECORD_BYTES_MAX).then_some(text)
    }
}

/// Converts ids that are integers into strings, and an amount that is a numeric string into a number.
fn repair(fields: &mut Fields<'_>) {
    for (section, names) in IDS {
        for name in names {
            if let Some(integer) = fields.integer(section, name).map(str::to_owned) {
                fields.set_text(Some(section), name, &integer);
            }
        }
    }
    if let Some(number) = fields.quoted_number("parameters", "amount") {
        fields.set_number("parameters", "amount", number);
    }
}

/// Overwrites the fields that senders can spell in several ways (time, game and numbers) with the parsed values.
fn restate(fields: &mut Fields<'_>, event: &AnyEvent<'_>) {
    match event {
        AnyEvent::Player(event) => {
            set_time(fields, event.time);
            fields.set_text(Some("parameters"), "game_id", &event.game_id);
        }
        AnyEvent::Purchase(event) => {
            set_time(fields, event.time);
            fields.set_text(Some("parameters"), "game_id", &event.game_id);
            let amount = money::format(event.amount_minor.into(), &event.currency);
            fields.set_number("parameters", "amount", amount);
        }
        AnyEvent::Server(event) => {
            set_time(fields, event.time);
            for (name, reading) in [
                ("cpu_load", event.cpu_load),
                ("memory_usage", event.memory_usage),
                ("latency", event.latency_ms),
            ] {
                fields.set_number("parameters", name, shortest(reading));
            }
        }
    }
}

fn set_time(fields: &mut Fields<'_>, time: Timestamp) {
    fields.set_text(None, "event_timestamp", &time.to_string());
}

/// Formats a reading without trailing zeros: `78`, `65.5`.
fn shortest(reading: i64) -> String {
    let (whole, rest) = (reading / READING_UNIT, reading % READING_UNIT);
    let digits = format!("{whole}.{rest:0width$}", width = READING_DIGITS as usize);
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}
