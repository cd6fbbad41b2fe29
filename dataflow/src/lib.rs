//! The runner: reads each source partition through a derivation's SmartModule, merges the
//! partials, advances watermarks, and writes each window that closes to the derived topic.
//!
//! It knows derivations only through their trait, and no word of what they are about.
//!
//! Read in this order: [`DataflowMap`] says what is to run; [`Registration`] ties a name in it to
//! code; `windows` holds what is open, `watermarks` says when it closes, `checkpoint` what a
//! restart needs to know; `derivation` is the loop around them, [`run`] starts one for each.

mod accounting;
mod checkpoint;
mod counts;
mod definition;
mod derivation;
mod diversion;
mod error;
mod hub;
mod job;
mod latency;
mod lease;
mod map;
#[cfg(test)]
mod metamorphic;
mod offline;
mod outlet;
mod position;
mod provision;
mod recovery;
mod registration;
mod replay;
mod rules;
mod run;
mod snapshot;
mod source;
mod standing;
mod status;
#[cfg(test)]
mod testing;
mod topics;
mod watermarks;
mod windows;

pub use counts::Counts;
pub use error::RunError;
pub use latency::{LATENCY_BOUNDS_MS, Latency};
pub use map::{DataflowMap, DerivationSpec, MapError, SourceSpec, WindowSpec};
pub use offline::{DerivedRecord, Offline};
pub use provision::{provision, provision_sources};
pub use registration::{Module, Registration, Registry};
pub use replay::replay;
pub use rules::{
    AdoptedRules, ListedRules, Published, RULE_VERSION, Refusal, RuleBook, RuleHistory, RuleSet,
    RuleState, RulesError, TrialRead, read_parameters,
};
pub use run::{Options, run};
pub use status::{DerivationStatus, StatusBoard};
pub use topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, SNAPSHOTS};
