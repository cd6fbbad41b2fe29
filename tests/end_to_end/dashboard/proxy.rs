//! Tests the dashboard behind nginx with the configuration in `docs/operations.md`, changed only so that it runs in a
//! test.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::http;
use crate::harness::{self, LocalCluster, Running, path};

/// The page whose block of nginx configuration is tested.
const PAGE: &str = include_str!("../../../docs/operations.md");
/// The path of nginx on Debian. It is not in every user's `PATH`.
const DEBIAN: &str = "/usr/sbin/nginx";
/// The number of attempts to start nginx, because another program may take a free port first.
const ATTEMPTS: usize = 5;

/// A running nginx that forwards `/game/` to the dashboard. It is stopped when this value is dropped.
struct Nginx {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Nginx {
    async fn start(dashboard: SocketAddr) -> Self {
        for _ in 0..ATTEMPTS {
            if let Some(nginx) = Self::attempt(dashboard).await {
                return nginx;
            }
        }
        panic!("nginx did not start: see its errors above");
    }

    /// Starts nginx. Returns `None` if it exits at once.
    async fn attempt(dashboard: SocketAddr) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let file = folder.path().join("nginx.conf");
        let text = configuration(path(folder.path()), address, dashboard);
        std::fs::write(&file, text).unwrap();
        let program = if std::path::Path::new(DEBIAN).exists() {
            DEBIAN
        } else {
            "nginx"
        };
        let started = Command::new(program)
            .args(["-e", "stderr", "-p", path(folder.path()), "-c", path(&file)])
            .spawn();
        let mut process = started.unwrap_or_else(|error| {
            panic!("no `nginx` ({error}): install it (Debian's package: nginx-light)")
        });
        let deadline = Instant::now() + harness::WAIT_MAX;
        while TcpStream::connect(address).is_err() {
            if process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < deadline, "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(Self {
            address,
            process,
            _folder: folder,
        })
    }

    /// Sends a request with the header `origin`, as a script of a page that nginx has served does.
    async fn get(&self, path: &str) -> http::Response {
        let origin = format!("http://{}", self.address);
        http::request(self.address, "GET", path, &[("origin", &origin)]).await
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Both calls fail if nginx has already exited.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Returns the documented server configuration, changed to use free ports, a single process and its own
/// folder.
fn configuration(folder: &str, address: SocketAddr, dashboard: SocketAddr) -> String {
    let block = PAGE.split_once("```nginx\n").unwrap().1;
    let server = block.split_once("```").unwrap().0;
    for text in ["listen 80;", "http://127.0.0.1:3001/;"] {
        assert!(server.contains(text), "{server}");
    }
    let server = server
        .replace("listen 80;", &format!("listen {address};"))
        .replace("127.0.0.1:3001", &dashboard.to_string());
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\n\
         http {{\naccess_log off;\n{paths}{server}}}\n"
    )
}

/// Returns the files that a page or script refers to.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let marks = ["href=\"", "src=\"", "from \""];
    let after = marks.into_iter().flat_map(|mark| text.split(mark).skip(1));
    let names = after.filter_map(|rest| rest.split('"').next());
    names.filter(|name| !name.starts_with('#'))
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_data_and_streams_pass_through_nginx_under_a_prefix() {
    let node = LocalCluster::start();
    let mut shown = Running::start(&["dashboard", "--cluster", &node.address]);
    let dashboard = shown.line("dashboard: http://").parse().unwrap();
    let nginx = Nginx::start(dashboard).await;

    let (mut found, mut left) = (BTreeSet::new(), vec![String::new()]);
    while let Some(name) = left.pop() {
        let answer = nginx.get(&format!("/game/{name}")).await;
        assert_eq!(answer.status, 200, "`{name}`");
        let text = answer.text().await;
        // The chart library is not searched: it is large and refers to no other file. It is empty in a build that
        // has not fetched it.
        let refers = if name.contains("echarts") { "" } else { &text };
        for reference in references(refers) {
            assert!(!reference.starts_with('/'), "`{name}` names `{reference}`");
            let reference = reference.trim_start_matches("./").to_owned();
            if found.insert(reference.clone()) {
                left.push(reference);
            }
        }
    }
    for name in ["app.js", "live.js", "fraud.js", "style.css", "icon.svg"] {
        assert!(found.contains(name), "`{name}` is missing in {found:?}");
    }
    let view = nginx.get("/game/api/views/overview").await;
    assert!(view.json().await["data"]["games"].is_array());
    assert_eq!(nginx.get("/game/api/status").await.status, 200);

    let live = "/api/views/overview/live";
    let mut through = nginx.get(&format!("/game{live}")).await;
    assert_eq!(through.headers["content-type"], "text/event-stream");
    let mut beside = http::request(dashboard, "GET", live, &[]).await;
    // Both streams share one rendering of the view. Three statuses take more than three seconds, which are enough for a
    // busy machine to send the same events through nginx.
    beside.wait_for("view", |_| true).await;
    for _ in 0..3 {
        beside.wait_for("status", |_| true).await;
    }
    // While the dashboard is paused, it sends nothing more that could fill a buffer of nginx. An event that nginx held
    // back in a buffer would then not arrive.
    harness::signal(shown.pid(), "-STOP");
    through.wait_for("view", |_| true).await;
    through.wait_for("status", |_| true).await;
    harness::signal(shown.pid(), "-CONT");
    for _ in 0..2 {
        through.wait_for("status", |_| true).await;
    }
    drop((through, beside, nginx));
    shown.kill();
}
