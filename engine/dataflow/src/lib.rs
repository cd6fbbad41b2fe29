//! The runner of a dataflow. It reads each source partition through the SmartModule `dataflow`, merges the partials
//! that the SmartModule returns into windows, and writes the rows of each window to the derived topic once event
//! time has passed the window. Every revision of a row is written exactly once, at whatever moment a runner is
//! killed; `docs/architecture/exactly-once.md` lists the exceptions.
//!
//! # The problem
//!
//! A SmartModule has no state. For each stored batch and derivation it returns one *partial*: the batch's
//! contributions to windows, and the offsets of the batch's records. Partials of different partitions arrive in any
//! order, events arrive late, topics lose records to retention, and the runner may be killed between any two
//! writes. Fluvio has neither locks nor transactions. The runner has to produce the same rows regardless. It uses
//! derivations only through their traits and contains no code for any particular derivation.
//!
//! # The layers, bottom-up
//!
//! Modules import each other in one direction only. Each layer maintains an invariant on which the layers above it
//! rely.
//!
//! - `error`, `topics`, `progress`, `covered`: the errors that end a runner, the names of its own topics, the
//!   progress of long operations, and the offsets of a partial's records.
//! - `watermarks`: the progress of event time, computed without I/O. The command `sql --follow` uses it too.
//!   *A watermark never goes back.*
//! - `output`: `lateness` decides which contributions are late, `revisions` numbers rows, and `prior` contains the
//!   output of an earlier runner. *Each revision is written once; an event that was late stays late.*
//! - `windows`: aligned windows, sessions and keyed processes in memory. *Any order of batches gives the same
//!   rows.*
//! - `pipeline`: the stages that each partial passes: decode, lateness, windows, revisions. *An event that the
//!   SmartModule accepted counts as exactly one of: merged, late, duplicate.*
//! - `spec`: the dataflow file as a checked value, the code of its derivations, and the creation of the topics and
//!   the SmartModule that they need. *A dataflow file that has been parsed is valid.*
//! - `sink`: output topics, dead letters, published record counts, and the status board. *A write to a topic is
//!   acknowledged before the next one begins.*
//! - `durable`: checkpoints, snapshots, and the check that a source still holds the log that was read. *A
//!   checkpoint contains an offset for each output partition, and a restart never recomputes an output record before
//!   that offset.*
//! - `read`: reads one partition, partial by partial, through a stream of its own or a shared one, and the tables that
//!   queries join. *No batch is delivered twice, and none is skipped.*
//! - `lease`: one runner of a derivation writes, the others wait. *A holder is superseded only when none of its
//!   writes can be in flight.*
//! - `offline` and `rules`: a derivation that runs without a cluster, and parameters that change while a derivation
//!   runs.
//! - `task`: the loop of a derivation, and its restarts.
//! - `replay`: the same pipeline over the whole history, into separate topics.
//!
//! # From a partial to its derived row
//!
//! `read/upstream.rs` opens the stream of the SmartModule's output. `read/partition.rs` checks that each partial
//! begins at the next offset. `task/derivation.rs` receives the partial and passes it to `pipeline.rs`, which
//! decodes it. `output/lateness.rs` removes the late contributions. `windows/*.rs` merges the remaining ones and
//! emits the rows of windows that the watermark has passed. `output/revisions.rs` numbers these rows.
//! `sink/dead_letters.rs` writes the late events, then `sink/topic_writer.rs` writes the rows, then
//! `durable/checkpoint.rs` writes the progress of the derivation. Late events cannot correct the rows of a keyed
//! process, so for such a process a checkpoint is also written before the rows.

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
pub use read::table::JoinedTable;
pub use replay::replay;
pub use rules::{
    BacktestRead, ListedRules, Published, RuleState, RuleStore, RulesError, read_parameters,
};
pub use sink::counts::Counts;
pub use sink::latency::{LATENCY_BOUNDS_MS, Latency};
pub use sink::status::{DerivationStatus, StatusBoard};
pub use spec::fold::AnyFold;
pub use spec::modules::MODULE;
pub use spec::provision::{provision, provision_sources};
pub use spec::registration::{Registration, Registry};
pub use spec::rule_set::{AdoptedRules, Refusal, RuleHistory, RuleSet};
pub use spec::{
    ChartKind, DataflowSpec, DerivationSpec, IDLE_TIMEOUT_DEFAULT, LATENESS_DEFAULT, QueryColumn,
    RULE_VERSION, SourceSpec, SpecError, TableSpec, ViewSpec, WindowSpec,
};
pub use task::options::Options;
pub use task::reset::{Reset, reset};
pub use task::run::run;
pub use topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, SNAPSHOTS};
pub use watermarks::Watermarks;
