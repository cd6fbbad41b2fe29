//! SmartModule chains: finds and compiles the modules, runs stored batches through them, and writes the
//! output as batches in which each record keeps the offset that it has in the log.

mod compile;
mod failure;
mod look_back;
mod output;
mod pool;
mod records;
mod run;

pub(crate) use compile::compile;
pub(crate) use look_back::look_back;
pub(crate) use output::{OutputSet, batch_of};
pub(crate) use pool::Pool;
pub(crate) use run::{Chain, Processed, unpack};
