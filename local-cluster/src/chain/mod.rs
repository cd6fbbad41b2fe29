//! SmartModule chains: finding and compiling the modules, running stored batches through them, and
//! writing what comes out as batches that keep the records' true offsets.

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
