//! The two listening sockets of a node.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use thiserror::Error;
use tokio::net::TcpListener;

/// A socket cannot listen on an address.
#[derive(Debug, Error)]
#[error(
    "cannot listen on `{address}`: {source}; stop the process that uses it or choose another port"
)]
pub struct ListenError {
    /// The requested address.
    pub address: SocketAddr,
    /// The system's error.
    pub source: io::Error,
}

/// The bound sockets that [`start`](crate::start) serves.
#[derive(Debug)]
pub struct Listeners {
    /// The control port, whose address clients are configured with.
    pub sc: TcpListener,
    /// The data port, whose address clients get from the control port.
    pub spu: TcpListener,
}

impl Listeners {
    /// Binds the control port and the data port. Port 0 picks a free port.
    pub async fn bind(sc_addr: SocketAddr, spu_addr: SocketAddr) -> Result<Self, ListenError> {
        Ok(Self {
            sc: bind(sc_addr).await?,
            spu: bind(spu_addr).await?,
        })
    }

    /// Binds two free ports of the loopback interface, for tests.
    pub async fn bind_free_ports() -> Result<Self, ListenError> {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::bind(any_port, any_port).await
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ListenError { address, source })
}
