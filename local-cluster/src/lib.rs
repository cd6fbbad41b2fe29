//! A Fluvio-protocol cluster in one process, with its data on disk.
//!
//! [`start`] opens a data folder and serves two ports: the control port, in the role of Fluvio's streaming
//! controller (SC), and the data port, in the role of its streaming processing unit (SPU). Unmodified Fluvio
//! clients connect to the control port, which sends them the address of the data port.
//!
//! The cluster has no replication, encryption or authentication, and is limited to one machine.

mod chain;
mod clock;
mod cluster;
mod limits;
mod listeners;
mod log;
mod maintenance;
mod net;
mod node;
mod open_files;
mod options;
mod platform;
mod record_set;
mod sc;
mod spu;
mod store;
mod stream;

pub use listeners::{ListenError, Listeners};
pub use node::{Handle, ShutdownError, StartError, start};
pub use open_files::open_files_max;
pub use options::Options;

/// The examples of the README, which compile as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
