//! Acknowledged records survive a stop and a kill, and a data folder can be used by only one node.

use std::path::PathBuf;
use std::process::Stdio;

use fluvio::metadata::smartmodule::{SmartModuleSpec, SmartModuleWasm};
use fluvio::metadata::topic::TopicSpec;
use fluvio::{Compression, Fluvio, FluvioClusterConfig, Offset};
use local_cluster::Options;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{
    Node, bounded, consume_all, deadline, expected, produce, seen, start_with, values,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_comes_back_with_everything() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("kept", 2).await;
    let wasm = SmartModuleWasm::from_raw_wasm_bytes(&crate::wasm::parity_filter()).unwrap();
    let spec = SmartModuleSpec {
        wasm,
        ..Default::default()
    };
    deadline(
        node.admin()
            .await
            .create("parity".to_owned(), false, spec.clone()),
    )
    .await
    .unwrap();
    node.create_topic("one", 1).await;
    let values = values(500);
    produce(&client, "one", &values, Compression::Lz4).await;
    drop(client);
    let node = Node::start_in(node.stop().await).await;
    let admin = node.admin().await;
    let topics = deadline(admin.all::<TopicSpec>()).await.unwrap();
    let shape: Vec<_> = topics
        .iter()
        .map(|t| (t.name.as_str(), t.status.replica_map.len()))
        .collect();
    assert_eq!(shape, [("kept", 2), ("one", 1)]);
    let modules = deadline(admin.all::<SmartModuleSpec>()).await.unwrap();
    assert_eq!(modules[0].name, "parity");
    let client = node.client().await;
    let config = || bounded("one", Offset::beginning()).build().unwrap();
    assert_eq!(
        seen(&consume_all(&client, config()).await),
        expected(&values, 0)
    );
    produce(&client, "one", &values[..1], Compression::None).await;
    assert_eq!(
        consume_all(&client, config()).await.last().unwrap().offset,
        500
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_nodes_folder_is_refused_and_free_again_after_it() {
    let node = Node::start().await;
    let options = Options::new(node.dir.path());
    let error = start_with(options.clone()).await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    let dir = node.stop().await;
    let (next, stop) = start_with(options).await.unwrap();
    drop(stop);
    next.stopped().await.unwrap();
    drop(dir);
}

/// Starts a node in its own process three times. Kills it each time after a client's records were acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_keeps_every_acknowledged_record() {
    let dir = TempDir::new().unwrap();
    let values = values(300);
    let mut stored = 0;
    for part in values.chunks(100) {
        let (mut child, config) = spawn_node(&dir).await;
        let client = deadline(Fluvio::connect_with_config(&config))
            .await
            .unwrap();
        if stored == 0 {
            let spec = TopicSpec::new_computed(1, 1, None);
            deadline(
                client
                    .admin()
                    .await
                    .create("survivor".to_owned(), false, spec),
            )
            .await
            .unwrap();
        }
        produce(&client, "survivor", part, Compression::None).await;
        stored += part.len();
        let config = bounded("survivor", Offset::beginning()).build().unwrap();
        assert_eq!(
            seen(&consume_all(&client, config).await),
            expected(&values[..stored], 0)
        );
        child.kill().await.unwrap();
    }
}

async fn spawn_node(dir: &TempDir) -> (Child, FluvioClusterConfig) {
    let mut child = Command::new(example())
        .arg(dir.path())
        .args(["127.0.0.1:0", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = deadline(lines.next_line())
        .await
        .unwrap()
        .expect("the node prints where it listens");
    let address = line.strip_prefix("cluster: ").unwrap().to_owned();
    (child, FluvioClusterConfig::new(address))
}

/// Returns the path of the example binary. Cargo builds examples before it runs tests, into a folder beside
/// that of the test binaries.
fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/node");
    assert!(
        path.exists(),
        "`{}` is missing: run `cargo build -p local-cluster --example node`",
        path.display()
    );
    path
}
