//! Kills: `kill -9` for the runner, the cluster or both, at random points of a running stream. In
//! the end every derived topic equals the recomputation, no row stands twice, and the accounts add
//! up.

use std::time::Duration;

use client::Cluster;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::harness::{self, LocalCluster, Running};
use crate::oracle;

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
    let mut runner = Running::start(&["run", "--cluster", &address]);
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
            runner = Running::start(&["run", "--cluster", &address]);
        }
    }
    generator.stop();
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    let accepted = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let expected = oracle::level_engagement(&accepted);
    harness::wait_for_rows(&cluster, "level-engagement", &expected, |_| 1e-12).await;
    let purchases = oracle::purchase_events(&harness::records(&cluster, "purchase-events").await);
    harness::wait_for_rows(
        &cluster,
        "purchase-summaries",
        &oracle::purchase_summaries(&purchases),
        |_| 1e-12,
    )
    .await;
    runner.stop();
    assert!(
        harness::records(&cluster, "late-events").await.is_empty(),
        "nothing is that late"
    );
    for (derivation, source, accepted) in [
        ("level-engagement", "player-events", accepted),
        ("purchase-summaries", "purchase-events", purchases),
    ] {
        let (mut accepted_found, mut duplicates_found) = (0, 0);
        let accounts = harness::accounts(&cluster).await;
        for (partition, records) in harness::partitions(&cluster, source)
            .await
            .iter()
            .enumerate()
        {
            let account = &accounts[&format!("{derivation}|{source}|{partition}")];
            harness::assert_adds_up(account);
            assert_eq!(
                account["read"].as_u64().unwrap(),
                records.len() as u64,
                "{account}"
            );
            accepted_found += account["accepted"].as_u64().unwrap();
            duplicates_found += account["duplicate"].as_u64().unwrap();
        }
        assert_eq!(
            accepted_found + duplicates_found,
            accepted.count(),
            "{derivation}"
        );
        if derivation == "purchase-summaries" {
            assert_eq!(
                duplicates_found,
                accepted.duplicates(),
                "resent after a lost answer"
            );
        }
    }
}
