//! Recomputes sessions and alerts, which are the derived topics without fixed windows, and waits until each topic
//! equals its recomputation.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use client::{Cluster, Record};

use crate::oracle::{self, FraudRules, Rows, ServerRules, Stuck};
use crate::{harness, verdict};

pub(crate) type Recompute = Box<dyn Fn(&[Record]) -> Rows + Send + Sync>;

/// The partitions and offsets of late records.
type Late = BTreeSet<(u64, i64)>;

/// A derived topic, with a function that reads its rows and one that recomputes them from the records that are not
/// late.
pub(crate) struct Followed {
    pub(crate) topic: &'static str,
    pub(crate) source: &'static str,
    pub(crate) found: fn(&[Record]) -> Rows,
    pub(crate) recompute: Recompute,
}

/// Returns the derived topics without fixed windows, whose recomputations use the given parameters.
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

/// Returns the last revision of each session that is not withdrawn.
fn sessions(records: &[Record]) -> Rows {
    let mut rows = oracle::last_revisions(records);
    rows.retain(|_, row| row["withdrawn"] != true);
    rows
}

impl Followed {
    /// Waits until the rows that end by `until_ms` equal their recomputation, and returns them. Each attempt
    /// also checks that no row is written twice.
    pub(crate) async fn wait_until_exact(&self, cluster: &Cluster, until_ms: i64) -> Rows {
        let ends_by_then = |mut rows: Rows| {
            rows.retain(|_, row| verdict::window_end_ms(row) <= until_ms);
            rows
        };
        let deadline = Instant::now() + harness::WAIT_MAX;
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
            .filter(move |record| !late.contains(&(partition, record.offset.0)))
    });
    records.cloned().collect()
}
