//! The derivations of this package: one line each. Their SmartModules are part of the binary.

use dataflow::{Registration, Registry};
use level_engagement::LevelEngagementFold;
use purchase_summaries::PurchaseSummariesFold;
use server_health::ServerHealthFold;

include!(concat!(env!("OUT_DIR"), "/smartmodules.rs"));

/// Every derivation, and every SmartModule that had been built when the binary was.
pub(crate) fn registry() -> Registry {
    let derivations = [
        Registration::of::<LevelEngagementFold>(),
        Registration::of::<PurchaseSummariesFold>(),
        Registration::of::<ServerHealthFold>(),
    ];
    let modules = SMARTMODULES
        .iter()
        .map(|(name, wasm)| ((*name).to_owned(), (*wasm).into()));
    Registry::new(derivations, modules)
}
