//! Kills: `kill -9` for the runner, the cluster or both, at random points of a running stream. In
//! the end every derived topic equals the recomputation, no row stands twice, and the accounts add
//! up.

use std::time::{Duration, Instant};

use client::{Cluster, Record};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::harness::{self, LocalCluster, Running};
use crate::map_file::MapFile;
use crate::oracle::{self, Rows, Stuck};
use crate::verdict::{self, Windows};

/// Sessions and visits so short that they begin and end in the midst of the kills.
const FOLLOWING: &str = "
  player-session-summaries:
    from: player-events
    window: {gap: 8s}
  stuck-players:
    from: player-events
    parameters: {min_seconds: 20, min_events: 6, session_gap_s: 10}
";

type Recompute = fn(&[Record]) -> Rows;

/// These, recomputed.
const FOLLOWED: [(&str, Recompute); 2] = [
    ("player-session-summaries", |records| {
        oracle::player_session_summaries(records, 8_000)
    }),
    ("stuck-players", |records| {
        let stuck = Stuck {
            min_ms: 20_000,
            min_events: 6,
            gap_ms: 10_000,
        };
        oracle::stuck_players(records, stuck)
    }),
];

/// Kills in a run of the whole suite; `CHAOS_KILLS` asks for more.
const KILLS: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn results_are_exact_whatever_is_killed() {
    let kills = std::env::var("CHAOS_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("CHAOS_KILLS is a number")
    });
    let seed =
        std::env::var("CHAOS_SEED").map_or(1, |seed| seed.parse().expect("CHAOS_SEED is a number"));
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut node = LocalCluster::start();
    let address = node.address.clone();
    let generator = Running::start(&[
        "generate",
        "--cluster",
        &address,
        "--rate",
        "400",
        "--seed",
        "5",
    ]);
    let map = MapFile::windows_and(FOLLOWING);
    let run = ["run", "--cluster", &address, "--map", &map.path()];
    let mut runner = Running::start(&run);
    for kill in 0..kills {
        // A random moment is what this is about: before and after the lease is taken over, while
        // windows are made again, and while all is well.
        tokio::time::sleep(Duration::from_millis(u64::from(dice.next_u32() % 8_000))).await;
        let what = dice.next_u32() % 3;
        eprintln!(
            "kill {kill} of {kills}: {}",
            ["runner", "cluster", "both"][what as usize]
        );
        if what != 0 {
            node.kill();
        }
        if what != 1 {
            runner.kill();
        }
        if what != 0 {
            node.restart();
        }
        if what != 1 {
            runner = Running::start(&run);
        }
    }
    generator.stop();
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    for (topic, recompute) in FOLLOWED {
        wait_for_recomputed(&cluster, topic, recompute).await;
    }
    verdict::assert_exact(&cluster, runner, Windows::All).await;
}

/// Waits until a topic equals its recomputation from all events that it does not call late. Every
/// look checks that no row stands twice.
async fn wait_for_recomputed(cluster: &Cluster, topic: &str, recompute: Recompute) {
    let deadline = Instant::now() + harness::patience();
    loop {
        let late = harness::late(cluster, topic).await;
        let is_late = |partition: u64, record: &Record| {
            late.contains_key(&("player-events".to_owned(), partition, record.offset))
        };
        let mut on_time = Vec::new();
        for (partition, records) in (0..).zip(harness::partitions(cluster, "player-events").await) {
            let records = records.into_iter();
            on_time.extend(records.filter(|record| !is_late(partition, record)));
        }
        let mut found = oracle::last_revisions(&harness::records(cluster, topic).await);
        found.retain(|_, row| row["withdrawn"] != true);
        let compared = oracle::compare_rows(&found, &recompute(&on_time), |_| 1e-12);
        let Err(difference) = compared else {
            assert!(
                found.len() > 10,
                "{} rows of `{topic}` are no test",
                found.len()
            );
            return;
        };
        assert!(Instant::now() < deadline, "`{topic}`: {difference}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
