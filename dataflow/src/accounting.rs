//! The topic `accounting`: what became of the records of each partition, for each derivation.

use std::collections::BTreeMap;
use std::time::Duration;

use client::Cluster;
use model::{Reason, Timestamp};
use serde::Serialize;
use tokio::time::Instant;

use crate::error::RunError;
use crate::outlet::Outlet;
use crate::position::Position;
use crate::topics::ACCOUNTING;

/// How often accounts are published.
const INTERVAL: Duration = Duration::from_secs(10);

/// `read = accepted + rejected + late + duplicate`, at every published moment; what was `evicted`
/// before it could be read is beside that.
#[derive(Serialize)]
struct Account<'a> {
    derivation: &'a str,
    topic: &'a str,
    partition: usize,
    read: u64,
    accepted: u64,
    rejected: &'a BTreeMap<Reason, u64>,
    late: u64,
    duplicate: u64,
    evicted: u64,
    next_offset: i64,
    watermark: Option<Timestamp>,
}

/// Publishes the accounts of one derivation.
pub(crate) struct Accounting {
    outlet: Outlet,
    derivation: String,
    source: String,
    published: Instant,
}

impl Accounting {
    pub(crate) async fn open(
        cluster: &Cluster,
        derivation: &str,
        source: &str,
    ) -> Result<Self, RunError> {
        Ok(Self {
            outlet: Outlet::open(cluster, ACCOUNTING).await?,
            derivation: derivation.to_owned(),
            source: source.to_owned(),
            published: Instant::now(),
        })
    }

    /// Whether it is time to publish.
    pub(crate) fn is_due(&self) -> bool {
        self.published.elapsed() >= INTERVAL
    }

    /// Publishes one account per partition.
    pub(crate) async fn publish(
        &mut self,
        partitions: &[Position],
        watermark: Option<Timestamp>,
    ) -> Result<(), RunError> {
        self.published = Instant::now();
        let mut accounts = Vec::new();
        for (partition, position) in partitions.iter().enumerate() {
            let account = Account {
                derivation: &self.derivation,
                topic: &self.source,
                partition,
                read: position.counts.read,
                accepted: position.counts.accepted,
                rejected: &position.counts.rejected,
                late: position.counts.late,
                duplicate: position.counts.duplicate,
                evicted: position.counts.evicted,
                next_offset: position.next_offset.max(position.replayed_to),
                watermark,
            };
            let malformed = |cause| RunError::Derived {
                topic: ACCOUNTING.to_owned(),
                cause,
            };
            let key = format!("{}|{}|{partition}", self.derivation, self.source);
            accounts.push((key, serde_json::to_vec(&account).map_err(malformed)?));
        }
        self.outlet.write(accounts).await.map(drop)
    }
}
