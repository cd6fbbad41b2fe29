//! Checks the final results of a test that may have killed processes: every derived row must equal its recomputation,
//! none may be written twice, and every account must add up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use client::{Cluster, Record};
use serde_json::Value;

use crate::harness::{self, Running};
use crate::oracle::{self, RECOMPUTATIONS, Recomputation};

/// The length of most windows. The last of them end within this time after the last record.
const SOON_MS: i64 = 10_000;

/// The maximum share of late events. Events are late only if the cluster delayed them by a minute, or if the test sends
/// them late on purpose.
const LATE_SHARE_MAX: f64 = 0.05;

/// The windows that are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Windows {
    /// All windows. The check has to wait for the longest one.
    All,
    /// Windows that end at most ten seconds after the last record.
    EndingSoon,
    /// Windows that end by this time, in milliseconds since 1970.
    Until(i64),
}

/// Waits until the derived topics reflect all source records, stops the runner, and checks everything it has written.
pub(crate) async fn assert_exact(cluster: &Cluster, runner: Running, windows: Windows) {
    let mut worlds = wait_until_exact(cluster, windows).await;
    runner.stop();
    let accounts = accounts(cluster).await;
    for world in &mut worlds {
        world.read_late(cluster).await;
        if let Err(difference) = world.compare_rows(cluster).await {
            panic!("`{}`: {difference}", world.recomputation.topic);
        }
        world.assert_accounts(&accounts);
    }
}

/// Waits until the derived topics reflect all source records.
pub(crate) async fn wait_until_exact(cluster: &Cluster, windows: Windows) -> Vec<World> {
    let mut worlds = Vec::new();
    for recomputation in &RECOMPUTATIONS {
        let mut world = World::read(cluster, recomputation, windows).await;
        world.wait_for_rows(cluster).await;
        worlds.push(world);
    }
    worlds
}

/// Returns every account that was ever published, with its key, in order. Checks that each adds up.
pub(crate) async fn accounts(cluster: &Cluster) -> Vec<(String, Value)> {
    let mut accounts = Vec::new();
    for record in harness::records(cluster, "accounting").await {
        let account: Value = serde_json::from_slice(&record.value).unwrap();
        harness::assert_adds_up(&account);
        let key = record.key.expect("accounts have keys").to_vec();
        accounts.push((String::from_utf8(key).unwrap(), account));
    }
    accounts
}

/// The source records of one derived topic, and the rows that must result from them.
pub(crate) struct World {
    recomputation: &'static Recomputation,
    partitions: Vec<Vec<Record>>,
    /// The late records by partition and offset; `None` until they are known.
    late: Option<BTreeSet<(u64, i64)>>,
    accepted: oracle::Accepted,
    rows: oracle::Rows,
    /// Windows that end later are not compared.
    until_ms: i64,
}

impl World {
    async fn read(
        cluster: &Cluster,
        recomputation: &'static Recomputation,
        windows: Windows,
    ) -> Self {
        let partitions = harness::partitions(cluster, recomputation.source).await;
        let records = partitions.iter().flatten();
        let last_ms = records.filter_map(|record| record.timestamp_ms).max();
        Self {
            until_ms: match windows {
                Windows::All => i64::MAX,
                Windows::EndingSoon => last_ms.unwrap_or(0) + SOON_MS,
                Windows::Until(until_ms) => until_ms,
            },
            accepted: oracle::Accepted::default(),
            rows: oracle::Rows::new(),
            partitions,
            late: None,
            recomputation,
        }
    }

    /// Reads the late events, which must not be part of any row, and recomputes the rows.
    async fn read_late(&mut self, cluster: &Cluster) {
        let late: BTreeSet<_> = harness::late(cluster, self.recomputation.topic)
            .await
            .into_keys()
            .map(|(_, partition, offset)| (partition, offset))
            .collect();
        if self.late.as_ref() == Some(&late) {
            return;
        }
        let on_time: Vec<Record> = (0..)
            .zip(&self.partitions)
            .flat_map(|(partition, records)| records.iter().map(move |record| (partition, record)))
            .filter(|(partition, record)| !late.contains(&(*partition, record.offset.0)))
            .map(|(_, record)| record.clone())
            .collect();
        self.accepted = (self.recomputation.accept)(&on_time);
        self.rows = (self.recomputation.rows)(&self.accepted);
        self.late = Some(late);
    }

    async fn compare_rows(&self, cluster: &Cluster) -> Result<(), String> {
        let found = harness::records(cluster, self.recomputation.topic).await;
        let mut found = oracle::last_revisions(&found);
        let mut expected = self.rows.clone();
        for rows in [&mut found, &mut expected] {
            rows.retain(|_, row| window_end_ms(row) <= self.until_ms);
        }
        oracle::compare_rows(&found, &expected, oracle::tolerance)
    }

    async fn wait_for_rows(&mut self, cluster: &Cluster) {
        let deadline = Instant::now() + harness::WAIT_MAX;
        loop {
            self.read_late(cluster).await;
            let Err(difference) = self.compare_rows(cluster).await else {
                return;
            };
            let topic = self.recomputation.topic;
            assert!(Instant::now() < deadline, "`{topic}`: {difference}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Checks that the last account of each partition counts every record of the partition.
    fn assert_accounts(&self, accounts: &[(String, Value)]) {
        let Recomputation {
            topic,
            source,
            unique,
            ..
        } = self.recomputation;
        let kept = self.late.as_ref().map_or(0, BTreeSet::len);
        let (mut accepted, mut late, mut duplicate) = (0, 0, 0);
        for (partition, records) in self.partitions.iter().enumerate() {
            let wanted = format!("{topic}|{source}|{partition}");
            let (_, account) = accounts
                .iter()
                .rfind(|(key, _)| *key == wanted)
                .unwrap_or_else(|| panic!("no account `{wanted}`"));
            let count = |name: &str| account[name].as_u64().unwrap();
            assert_eq!(
                (count("read"), count("next_offset")),
                (records.len() as u64, records.len() as u64),
                "{account}"
            );
            accepted += count("accepted");
            late += count("late");
            duplicate += count("duplicate");
        }
        let repeated = if *unique {
            self.accepted.duplicates()
        } else {
            0
        };
        assert_eq!(
            (accepted, late, duplicate),
            (self.accepted.count() - repeated, kept as u64, repeated),
            "{topic}: accepted, late, duplicate"
        );
        let records = self.partitions.iter().map(Vec::len).sum::<usize>();
        assert!(
            kept as f64 <= records as f64 * LATE_SHARE_MAX,
            "{topic}: {kept} of {records} records are late"
        );
    }
}

/// Returns the end of a row's window.
pub(crate) fn window_end_ms(row: &Value) -> i64 {
    let end: jiff::Timestamp = row["window_end"].as_str().unwrap().parse().unwrap();
    end.as_millisecond()
}
