//! What to run: the dataflow file as a checked value, the code of its derivations, and the creation of the topics
//! and the SmartModule that they need.

mod dataflow_file;
pub(crate) mod definition;
mod durations;
mod error;
pub(crate) mod fold;
mod limits;
mod line;
pub(crate) mod locate;
pub(crate) mod modules;
pub(crate) mod provision;
pub(crate) mod query;
pub(crate) mod registration;
pub(crate) mod rule_set;
mod saved;
mod tables;
mod view;
mod window;

pub(crate) use dataflow_file::scalars;
pub use dataflow_file::{DataflowSpec, DerivationSpec, RULE_VERSION, SourceSpec};
pub use durations::{IDLE_TIMEOUT_DEFAULT, LATENESS_DEFAULT};
pub use error::SpecError;
pub use query::QueryColumn;
pub use tables::TableSpec;
pub use view::{ChartKind, ViewSpec};
pub use window::WindowSpec;

#[cfg(test)]
mod tests;
