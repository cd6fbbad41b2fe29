//! A cluster and a web API on free ports, and events to post.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) use cluster_testing::Node;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use web_api::{Access, Handle, Options};

use crate::http::{self, Response};

/// Starts a new cluster with the source topics.
pub(crate) async fn node() -> Node {
    Node::start(web_api::source_topics().into_iter().zip([2, 2, 1])).await
}

pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    handle: Handle,
    stop: CancellationToken,
}

impl Api {
    pub(crate) async fn start(node: &Node) -> Self {
        Self::with_access(node, Access::Loopback).await
    }

    pub(crate) async fn with_access(node: &Node, access: Access) -> Self {
        Self::with_options(Options::new(node.cluster().await, access)).await
    }

    pub(crate) async fn with_options(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let handle = web_api::start(listener, options, stop.clone())
            .await
            .unwrap();
        Self {
            address: handle.address(),
            handle,
            stop,
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.handle.stopped().await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        http::request(self.address, &format!("GET {path}"), &[], b"").await
    }

    /// Posts a JSON body.
    pub(crate) async fn post(&self, topic: &str, body: &str) -> Response {
        self.post_with(topic, &[], body.as_bytes()).await
    }

    pub(crate) async fn post_with(
        &self,
        topic: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        http::request(self.address, &format!("POST /v1/{topic}"), headers, body).await
    }
}

pub(crate) async fn wait_until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !condition().await {
        assert!(
            Instant::now() < deadline,
            "{what}: the condition did not hold in time"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn player_event(player: &str, number: usize) -> Value {
    json!({
        "event_name": "player_action", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"player_id": player, "session_id": "s", "event_type": "move",
            "level_id": "l", "map_id": "m", "number": number},
        "user_data": {"user_id": player, "platform": "PC"}
    })
}

pub(crate) fn purchase_event(user: &str) -> Value {
    json!({
        "event_name": "transaction", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"transaction_id": "t", "transaction_type": "purchase", "currency": "USD",
            "amount": 1.5, "item_id": "i", "item_type": "x"},
        "user_data": {"user_id": user, "platform": "PC"}
    })
}

pub(crate) fn server_metric(server: &str) -> Value {
    json!({
        "event_name": "server_metric", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"server_id": server, "cpu_load": 20, "memory_usage": 30.5, "latency": 12},
        "server_data": {"region": "eu", "server_type": "dedicated"}
    })
}
