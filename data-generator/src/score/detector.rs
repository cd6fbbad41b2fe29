//! What raises alerts: a rule of `fraud-alerts`, `stuck-players`, a condition of `server-alerts`, or the comparison of
//! levels.

use std::fmt;

use model::derived::{FraudRule, ServerCondition};
use serde::Deserialize;

use crate::incidents::Subject;

/// A source of alerts that is scored by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "each is named after its rule, topic or condition"
)]
pub enum Detector {
    Velocity,
    AmountSpike,
    CardTesting,
    RefundAbuse,
    MultiCurrency,
    MultiPlatform,
    TransactionConflict,
    StuckPlayers,
    StuckLevels,
    ServerCpu,
    ServerMemory,
    ServerLatency,
    ServerSilent,
}

impl Detector {
    /// All detectors, in the order of a report.
    pub const ALL: [Self; 13] = [
        Self::Velocity,
        Self::AmountSpike,
        Self::CardTesting,
        Self::RefundAbuse,
        Self::MultiCurrency,
        Self::MultiPlatform,
        Self::TransactionConflict,
        Self::StuckPlayers,
        Self::StuckLevels,
        Self::ServerCpu,
        Self::ServerMemory,
        Self::ServerLatency,
        Self::ServerSilent,
    ];

    /// Returns the detector that must find an incident, or that raised an alert, about this subject.
    pub fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Fraud { rule, .. } => match rule {
                FraudRule::Velocity => Self::Velocity,
                FraudRule::AmountSpike => Self::AmountSpike,
                FraudRule::CardTesting => Self::CardTesting,
                FraudRule::RefundAbuse => Self::RefundAbuse,
                FraudRule::MultiCurrency => Self::MultiCurrency,
                FraudRule::MultiPlatform => Self::MultiPlatform,
                FraudRule::TransactionConflict => Self::TransactionConflict,
            },
            Subject::StuckPlayer { .. } => Self::StuckPlayers,
            Subject::StuckLevel { .. } => Self::StuckLevels,
            Subject::Server { rule, .. } => match rule {
                ServerCondition::Cpu => Self::ServerCpu,
                ServerCondition::Memory => Self::ServerMemory,
                ServerCondition::Latency => Self::ServerLatency,
                ServerCondition::Silent => Self::ServerSilent,
            },
        }
    }

    /// Returns the name in reports and in files of floors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Velocity => "velocity",
            Self::AmountSpike => "amount-spike",
            Self::CardTesting => "card-testing",
            Self::RefundAbuse => "refund-abuse",
            Self::MultiCurrency => "multi-currency",
            Self::MultiPlatform => "multi-platform",
            Self::TransactionConflict => "transaction-conflict",
            Self::StuckPlayers => "stuck-players",
            Self::StuckLevels => "stuck-levels",
            Self::ServerCpu => "server-cpu",
            Self::ServerMemory => "server-memory",
            Self::ServerLatency => "server-latency",
            Self::ServerSilent => "server-silent",
        }
    }
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
