//! A Fluvio-protocol cluster in one process, with its data on disk.
//!
//! [`start`] opens a data folder and listens on two ports: the control port, which plays Fluvio's
//! streaming controller (SC), and the data port, which plays its streaming processing unit (SPU).
//! Unmodified Fluvio clients connect to the first and find the second by themselves.
//!
//! What it is not: replicated, encrypted, authenticated, or meant for more than one machine.

mod chain;
mod cluster;
mod limits;
mod log;
mod maintenance;
mod net;
mod node;
mod options;
mod platform;
mod record_set;
mod sc;
mod spu;
mod store;
mod stream;

pub use node::{Handle, ShutdownError, StartError, start};
pub use options::Options;
