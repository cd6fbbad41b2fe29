//! What the caller decides about a node.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where a node keeps its data and listens.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of all data; created if absent. One live node per folder.
    pub data_dir: PathBuf,
    /// Address of the control port (the one clients are given). Port 0 picks a free one.
    pub sc_addr: SocketAddr,
    /// Address of the data port, which clients learn from the control port. Port 0 picks a free
    /// one.
    pub spu_addr: SocketAddr,
}

impl Options {
    /// A node in `data_dir` on the usual ports, 9003 and 9010, of the loopback interface.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            sc_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 9003)),
            spu_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 9010)),
        }
    }

    /// The same with free ports, as tests want them.
    pub fn with_free_ports(mut self) -> Self {
        self.sc_addr.set_port(0);
        self.spu_addr.set_port(0);
        self
    }
}
