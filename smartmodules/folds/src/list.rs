//! The list of all derivations. The SmartModule, the runner, the tests and the benchmarks share it.

#[doc(hidden)]
pub mod crates {
    pub use active_players;
    pub use fraud_alerts;
    pub use level_engagement;
    pub use player_activity;
    pub use player_session_summaries;
    pub use purchase_summaries;
    pub use revenue;
    pub use server_alerts;
    pub use server_health;
    pub use stuck_players;
}

/// Passes all derivations to the macro `$then`, by source topic. The word before a derivation is the name of the
/// function that registers it, an associated function of the runner's `Registration`.
#[macro_export]
macro_rules! with_derivations {
    ($then:ident) => {
        $then! {
            PlayerEvents {
                windows $crate::crates::active_players::ActivePlayersDerivation,
                windows $crate::crates::level_engagement::LevelEngagementDerivation,
                windows $crate::crates::player_activity::PlayerActivityDerivation,
                sessions $crate::crates::player_session_summaries::PlayerSessionSummariesDerivation,
                keyed $crate::crates::stuck_players::StuckPlayersDerivation,
            }
            PurchaseEvents {
                keyed $crate::crates::fraud_alerts::FraudAlertsDerivation,
                windows $crate::crates::purchase_summaries::PurchaseSummariesDerivation,
                windows $crate::crates::revenue::RevenueDerivation,
            }
            ServerMetrics {
                keyed $crate::crates::server_alerts::ServerAlertsDerivation,
                windows $crate::crates::server_health::ServerHealthDerivation,
            }
        }
    };
}
