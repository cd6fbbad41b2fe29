//! The alerts of the derived topics, each in its last state.

use std::collections::BTreeMap;

use model::derived::{Derived, FraudAlerts, ServerAlerts, StuckPlayers};
use model::time::Timestamp;

use crate::incidents::Subject;

/// A derived topic with alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertTopic {
    /// `fraud-alerts`
    Fraud,
    /// `stuck-players`
    StuckPlayers,
    /// `server-alerts`
    Servers,
}

impl AlertTopic {
    /// All topics with alerts.
    pub const ALL: [Self; 3] = [Self::Fraud, Self::StuckPlayers, Self::Servers];

    /// Returns the topic's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fraud => "fraud-alerts",
            Self::StuckPlayers => "stuck-players",
            Self::Servers => "server-alerts",
        }
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub subject: Subject,
    /// The first instant of its window.
    pub start: Timestamp,
    /// The first instant after its window.
    pub end: Timestamp,
    /// The event time at which it was raised, in its first revision: that of the event which raised it or, for a
    /// server, the time at which it opened.
    pub raised: Timestamp,
}

/// A place in a topic, and the first instant of the window. One key can have several alerts.
type Id = (AlertTopic, Vec<u8>, Timestamp);

/// The last state of each alert. Records are added in the order of their partition.
#[derive(Debug, Default)]
pub struct Alerts(BTreeMap<Id, Alert>);

impl Alerts {
    /// Adds a record. It replaces an earlier revision; a withdrawn revision removes the alert, and a record without a
    /// value removes all alerts of its key.
    pub fn add(&mut self, topic: AlertTopic, key: &[u8], value: &[u8]) -> serde_json::Result<()> {
        if value.is_empty() {
            self.0
                .retain(|id, _| (id.0, id.1.as_slice()) != (topic, key));
            return Ok(());
        }
        let (mut alert, is_withdrawn) = match topic {
            AlertTopic::Fraud => alert(serde_json::from_slice(value)?, fraud),
            AlertTopic::StuckPlayers => alert(serde_json::from_slice(value)?, stuck),
            AlertTopic::Servers => alert(serde_json::from_slice(value)?, server),
        };
        let id = (topic, key.to_vec(), alert.start);
        if is_withdrawn {
            self.0.remove(&id);
            return Ok(());
        }
        if let Some(before) = self.0.get(&id) {
            alert.raised = before.raised;
        }
        self.0.insert(id, alert);
        Ok(())
    }

    /// Returns the alerts.
    pub fn into_vec(self) -> Vec<Alert> {
        self.0.into_values().collect()
    }
}

fn alert<T>(row: Derived<T>, of: fn(T, Timestamp) -> (Subject, Timestamp)) -> (Alert, bool) {
    let last_event = row.window_end.plus_ms(-1);
    let (subject, raised) = of(row.measures, last_event);
    let alert = Alert {
        subject,
        start: row.window_start,
        end: row.window_end,
        raised,
    };
    (alert, row.withdrawn)
}

fn fraud(row: FraudAlerts, last_event: Timestamp) -> (Subject, Timestamp) {
    let subject = Subject::Fraud {
        rule: row.rule,
        game_id: row.game_id,
        user_id: row.user_id,
        transaction_ids: row.transaction_ids,
    };
    (subject, last_event)
}

fn stuck(row: StuckPlayers, last_event: Timestamp) -> (Subject, Timestamp) {
    let subject = Subject::StuckPlayer {
        game_id: row.game_id,
        player_id: row.player_id,
        session_id: row.session_id,
        level_id: row.level_id,
        map_id: row.map_id,
    };
    (subject, last_event)
}

fn server(row: ServerAlerts, _: Timestamp) -> (Subject, Timestamp) {
    let subject = Subject::Server {
        rule: row.condition,
        server_id: row.server_id,
    };
    (subject, row.opened_at)
}
