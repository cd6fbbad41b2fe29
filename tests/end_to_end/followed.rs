//! The derived topics that have no fixed windows, sessions and alerts: how each is recomputed, and
//! the wait until it says the same.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use client::{Cluster, Record};

use crate::oracle::{self, FraudRules, Rows, ServerRules, Stuck};
use crate::{harness, verdict};

type Recompute = Box<dyn Fn(&[Record]) -> Rows + Send + Sync>;

/// Partitions and offsets.
type Late = BTreeSet<(u64, i64)>;

/// How one derived topic is recomputed from the records that it does not call late.
pub(crate) struct Followed {
    pub(crate) topic: &'static str,
    pub(crate) source: &'static str,
    found: fn(&[Record]) -> Rows,
    recompute: Recompute,
}

/// All of them, with these parameters.
pub(crate) fn followed(
    gap_ms: i64,
    stuck: Stuck,
    fraud: FraudRules,
    servers: ServerRules,
) -> [Followed; 4] {
    [
        Followed {
            topic: "player-session-summaries",
            source: "player-events",
            found: sessions,
            recompute: Box::new(move |records| oracle::player_session_summaries(records, gap_ms)),
        },
        Followed {
            topic: "stuck-players",
            source: "player-events",
            found: oracle::last_revisions,
            recompute: Box::new(move |records| oracle::stuck_players(records, stuck)),
        },
        Followed {
            topic: "fraud-alerts",
            source: "purchase-events",
            found: oracle::every_revision,
            recompute: Box::new(move |records| oracle::fraud_alerts(records, &fraud)),
        },
        Followed {
            topic: "server-alerts",
            source: "server-metrics",
            found: oracle::every_revision,
            recompute: Box::new(move |records| oracle::server_alerts(records, &servers)),
        },
    ]
}

/// The last revision of each session that has not been taken back.
fn sessions(records: &[Record]) -> Rows {
    let mut rows = oracle::last_revisions(records);
    rows.retain(|_, row| row["withdrawn"] != true);
    rows
}

impl Followed {
    /// Waits until the rows that end by `until_ms` equal their recomputation; these rows. Every look
    /// checks that no row stands twice.
    pub(crate) async fn wait_until_exact(&self, cluster: &Cluster, until_ms: i64) -> Rows {
        let ends_by_then = |mut rows: Rows| {
            rows.retain(|_, row| verdict::window_end_ms(row) <= until_ms);
            rows
        };
        let deadline = Instant::now() + harness::patience();
        let partitions = harness::partitions(cluster, self.source).await;
        let mut expected: Option<(Late, Rows)> = None;
        loop {
            let late = self.late(cluster).await;
            if !matches!(&expected, Some((known, _)) if *known == late) {
                let rows = (self.recompute)(&on_time(&partitions, &late));
                expected = Some((late, ends_by_then(rows)));
            }
            let (_, expected) = expected.as_ref().unwrap();
            let found = (self.found)(&harness::records(cluster, self.topic).await);
            let found = ends_by_then(found);
            let Err(difference) = oracle::compare_rows(&found, expected, oracle::tolerance) else {
                return found;
            };
            assert!(Instant::now() < deadline, "`{}`: {difference}", self.topic);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn late(&self, cluster: &Cluster) -> Late {
        let late = harness::late(cluster, self.topic).await.into_keys();
        late.map(|(_, partition, offset)| (partition, offset))
            .collect()
    }
}

fn on_time(partitions: &[Vec<Record>], late: &Late) -> Vec<Record> {
    let places = (0..).zip(partitions);
    let records = places.flat_map(|(partition, records)| {
        records
            .iter()
            .filter(move |record| !late.contains(&(partition, record.offset)))
    });
    records.cloned().collect()
}
