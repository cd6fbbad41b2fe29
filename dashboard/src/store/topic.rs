//! The topics that are shown, and how far each has been read.

use model::Timestamp;

use crate::limits::{RECORDS_JOINED, ROWS_JOINED, ROWS_MAX, ROWS_SERVERS, ROWS_SESSIONS};
use crate::views::View;

/// A topic that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    ActivePlayers,
    FraudAlerts,
    LevelEngagement,
    PlayerSessionSummaries,
    PurchaseSummaries,
    Revenue,
    ServerAlerts,
    ServerHealth,
    StuckPlayers,
    Accounting,
    RejectedEvents,
    LateEvents,
}

impl Topic {
    /// In the order of their declaration.
    pub(crate) const ALL: [Self; 12] = [
        Self::ActivePlayers,
        Self::FraudAlerts,
        Self::LevelEngagement,
        Self::PlayerSessionSummaries,
        Self::PurchaseSummaries,
        Self::Revenue,
        Self::ServerAlerts,
        Self::ServerHealth,
        Self::StuckPlayers,
        Self::Accounting,
        Self::RejectedEvents,
        Self::LateEvents,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ActivePlayers => "active-players",
            Self::FraudAlerts => "fraud-alerts",
            Self::LevelEngagement => "level-engagement",
            Self::PlayerSessionSummaries => "player-session-summaries",
            Self::PurchaseSummaries => "purchase-summaries",
            Self::Revenue => "revenue",
            Self::ServerAlerts => "server-alerts",
            Self::ServerHealth => "server-health",
            Self::StuckPlayers => "stuck-players",
            Self::Accounting => "accounting",
            Self::RejectedEvents => "rejected-events",
            Self::LateEvents => "late-events",
        }
    }

    /// Whether each of its windows has rows as long as anything happens.
    pub(crate) fn has_windows(self) -> bool {
        matches!(
            self,
            Self::ActivePlayers
                | Self::LevelEngagement
                | Self::PurchaseSummaries
                | Self::Revenue
                | Self::ServerHealth
        )
    }

    /// How many of its rows are kept.
    pub(crate) fn rows_max(self) -> usize {
        match self {
            Self::LevelEngagement | Self::PurchaseSummaries => ROWS_JOINED,
            Self::ServerHealth => ROWS_SERVERS,
            Self::PlayerSessionSummaries => ROWS_SESSIONS,
            _ => ROWS_MAX,
        }
    }

    /// How many of a partition's latest records are read at the start.
    pub(crate) fn records_max(self) -> usize {
        match self {
            Self::LevelEngagement | Self::PurchaseSummaries => RECORDS_JOINED,
            _ => self.rows_max(),
        }
    }

    /// The views that change with it. Accounts move the clock on where no alert does.
    pub(crate) fn feeds(self) -> &'static [View] {
        match self {
            Self::ActivePlayers => &[View::Overview, View::Engagement],
            Self::FraudAlerts => &[View::Overview, View::Fraud],
            Self::LevelEngagement => &[View::Engagement],
            Self::PlayerSessionSummaries => &[View::Sessions],
            Self::PurchaseSummaries => &[View::Purchases],
            Self::Revenue => &[View::Overview, View::Purchases],
            Self::ServerAlerts | Self::ServerHealth => &[View::Overview, View::Servers],
            Self::StuckPlayers => &[View::Overview, View::Engagement],
            Self::Accounting => &[View::Quality, View::Fraud, View::Sessions, View::Purchases],
            Self::RejectedEvents | Self::LateEvents => &[View::Quality],
        }
    }
}

/// How far a topic has been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicState {
    pub(crate) records: u64,
    /// Records that could not be understood or kept.
    pub(crate) unshown: u64,
    pub(crate) window_end: Option<Timestamp>,
    /// How long its windows are.
    pub(crate) window_ms: i64,
    /// When its latest record was written.
    pub(crate) arrived_ms: Option<i64>,
    /// Whether all that was there at the start has been read.
    pub(crate) filled: bool,
    /// Why it cannot be read now.
    pub(crate) trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_stand_in_the_order_of_their_numbers() {
        for (number, topic) in Topic::ALL.into_iter().enumerate() {
            assert_eq!(topic as usize, number);
            assert!(!topic.feeds().is_empty());
        }
    }
}
