//! Replay: history recomputed into topics of its own, twice the same byte for byte.

use client::Cluster;

use crate::harness::{self, AnyCluster};
use crate::oracle;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_two_replays_are_equal_byte_for_byte_and_right() {
    let node = AnyCluster::start();
    let address = node.address();
    let generate = |seed: &str| {
        harness::run(&[
            "generate",
            "--cluster",
            address,
            "--events",
            "20000",
            "--seed",
            seed,
            "--broken",
            "0.01",
        ])
    };
    generate("8");
    for suffix in ["first", "second"] {
        let args = [
            "run",
            "--cluster",
            address,
            "--metrics-addr",
            "127.0.0.1:0",
            "--from",
            "beginning",
            "--into",
            suffix,
        ];
        harness::run(&args);
    }
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    for derivation in oracle::RECOMPUTATIONS.map(|recomputation| recomputation.topic) {
        let first = harness::records(&cluster, &format!("{derivation}-first")).await;
        let second = harness::records(&cluster, &format!("{derivation}-second")).await;
        let contents = |records: &[client::Record]| {
            records
                .iter()
                .map(|record| (record.key.clone(), record.value.clone()))
                .collect::<Vec<_>>()
        };
        assert!(
            !first.is_empty() && contents(&first) == contents(&second),
            "{derivation}"
        );
    }
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let found = oracle::last_revisions(&harness::records(&cluster, "level-engagement-first").await);
    oracle::assert_rows_equal(&found, &oracle::level_engagement(&players), |_| 1e-12);
    assert!(
        harness::records(&cluster, "level-engagement")
            .await
            .is_empty(),
        "the derived topic itself is not touched"
    );
    let refused = harness::try_run(&[
        "run",
        "--cluster",
        address,
        "--metrics-addr",
        "127.0.0.1:0",
        "--from",
        "beginning",
        "--into",
        "first",
    ]);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success()
            && error.contains("topic `active-players-first` holds records already"),
        "{error}"
    );
}
