//! The derivations of this package: one line each. Their SmartModules are part of the binary.

use active_players::ActivePlayersFold;
use dataflow::{Registration, Registry};
use fraud_alerts::FraudAlertsRules;
use level_engagement::LevelEngagementFold;
use player_activity::PlayerActivityFold;
use player_session_summaries::PlayerSessionSummariesFold;
use purchase_summaries::PurchaseSummariesFold;
use revenue::RevenueFold;
use server_alerts::ServerAlertsRule;
use server_health::ServerHealthFold;
use stuck_players::StuckPlayersRule;

include!(concat!(env!("OUT_DIR"), "/smartmodules.rs"));

/// Every derivation, and every SmartModule that had been built when the binary was.
pub(crate) fn registry() -> Registry {
    let derivations = [
        Registration::of::<ActivePlayersFold>(),
        Registration::following::<FraudAlertsRules>(),
        Registration::of::<LevelEngagementFold>(),
        Registration::of::<PlayerActivityFold>(),
        Registration::of::<PlayerSessionSummariesFold>(),
        Registration::of::<PurchaseSummariesFold>(),
        Registration::of::<RevenueFold>(),
        Registration::following::<ServerAlertsRule>(),
        Registration::of::<ServerHealthFold>(),
        Registration::following::<StuckPlayersRule>(),
    ];
    let modules = SMARTMODULES
        .iter()
        .map(|(name, wasm)| ((*name).to_owned(), (*wasm).into()));
    Registry::new(derivations, modules)
}

/// Name and code of each SmartModule that is no derivation's.
pub(crate) fn conventional_modules(
    registry: &Registry,
) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let derivations = registry.names();
    let modules = SMARTMODULES.iter().copied();
    modules.filter(move |(name, _)| !derivations.contains(name))
}
