//! The records of derived topics, as any client reads them: one JSON object each.

mod active_players;
mod fraud_alert;
mod level_engagement;
mod player_activity;
mod player_session_summary;
mod purchase_summaries;
mod revenue;
mod server_alert;
mod server_health;
mod stuck_player;

pub use active_players::ActivePlayers;
pub use fraud_alert::{Conflict, Evidence, FraudAlert, FraudRule, Severity, Statement};
pub use level_engagement::LevelEngagement;
pub use player_activity::PlayerActivity;
pub use player_session_summary::PlayerSessionSummary;
pub use purchase_summaries::PurchaseSummary;
pub use revenue::Revenue;
pub use server_alert::{ServerAlert, ServerCondition};
pub use server_health::{LatencyMs, Load, ServerHealth, ServerStatus};
pub use stuck_player::StuckPlayer;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::window::Window;

/// A derived record: its window, the key fields and measures, and its revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derived<T> {
    /// The first instant of the window.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// Key fields and measures.
    #[serde(flatten)]
    pub measures: T,
    /// 0 for the first emission, one more for each correction.
    pub revision: u32,
    /// Whether this takes back what was said before: late events have made it part of another
    /// record, as sessions that turn out to be one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl<T> Derived<T> {
    /// The record of `window`.
    pub fn new(window: Window, measures: T, revision: u32) -> Self {
        Self {
            window_start: window.start,
            window_end: window.end,
            measures,
            revision,
            withdrawn: false,
        }
    }
}
