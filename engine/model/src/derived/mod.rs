//! The records of the derived topics as clients read them. Each record is one JSON object.

mod active_players;
mod fraud_alerts;
mod level_engagement;
mod player_activity;
mod player_session_summaries;
mod purchase_summaries;
mod revenue;
mod server_alerts;
mod server_health;
mod stuck_players;

pub use active_players::ActivePlayers;
pub use fraud_alerts::{Conflict, Evidence, FraudAlerts, FraudRule, Severity, Statement};
pub use level_engagement::LevelEngagement;
pub use player_activity::PlayerActivity;
pub use player_session_summaries::PlayerSessionSummaries;
pub use purchase_summaries::PurchaseSummaries;
pub use revenue::Revenue;
pub use server_alerts::{ServerAlerts, ServerCondition};
pub use server_health::{LatencyMs, Load, ServerHealth, ServerStatus};
pub use stuck_players::StuckPlayers;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::window::Window;

/// A derived record: its window, its key fields and measures, and its revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derived<T> {
    /// The first instant of the window.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// Key fields and measures.
    #[serde(flatten)]
    pub measures: T,
    /// The number of the revision: 0 for the first, one more for each correction.
    pub revision: u32,
    /// Whether this revision withdraws the record: late events have merged its session into an earlier one or moved the
    /// session's start, the query's `HAVING` no longer keeps the record, or the window has fewer rows than this rank.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// Whether the window was over when the record was written; `None` if the derivation has no early results.
    #[serde(default, rename = "final", skip_serializing_if = "Option::is_none")]
    pub is_final: Option<bool>,
}

impl<T> Derived<T> {
    /// Creates the record of `window`.
    pub fn new(window: Window, measures: T, revision: u32) -> Self {
        Self {
            window_start: window.start,
            window_end: window.end,
            measures,
            revision,
            withdrawn: false,
            is_final: None,
        }
    }
}
