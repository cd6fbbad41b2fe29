//! Checks that records pass through the configured SmartModules before they are written.

use std::path::Path;

use client::Cluster;
use tempfile::TempDir;

use super::endpoint::{Endpoint, Part};
use super::{contents, written};
use crate::harness::{self, AnyCluster, path};

/// Two records in an unusual spelling, which `normalize-events` can repair, and three records that it cannot repair.
const SENT: [&str; 5] = [
    concat!(
        r#"{"key":"k1","event":{"event_name":"player_action","event_timestamp":"2024-11-12T11:15:30+01:00","#,
        r#""parameters":{"player_id":7,"session_id":"s","event_type":"move","level_id":"l","map_id":"m"},"#,
        r#""user_data":{"user_id":7,"platform":"PC"}}}"#
    ),
    concat!(
        r#"{"event_name":"transaction","event_timestamp":"2024-11-12T10:16:05Z","parameters":"#,
        r#"{"transaction_id":"t","item_id":"i","item_type":"skin","amount":"4.990","currency":"USD","#,
        r#""transaction_type":"purchase"},"user_data":{"user_id":"u","platform":"PC"}}"#
    ),
    r#"{"event_name":"player_action","event_timestamp":"soon"}"#,
    r#"{"event_name":"unheard_of"}"#,
    "no JSON",
];
const PLAYER: &str = concat!(
    r#"{"event_name":"player_action","event_timestamp":"2024-11-12T10:15:30.000Z","parameters":"#,
    r#"{"event_type":"move","game_id":"default","level_id":"l","map_id":"m","player_id":"7","session_id":"s"},"#,
    r#""user_data":{"platform":"PC","user_id":"7"}}"#
);
const PURCHASE: &str = concat!(
    r#"{"event_name":"transaction","event_timestamp":"2024-11-12T10:16:05.000Z","parameters":"#,
    r#"{"amount":4.99,"currency":"USD","game_id":"default","item_id":"i","item_type":"skin","#,
    r#""transaction_id":"t","transaction_type":"purchase"},"user_data":{"platform":"PC","user_id":"u"}}"#
);

/// Writes a configuration that streams records through these transforms into two topics.
fn configuration(folder: &TempDir, address: &str, transforms: &str) -> std::path::PathBuf {
    let yaml = format!(
        "meta:\n  name: through\n  type: http-source\n  \
         topic: {{player_action: spelled-players, transaction: spelled-purchases}}\n\
         http: {{endpoint: \"http://{address}/\", stream: true}}\ntransforms:\n{transforms}"
    );
    written(folder.path(), "through.yaml", &yaml)
}

async fn create_smartmodules(cluster: &Cluster, names: &[&str]) {
    for name in names {
        let file = format!("target/smartmodules/{name}.wasm");
        let wasm = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file));
        let wasm = wasm.unwrap_or_else(|error| panic!("{file}: {error}: run `make wasm`"));
        cluster.ensure_smartmodule(name, &wasm).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_records_pass_through_smartmodules() {
    let any = AnyCluster::start();
    let cluster = Cluster::connect(Some(any.address())).await.unwrap();
    create_smartmodules(&cluster, &["normalize-events", "valid-events"]).await;
    let endpoint = Endpoint::start(vec![vec![Part::Text(SENT.join("\n") + "\n"), Part::End]]);
    let folder = TempDir::new().unwrap();
    // In the other order, records that can be repaired would be filtered out.
    let transforms = "  - uses: normalize-events\n  - uses: valid-events\n    with: {kind: any}\n";
    let file = configuration(&folder, &endpoint.address, transforms);
    let args = [
        "http-source",
        path(&file),
        "--cluster",
        any.address(),
        "--once",
    ];
    let output = harness::run(&args);
    let printed = String::from_utf8(output.stdout).unwrap();
    let done = "done | received 5 | delivered 2 | rejected 0 | cut 0 | failures 0 | filtered 3";
    assert!(printed.contains(done), "{printed}");
    for (topic, key, value) in [
        ("spelled-players", "k1", PLAYER),
        ("spelled-purchases", "", PURCHASE),
    ] {
        let found = contents(&harness::records(&cluster, topic).await);
        let expected = ((key.to_owned(), value.to_owned()), 1);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [expected], "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_smartmodule_that_cannot_run_is_reported_at_the_start() {
    let any = AnyCluster::start();
    let cluster = Cluster::connect(Some(any.address())).await.unwrap();
    create_smartmodules(&cluster, &["valid-events"]).await;
    let endpoint = Endpoint::start(vec![vec![Part::Silence]]);
    let folder = TempDir::new().unwrap();
    for (transforms, message) in [
        (
            "  - uses: unheard-of\n",
            "`unheard-of` failed: the cluster does not have it; \
             create it with `fluvio smartmodule create unheard-of --wasm-file FILE`",
        ),
        (
            "  - uses: group/unheard-of@0.1.0\n",
            "load it with `smdk load`",
        ),
        (
            "  - uses: valid-events\n    with: {kind: player-evens}\n",
            "starting SmartModule `valid-events` failed",
        ),
        (
            "  - uses: valid-events\n    with: {kind: player-evens}\n",
            "player-evens",
        ),
        (
            "  - uses: valid-events\n    wiht: {kind: any}\n",
            "did you mean `with`?",
        ),
    ] {
        let file = configuration(&folder, &endpoint.address, transforms);
        let output = harness::try_run(&["http-source", path(&file), "--cluster", any.address()]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && error.contains(message),
            "{transforms}: {error}"
        );
    }
    assert!(endpoint.requests().is_empty(), "the endpoint is not read");
}
