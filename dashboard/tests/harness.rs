//! A cluster and a dashboard on free ports, and rows as the runner writes them.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use client::{Cluster, TopicSettings};
use dashboard::{Access, Handle, Options, Token};
use model::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::{self, Response};

const TOPICS: &[&str] = &[
    "active-players",
    "fraud-alerts",
    "level-engagement",
    "player-session-summaries",
    "purchase-summaries",
    "revenue",
    "server-alerts",
    "server-health",
    "stuck-players",
    "accounting",
    "rejected-events",
    "late-events",
];

/// A cluster whose data stays when it is stopped.
pub(crate) struct Node {
    dir: TempDir,
    sc_addr: SocketAddr,
    spu_addr: SocketAddr,
    handle: Option<local_cluster::Handle>,
}

impl Node {
    /// A fresh cluster with every topic that is shown.
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let options = local_cluster::Options::new(dir.path()).with_free_ports();
        let handle = local_cluster::start(options).await.unwrap();
        let node = Self {
            dir,
            sc_addr: handle.sc_addr(),
            spu_addr: handle.spu_addr(),
            handle: Some(handle),
        };
        let cluster = node.cluster().await;
        for name in TOPICS {
            let topic = TopicSettings {
                name: (*name).to_owned(),
                partitions: 1,
                retention: None,
                storage: None,
            };
            cluster.ensure_topic(&topic).await.unwrap();
        }
        node
    }

    pub(crate) async fn stop(&mut self) {
        self.handle.take().unwrap().shutdown().await.unwrap();
    }

    /// On the same ports and with the same data.
    pub(crate) async fn restart(&mut self) {
        let options = local_cluster::Options {
            data_dir: self.dir.path().to_owned(),
            sc_addr: self.sc_addr,
            spu_addr: self.spu_addr,
        };
        self.handle = Some(local_cluster::start(options).await.unwrap());
    }

    pub(crate) async fn cluster(&self) -> Cluster {
        Cluster::connect(Some(&self.sc_addr.to_string()))
            .await
            .unwrap()
    }

    /// Writes records and waits until they are there.
    pub(crate) async fn write(&self, topic: &str, values: &[Value]) {
        let producer = self.cluster().await.producer(topic).await.unwrap();
        for value in values {
            let delivery = producer.send("key", value.to_string()).await.unwrap();
            producer.flush().await.unwrap();
            delivery.wait().await.unwrap();
        }
    }
}

/// A running dashboard.
pub(crate) struct Page {
    pub(crate) address: SocketAddr,
    handle: Handle,
    stop: CancellationToken,
}

impl Page {
    pub(crate) async fn start(node: &Node) -> Self {
        Self::with_token(node, None).await
    }

    pub(crate) async fn with_token(node: &Node, token: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            cluster: node.cluster().await,
            access: token.map_or(Access::Loopback, |text| {
                Access::Token(Token::new(text).unwrap())
            }),
        };
        let stop = CancellationToken::new();
        let handle = dashboard::start(listener, options, stop.clone())
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
        http::request(self.address, "GET", path, &[]).await
    }

    pub(crate) async fn view(&self, path: &str) -> Value {
        self.get(&format!("/api/views/{path}")).await.json().await
    }

    /// A stream of a view, from where somebody was who comes back.
    pub(crate) async fn live(&self, view: &str, has: Option<&str>) -> Response {
        let path = format!("/api/views/{view}/live");
        let headers: Vec<_> = has.iter().map(|id| ("last-event-id", *id)).collect();
        let stream = http::request(self.address, "GET", &path, &headers).await;
        assert_eq!(stream.status, 200);
        stream
    }
}

/// The start of the ten-second window `ago` windows before now.
pub(crate) fn window(ago: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    (i64::try_from(now).unwrap() / 10_000 - ago) * 10_000
}

/// A row of `active-players`.
pub(crate) fn active(game: &str, start: i64, players: u64) -> Value {
    let time = |ms| Timestamp::from_millis(ms).to_string();
    json!({"window_start": time(start), "window_end": time(start + 10_000), "game_id": game,
        "active_players": players, "sessions": players, "events": players, "by_platform": {"PC": players}, "revision": 0})
}

/// Whether the overview says that a game has so many players.
pub(crate) fn has_players(answer: &Value, game: &str, players: u64) -> bool {
    let games = answer["data"]["games"].as_array().unwrap();
    games
        .iter()
        .any(|card| card["game"] == game && card["active_players"] == players)
}
