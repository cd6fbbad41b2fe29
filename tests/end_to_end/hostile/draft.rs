//! An event before it is serialized. Its fields are raw JSON, so that a field can have any text, valid or not.

use super::dice::Dice;
use super::source::{Field, Source};

/// A placeholder for the event time. The time replaces the placeholder after a record has been mutated.
pub(super) const NO_TIME: &str = "2001-02-03T04:05:06.789Z";

/// The number of senders of each kind. It is small, so that each window has events of several senders.
const PLAYERS: usize = 150;
const USERS: usize = 60;
const SERVERS: usize = 12;

/// An event in raw JSON: its fields, each with its section, name and value, and further members of the root object.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) fields: Vec<(&'static str, &'static str, String)>,
    pub(super) more: Vec<String>,
    /// The sender, which determines the record key.
    pub(super) sender: String,
}

impl Draft {
    /// Creates a valid event of one of this source's senders, whose ids begin with `prefix`.
    pub(super) fn new(source: Source, prefix: &str, time_ms: i64, dice: &mut Dice) -> Self {
        let people = [PLAYERS, USERS, SERVERS][source as usize];
        let sender = format!("{prefix}-{}", dice.below(people));
        let field = |(section, name, field): &(_, &'static str, _)| {
            let raw = value(source, name, *field, &sender, time_ms, dice)?;
            Some((*section, *name, raw))
        };
        Self {
            fields: source.fields().iter().filter_map(field).collect(),
            more: Vec::new(),
            sender,
        }
    }

    /// Sets a field to a raw JSON value.
    pub(super) fn set(&mut self, name: &str, raw: impl Into<String>) {
        let raw = raw.into();
        let field = self.fields.iter_mut().find(|field| field.1 == name);
        field.unwrap_or_else(|| panic!("no field `{name}`")).2 = raw;
    }

    /// Serializes the record, with the given white space between its tokens.
    pub(super) fn text(&self, space: &str) -> String {
        let in_section = |section: &str| {
            let fields = self.fields.iter().filter(|field| field.0 == section);
            fields
                .map(|(_, name, raw)| format!("\"{name}\":{space}{raw}"))
                .collect::<Vec<_>>()
        };
        let mut members = in_section("");
        for section in ["parameters", "user_data", "server_data"] {
            let fields = in_section(section);
            if !fields.is_empty() {
                let fields = fields.join(&format!(",{space}"));
                members.push(format!("\"{section}\":{space}{{{fields}}}"));
            }
        }
        members.extend(self.more.iter().cloned());
        format!("{{{space}{}{space}}}", members.join(&format!(",{space}")))
    }
}

fn value(
    source: Source,
    name: &str,
    field: Field,
    sender: &str,
    time_ms: i64,
    dice: &mut Dice,
) -> Option<String> {
    let text = match (field, name) {
        (Field::Game, _) => {
            let game = dice.pick(&[None, None, Some("arena"), Some("duel")]);
            return game.map(|game| format!("\"{game}\""));
        }
        (Field::Amount, _) => return Some(format!("{}.{:02}", dice.below(200), dice.below(100))),
        (Field::Percent | Field::Latency, _) => {
            return Some(format!("{}.{}", dice.below(70), dice.below(10)));
        }
        (Field::Time, _) => time(time_ms),
        (Field::Type, _) => (*dice.pick(&["purchase", "purchase", "refund"])).to_owned(),
        (_, "event_name") => source.event_name().to_owned(),
        (_, "player_id" | "user_id" | "server_id") => sender.to_owned(),
        (_, "session_id") => format!("{sender} {}", time_ms / 300_000),
        (_, "event_type") => {
            let types = ["move", "move", "interaction", "level_complete", "logout"];
            (*dice.pick(&types)).to_owned()
        }
        (_, "transaction_id") => format!("t{}", dice.below(1 << 40)),
        (_, "currency") => (*dice.pick(&["USD", "EUR", "JPY"])).to_owned(),
        (_, "platform") => (*dice.pick(&["PC", "Console", "Mobile"])).to_owned(),
        (_, "region") => (*dice.pick(&["eu", "us"])).to_owned(),
        _ => format!("{name} {}", dice.below(5)),
    };
    Some(format!("\"{text}\""))
}

pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}
