//! Sockets to answer on.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

/// Listens on `address`, which `flag` names, for `whom`.
pub(crate) async fn listen(
    address: SocketAddr,
    whom: &str,
    flag: &str,
) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on `{address}` for {whom}; name another address with {flag}, port 0 picks a free one"
        )
    })
}
