//! Tests the dashboard of `up`, and a separate dashboard on the same cluster. Every view of both dashboards must fill
//! with data. The dashboard of `up` must show the evidence of planted fraud, and the separate one must show the reason
//! of an alert about a failing server.

mod browsers;
mod crowd;
#[path = "../../serving/dashboard/tests/http.rs"]
mod http;
mod planted;
mod proxy;
mod restarts;
mod rows;
mod wire;

use std::net::SocketAddr;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{self, LocalCluster, Running};

#[tokio::test(flavor = "multi_thread")]
async fn every_view_fills_with_data_and_shows_what_was_planted() {
    let data_dir = TempDir::new().unwrap();
    let data_dir = harness::path(data_dir.path());
    let up = Running::start(&[
        "up",
        "--data-dir",
        data_dir,
        "--rate",
        "300",
        "--incidents",
        "3600",
    ]);
    let cluster = up.line("cluster: ");
    let ours = up.line("dashboard: http://").parse().unwrap();
    let beside = Running::start(&["dashboard", "--cluster", &cluster]);
    let theirs = beside.line("dashboard: http://").parse().unwrap();
    for address in [ours, theirs] {
        for (view, has_data) in HAVE_DATA {
            wait_for(address, view, has_data).await;
        }
    }
    wait_for(ours, "fraud", |data| some(&data["alerts"][0]["evidence"])).await;
    wait_for(theirs, "servers", |data| some(&data["alerts"][0]["reason"])).await;
    beside.stop();
    up.stop();
}

#[test]
fn an_open_address_without_a_token_needs_an_explicit_flag() {
    let node = LocalCluster::start();
    let open = [
        "dashboard",
        "--cluster",
        &node.address,
        "--dashboard-addr",
        "0.0.0.0:0",
    ];
    let refused = harness::try_run(&open);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("--dashboard-token-file"),
        "{error}"
    );
    let mut insecure = open.to_vec();
    insecure.push("--dashboard-insecure");
    let shown = Running::start(&insecure);
    assert!(shown.line("dashboard: http://").starts_with("0.0.0.0:"));
    shown.stop();
}

type HasData = fn(&Value) -> bool;

/// For each view, a function that checks whether the view has data.
const HAVE_DATA: [(&str, HasData); 7] = [
    ("overview", |data| {
        data["games"][0]["active_players"].as_u64() > Some(0)
    }),
    ("engagement", |data| {
        some(&data["cells"][0]["active_players"])
    }),
    ("sessions", |data| data["sessions"].as_u64() > Some(0)),
    ("purchases", |data| some(&data["items"][0]["net"])),
    ("fraud", |data| some(&data["alerts"][0]["reason"])),
    ("servers", |data| some(&data["tiles"][0]["status"])),
    ("quality", |data| {
        let accounts = data["accounts"].as_array().unwrap();
        !accounts.is_empty() && accounts.iter().all(|account| account["adds_up"] == true)
    }),
];

fn some(value: &Value) -> bool {
    !value.is_null()
}

async fn wait_for(address: SocketAddr, view: &str, has_data: HasData) {
    let path = format!("/api/views/{view}/live");
    let mut stream = http::request(address, "GET", &path, &[]).await;
    assert_eq!(stream.status, 200);
    let event = stream
        .wait_for("view", |answer| has_data(&answer["data"]))
        .await;
    assert!(event.id.is_some() && event.data["as_of"].is_string());
    let again = http::request(address, "GET", &format!("/api/views/{view}"), &[]).await;
    assert!(has_data(&again.json().await["data"]));
}
