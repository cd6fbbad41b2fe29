//! Opens listening sockets.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

/// Listens on `address` for `service`. The error names `flag`, the option that sets the address.
pub(crate) async fn listen(
    address: SocketAddr,
    service: &str,
    flag: &str,
) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on `{address}` for {service}; choose another address with {flag} (port 0 picks a free one)"
        )
    })
}
