//! Checks that replays recompute history into separate topics, and that two replays give the same bytes.

use client::Cluster;
use serde_json::json;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::oracle;
use crate::queries::{QUERIES, queries};

/// The number of players. Each player has one event per hour. All events of one player are written before those of the
/// next player, so that event times are out of order.
const PLAYERS: usize = 20;
const HOURS: usize = 72;
/// The number of further records, which are not events.
const BROKEN: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_two_replays_are_equal_byte_for_byte_and_right() {
    let node = AnyCluster::start();
    let address = node.address();
    let generator = Generator::at(address).events(20_000);
    generator.seed(8).broken(0.01).run();
    for suffix in ["first", "second"] {
        Runner::at(address).replay_into(suffix).run();
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
        "the derived topic itself is not written"
    );
    let refused = Runner::at(address).replay_into("first").try_run();
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success()
            && error.contains("topic `active-players-first` already contains records"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_history_in_any_order_is_replayed_and_late_events_are_kept() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::windows_and(QUERIES);
    let address = node.address();
    harness::run(&[
        "provision",
        "--cluster",
        address,
        "--dataflow",
        &dataflow.path(),
    ]);
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    produce_history(&cluster).await;
    let replay = |dataflow: &DataflowFile, suffix: &str| {
        let replay = Runner::at(address).dataflow(dataflow).replay_into(suffix);
        String::from_utf8(replay.run().stdout).unwrap()
    };
    let printed = replay(&dataflow, "whole");
    assert!(printed.contains(&summary("whole", 0)), "{printed}");
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let found = oracle::last_revisions(&harness::records(&cluster, "level-engagement-whole").await);
    oracle::assert_rows_equal(&found, &oracle::level_engagement(&players), |_| 1e-12);
    for query in queries() {
        let replayed = harness::records(&cluster, &format!("{}-whole", query.topic)).await;
        let source = harness::records(&cluster, query.source).await;
        let expected = (query.recompute)(&source);
        oracle::assert_rows_equal(&(query.found)(&replayed), &expected, oracle::tolerance);
    }
    assert!(
        harness::records(&cluster, "late-events-whole")
            .await
            .is_empty()
    );

    // If fewer entries fit into memory, windows close earlier and some events are too late. The late events must be in
    // no row, and must be stored as dead letters.
    let short = DataflowFile::of_derivations(
        "\n  level-engagement:\n    from: player-events\n    window: 10s\n    entries_max: 20\n",
    );
    let printed = replay(&short, "-short"); // the suffix may include the dash of the topics' names
    let late = harness::late_in(&cluster, "late-events-short", "level-engagement").await;
    assert!(printed.contains(&summary("short", late.len())), "{printed}");
    assert!(
        !late.is_empty() && printed.contains("are in `late-events-short`"),
        "{printed}"
    );
    let rows = harness::derived(&cluster, "level-engagement-short").await;
    let counted = rows.iter().map(|row| row["events"].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>() as usize, PLAYERS * HOURS - late.len());
}

async fn produce_history(cluster: &Cluster) {
    let producer = cluster.producer("player-events").await.unwrap();
    for player in 0..PLAYERS {
        for hour in 0..HOURS {
            let key = format!("player-{player}");
            let _sent = producer.send(key.clone(), event(&key, hour)).await.unwrap();
        }
    }
    for index in 0..BROKEN {
        let _sent = producer
            .send(index.to_string(), "no event".to_owned())
            .await
            .unwrap();
    }
    producer.flush().await.unwrap();
}

/// Returns the line that a replay of the whole history prints about `level-engagement`.
fn summary(suffix: &str, late: usize) -> String {
    let (read, accepted) = (PLAYERS * HOURS + BROKEN, PLAYERS * HOURS - late);
    format!(
        "level-engagement-{suffix}: read {read} = accepted {accepted} + rejected {BROKEN} (not_json {BROKEN}) \
         + late {late} + duplicate 0\n"
    )
}

fn event(player: &str, hour: usize) -> String {
    let time = format!("2026-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24);
    json!({
        "event_name": "player_action", "event_timestamp": time,
        "parameters": {"player_id": player, "session_id": "s", "event_type": "move", "level_id": "l", "map_id": "m"},
        "user_data": {"user_id": player, "platform": "PC"},
    })
    .to_string()
}
