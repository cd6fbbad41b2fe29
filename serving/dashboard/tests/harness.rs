//! Starts a cluster and a dashboard on free ports, and builds rows in the form in which the runner writes them.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use cluster_testing::Node;
use dashboard::{Access, Explore, Game, Handle, Options, Token};
use model::Timestamp;
use serde_json::{Value, json};
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

/// Starts a new cluster with every topic that the dashboard shows.
pub(crate) async fn node() -> Node {
    Node::start(TOPICS.iter().map(|name| (*name, 1))).await
}

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
        Self::with(node, token, Explore::default(), Vec::new()).await
    }

    /// Starts a dashboard that explores these topics.
    pub(crate) async fn exploring(node: &Node, explore: Explore) -> Self {
        Self::with(node, None, explore, Vec::new()).await
    }

    /// Starts a dashboard with a catalogue of games.
    pub(crate) async fn with_games(node: &Node, token: Option<&str>, games: Vec<Game>) -> Self {
        Self::with(node, token, Explore::default(), games).await
    }

    async fn with(node: &Node, token: Option<&str>, explore: Explore, games: Vec<Game>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            cluster: node.cluster().await,
            explore,
            games,
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

    /// Opens the stream of a view. `has` is the id of the last version, which a reconnecting browser sends.
    pub(crate) async fn live(&self, view: &str, has: Option<&str>) -> Response {
        let path = format!("/api/views/{view}/live");
        let headers: Vec<_> = has.iter().map(|id| ("last-event-id", *id)).collect();
        let stream = http::request(self.address, "GET", &path, &headers).await;
        assert_eq!(stream.status, 200);
        stream
    }

    /// Opens the stream at a path.
    pub(crate) async fn live_at(&self, path: &str) -> Response {
        let stream = self.get(path).await;
        assert_eq!(stream.status, 200);
        stream
    }
}

/// Returns the start of the ten-second window that is `ago` windows before the current one.
pub(crate) fn window(ago: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    (i64::try_from(now).unwrap() / 10_000 - ago) * 10_000
}

/// Returns a row of `active-players`.
pub(crate) fn active(game: &str, start: i64, players: u64) -> Value {
    let time = |ms| Timestamp::from_millis(ms).to_string();
    json!({"window_start": time(start), "window_end": time(start + 10_000), "game_id": game,
        "active_players": players, "sessions": players, "events": players, "by_platform": {"PC": players},
        "revision": 0})
}

/// Whether `answer`, a response of the overview, shows this number of active players for a game.
pub(crate) fn has_players(answer: &Value, game: &str, players: u64) -> bool {
    let games = answer["data"]["games"].as_array().unwrap();
    games
        .iter()
        .any(|card| card["game"] == game && card["active_players"] == players)
}
