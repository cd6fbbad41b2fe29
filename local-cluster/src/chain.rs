//! SmartModule chains: finds and compiles the modules, runs stored batches through them, and writes the
//! output as batches that keep the records' true offsets.

mod build;
mod failure;
mod look_back;
mod output;
mod pool;
mod records;
mod run;

pub(crate) use build::build;
pub(crate) use output::{OutputSet, batch_of};
pub(crate) use pool::Pool;
pub(crate) use run::{Chain, Processed, unpack};
