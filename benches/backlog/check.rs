//! Checks what the runner wrote: the accounts must add up and cover every record, and derived topics with short
//! windows must have rows.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use client::{Cluster, Mode, Partition, Start};
use futures_util::TryStreamExt;
use serde::Deserialize;

/// Derivations with windows of at most 10 s. Even in the small backlog, some of these windows close. The other
/// derivations may have no rows: windows of a minute and sessions may stay open, and a world without incidents raises
/// no alerts.
const SHORT_WINDOWS: [&str; 5] = [
    "active-players",
    "level-engagement",
    "player-activity",
    "purchase-summaries",
    "server-health",
];

/// The counts of a derivation and partition in `accounting`.
#[derive(Deserialize)]
struct Account {
    read: u64,
    accepted: u64,
    rejected: BTreeMap<String, u64>,
    late: u64,
    duplicate: u64,
}

/// Checks the accounts and the derived topics of a stopped runner, and returns the number of all rows.
pub(crate) async fn check(
    cluster: &Cluster,
    expected: &BTreeMap<String, u64>,
) -> anyhow::Result<u64> {
    let mut read = BTreeMap::<String, u64>::new();
    for (key, account) in accounts(cluster).await? {
        let rejected: u64 = account.rejected.values().sum();
        let sum = account.accepted + rejected + account.late + account.duplicate;
        ensure!(
            account.read == sum,
            "`{key}`: {} records are read, not {sum}",
            account.read
        );
        let derivation = key.split('|').next().unwrap_or_default();
        *read.entry(derivation.to_owned()).or_default() += account.read;
    }
    ensure!(read == *expected, "accounted {read:?} of {expected:?}");
    let mut rows = 0;
    for derivation in expected.keys() {
        let its_rows = rows_in(cluster, derivation).await?;
        ensure!(
            its_rows > 0 || !SHORT_WINDOWS.contains(&derivation.as_str()),
            "`{derivation}` has no rows"
        );
        rows += its_rows;
    }
    Ok(rows)
}

/// Returns the last account of each derivation and partition.
async fn accounts(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, Account>> {
    const TOPIC: &str = "accounting";
    let mut accounts = BTreeMap::new();
    for partition in 0..cluster.partition_count(TOPIC).await? {
        let mut records = cluster
            .records(
                TOPIC,
                Partition(partition),
                Start::Beginning,
                Mode::UntilEnd,
            )
            .await?;
        while let Some(record) = records.try_next().await? {
            let key = record.key.context("an account has a key")?;
            let key = String::from_utf8_lossy(&key).into_owned();
            accounts.insert(key, serde_json::from_slice(&record.value)?);
        }
    }
    Ok(accounts)
}

async fn rows_in(cluster: &Cluster, topic: &str) -> anyhow::Result<u64> {
    let mut rows = 0;
    for partition in Partition::of(cluster.partition_count(topic).await?) {
        rows += u64::try_from(cluster.end_offset(topic, partition).await?.0)?;
    }
    Ok(rows)
}
