//! The ground truth about one incident, as it is written to the truth file.

use model::derived::{FraudRule, ServerCondition};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A planted incident. In JSON, it is one object whose `kind` is `fraud`, `stuck-player`,
/// `stuck-level` or `server`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What the derivations must find, and by which rule.
    #[serde(flatten)]
    pub subject: Subject,
    /// The time of the incident's first event. For a silent server, the time of the last report before the
    /// silence.
    pub start: Timestamp,
    /// The time of the incident's last event. For a silent server, the time of the first report after the
    /// silence.
    pub end: Timestamp,
    /// The event time at which the evidence is complete: from then on, the incident breaks its rule. The delay of an
    /// alert is measured from here. For an incident that is not complete, it can be after the world's last event;
    /// `None` if it is not known.
    #[serde(deserialize_with = "Option::deserialize")]
    pub detectable: Option<Timestamp>,
    /// False if the world ended before the incident did. An alert about such an incident is then correct, but
    /// not required.
    pub complete: bool,
}

/// What an incident is about: a user's transactions, a stuck player, a level or a failing server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// A user's transactions, which break one rule.
    Fraud {
        /// The only rule that these transactions break.
        rule: FraudRule,
        /// The game; `default` if the events have no `game_id`.
        game_id: String,
        /// The user.
        user_id: String,
        /// All planted transactions, each id once, in the order of event time.
        transaction_ids: Vec<String>,
    },
    /// A stuck player.
    StuckPlayer {
        /// The game; `default` if the events have no `game_id`.
        game_id: String,
        /// The player.
        player_id: String,
        /// The player's session.
        session_id: String,
        /// The level.
        level_id: String,
        /// The map within the level.
        map_id: String,
    },
    /// A level on which far more attempts fail than on the levels around it.
    StuckLevel {
        /// The game, as in `game-events`.
        game_id: String,
        /// The map.
        map_id: String,
        /// The level.
        level_id: String,
    },
    /// A failing server.
    Server {
        /// The fault condition.
        rule: ServerCondition,
        /// The server.
        server_id: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_one_flat_object() {
        let incident = Incident {
            subject: Subject::Fraud {
                rule: FraudRule::CardTesting,
                game_id: "default".into(),
                user_id: "player_1".into(),
                transaction_ids: vec!["trans_1".into()],
            },
            start: Timestamp::from_millis(1_731_406_530_000),
            end: Timestamp::from_millis(1_731_406_590_500),
            detectable: Some(Timestamp::from_millis(1_731_406_590_000)),
            complete: true,
        };
        let text = serde_json::to_string(&incident).expect("JSON");
        assert_eq!(
            text,
            concat!(
                r#"{"kind":"fraud","rule":"card-testing","game_id":"default","user_id":"player_1","#,
                r#""transaction_ids":["trans_1"],"start":"2024-11-12T10:15:30.000Z","#,
                r#""end":"2024-11-12T10:16:30.500Z","detectable":"2024-11-12T10:16:30.000Z","complete":true}"#
            )
        );
        let read: Incident = serde_json::from_str(&text).expect("an incident");
        assert_eq!(read, incident);
        let without = text.replace(r#""detectable":"2024-11-12T10:16:30.000Z","#, "");
        let error = serde_json::from_str::<Incident>(&without).expect_err("a field is missing");
        assert!(error.to_string().contains("`detectable`"), "{error}");
    }

    #[test]
    fn kinds_and_rules_have_the_names_of_their_topics() {
        let server = Subject::Server {
            rule: ServerCondition::Silent,
            server_id: "server_1".into(),
        };
        let text = serde_json::to_string(&server).expect("JSON");
        assert_eq!(
            text,
            r#"{"kind":"server","rule":"silent","server_id":"server_1"}"#
        );
    }
}
