//! Kills the runner, the cluster or both with `kill -9` at random moments while events arrive. In the end
//! every derived topic must equal its recomputation, no row may be written twice, and the accounts must add
//! up.

use std::time::Duration;

use client::Cluster;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::followed::followed;
use crate::harness::{self, AnyCluster};
use crate::oracle::{FraudRules, Limit, ServerRules, Stuck};
use crate::queries::{QUERIES, early_rows, queries};
use crate::verdict::{self, Windows};

/// The derivations without fixed windows. Their parameters make sessions, visits of levels, bursts of purchases and
/// silences of servers so short that many of them begin and end during the test.
const FOLLOWING: &str = "
  player-session-summaries:
    from: player-events
    window: {gap: 8s}
  stuck-players:
    from: player-events
    parameters: {min_seconds: 20, min_events: 6, session_gap_s: 10}
  fraud-alerts:
    from: purchase-events
    parameters:
      velocity_n: 1
      velocity_window_s: 30
      amount_spike_k: 2
      amount_spike_m: 1
      amount_spike_limit: 30
      amount_spike_window_s: 60
      card_testing_n: 1
      card_testing_small: 5
      card_testing_large: 10
      card_testing_window_s: 60
      refund_abuse_n: 1
      refund_abuse_r: 0.1
      refund_abuse_window_s: 60
      multi_currency_window_s: 60
      transaction_conflict_window_s: 60
  server-alerts:
    from: server-metrics
    parameters:
      window_s: 2
      cpu_percent: 52
      memory_percent: 52
      percent_margin: 3
      latency_ms: 20
      latency_margin_ms: 2
      silent_s: 5
      forget_s: 40
";

/// The session gap for the recomputations. It and the following constants repeat the parameters above.
const GAP_MS: i64 = 8_000;
const STUCK: Stuck = Stuck {
    min_ms: 20_000,
    min_events: 6,
    gap_ms: 10_000,
};
const FRAUD: FraudRules = FraudRules {
    velocity: (1, 30),
    spike_k: 2,
    spike_m: 1,
    spike_limit: Limit::Amount(30),
    spike_window_s: 60,
    testing_n: 1,
    testing_small: Limit::Amount(5),
    testing_large: Limit::Amount(10),
    testing_window_s: 60,
    refunds_n: 1,
    refunds_r: 100,
    refunds_window_s: 60,
    currencies: (1, 60),
    platforms: (1, 60),
    conflict_window_s: 60,
};
/// All latencies are clearly above 20 ms, so sketches and exact values lead to the same alerts.
const SERVERS: ServerRules = ServerRules {
    window_s: 2,
    percent: 52.0,
    percent_margin: 3.0,
    latency_ms: 20.0,
    latency_margin_ms: 2.0,
    silent_s: 5,
    forget_s: 40,
};

/// The number of kills in a run of the whole suite. `CHAOS_KILLS` overrides it.
const KILLS: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_results_are_exact_whatever_is_killed() {
    let kills = std::env::var("CHAOS_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("CHAOS_KILLS is a number")
    });
    let seed =
        std::env::var("CHAOS_SEED").map_or(1, |seed| seed.parse().expect("CHAOS_SEED is a number"));
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut cluster = AnyCluster::start();
    let address = cluster.address().to_owned();
    let generator = Generator::at(&address)
        .rate(400)
        .seed(5)
        .incidents(1200)
        .start();
    let dataflow = DataflowFile::windows_and(&format!("{FOLLOWING}{QUERIES}"));
    let run = Runner::at(&address).dataflow(&dataflow);
    let mut runner = run.start();
    let mut restarts = 0;
    for kill in 0..kills {
        // The moment is random, so that kills occur before and after the runner takes over the leases, while it
        // rebuilds windows, and in normal operation.
        tokio::time::sleep(Duration::from_millis(u64::from(dice.next_u32() % 8_000))).await;
        let mut what = dice.next_u32() % 3;
        if restarts == cluster.restarts_max() {
            what = 0;
        }
        eprintln!(
            "kill {kill} of {kills}: {}",
            ["runner", "cluster", "both"][what as usize]
        );
        if what == 2 {
            runner.kill();
        }
        if what != 0 {
            restarts += 1;
            cluster.restart_server();
        }
        if what == 0 {
            runner.kill();
        }
        if what != 1 {
            runner = run.start();
        }
    }
    generator.stop();
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    let followed = followed(GAP_MS, STUCK, FRAUD, SERVERS);
    for one in followed.into_iter().chain(queries()) {
        let rows = one.wait_until_exact(&cluster, i64::MAX).await.len();
        assert!(rows > 10, "{rows} rows of `{}` are not a test", one.topic);
    }
    for topic in ["sql-level-engagement", "sql-odd-levels", "sql-visits"] {
        let early = early_rows(&harness::records(&cluster, topic).await);
        assert!(early > 10, "{early} early rows of `{topic}` are not a test");
    }
    verdict::assert_exact(&cluster, runner, Windows::All).await;
}
