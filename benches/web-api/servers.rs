//! Starts the servers that the benchmark loads: the web API with a local cluster, and a handler that does nothing.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use cluster_testing::Node;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use web_api::{Access, Handle, Options};

/// Starts a server whose handler reads the body and answers like the web API, but does nothing else.
pub(crate) async fn nothing() -> anyhow::Result<SocketAddr> {
    let answer = async |_: Bytes| r#"{"accepted":1,"rejected":0,"rejections":[]}"#;
    let router = Router::new().route("/v1/player-events", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

pub(crate) struct WebApi {
    handle: Handle,
    node: Node,
    stop: CancellationToken,
}

impl WebApi {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let node = Node::start(web_api::source_topics().into_iter().zip([2, 2, 1])).await;
        let stop = CancellationToken::new();
        let options = Options::new(node.cluster().await, Access::Loopback);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let handle = web_api::start(listener, options, stop.clone()).await?;
        Ok(Self { handle, node, stop })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.handle.stopped().await?;
        self.node.stop().await;
        Ok(())
    }
}
