//! The runner of a dataflow. It reads each source partition through a derivation's SmartModule, merges the
//! partials into windows and, when event time has passed a window, writes the window's rows to the derived
//! topic. Every revision of a row is written exactly once, whichever process is killed and whenever.
//!
//! # The problem
//!
//! A SmartModule has no state: for each stored batch it returns one *partial*, which contains the batch's
//! contributions to windows and the offsets that it covers. Partials of different partitions arrive in any
//! order, events arrive late, topics lose records to retention, and the runner may be killed between any two
//! writes. Fluvio has neither locks nor transactions. The runner has to produce the same rows regardless. It
//! uses derivations only through their traits and contains no code for any particular derivation.
//!
//! # The layers, bottom-up
//!
//! Modules import each other in one direction only. Each layer maintains an invariant on which the layers
//! above it rely.
//!
//! - `error`, `topics`, `progress`, `covered`: the errors that end a runner, the topics that it writes, the
//!   progress of long operations, and the offsets of a partial's records.
//! - `watermarks`: event time, as a pure value. *A watermark never goes back.*
//! - `output`: `lateness` decides which contributions are late, `revisions` numbers rows, and `prior`
//!   contains the output of an earlier runner. *Each revision is written once; an event that was late stays
//!   late.*
//! - `windows`: aligned windows, sessions and keyed processes in memory. *Any order of batches gives the same
//!   rows.*
//! - `pipeline`: the stages decode, lateness, windows and revisions, each entered once. *An accepted event counts
//!   as exactly one of: merged, late, duplicate.*
//! - `spec`: the dataflow file as a checked value, the code of its derivations, and the topics and
//!   SmartModules that both need in the cluster. *A dataflow file that has been parsed can be run.*
//! - `sink`: output topics, dead letters, published record counts, and the status board. *A write is
//!   acknowledged before the next one begins.*
//! - `durable`: checkpoints, snapshots, and the check that a source still holds the log that was read. *A
//!   checkpoint never contains an offset after a record that a restart may compute again.*
//! - `read`: reading one partition, partial by partial, alone or through a shared reader. *No batch is merged
//!   twice, and none is skipped.*
//! - `lease`: one runner of a derivation writes, the others wait. *Two holders never write at once.*
//! - `offline` and `rules`: a derivation without a cluster, and parameters that change while a derivation
//!   runs.
//! - `task`: the loop of a derivation, and its restarts.
//! - `replay`: the same pipeline over the history, into separate topics.
//!
//! # From a partial to its derived row
//!
//! `read/upstream.rs` opens the SmartModule's stream; `read/partition.rs` checks that the partial begins at
//! the next offset; `task/derivation.rs` receives the partial and passes it to `pipeline.rs`. There it is
//! decoded, `output/lateness.rs` removes late contributions, `windows/*.rs` merges the others and emits the
//! rows that the watermark has passed, and `output/revisions.rs` numbers these rows. `sink/dead_letters.rs`
//! writes late events, then `sink/topic_writer.rs` writes the rows, then `durable/checkpoint.rs` records the
//! progress of the derivation. For a keyed process, whose rows are never corrected, the checkpoint comes first.

mod covered;
mod durable;
mod error;
mod lease;
#[cfg(test)]
mod metamorphic;
mod offline;
mod output;
mod pipeline;
mod progress;
mod read;
mod replay;
mod rules;
mod sink;
mod spec;
mod task;
#[cfg(test)]
mod testing;
mod topics;
mod watermarks;
mod windows;

pub use client::Partition;
pub use error::{RunError, TopicAction};
pub use offline::{DerivedRecord, Offline};
pub use progress::Progress;
pub use replay::replay;
pub use rules::{
    BacktestRead, ListedRules, Published, RuleState, RuleStore, RulesError, read_parameters,
};
pub use sink::counts::Counts;
pub use sink::latency::{LATENCY_BOUNDS_MS, Latency};
pub use sink::status::{DerivationStatus, StatusBoard};
pub use spec::fold::AnyFold;
pub use spec::provision::{provision, provision_sources};
pub use spec::registration::{MODULE, Module, Registration, Registry};
pub use spec::rule_set::{AdoptedRules, Refusal, RuleHistory, RuleSet};
pub use spec::{DataflowSpec, DerivationSpec, RULE_VERSION, SourceSpec, SpecError, WindowSpec};
pub use task::options::Options;
pub use task::reset::{Reset, reset};
pub use task::run::run;
pub use topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, SNAPSHOTS};
