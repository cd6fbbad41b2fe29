//! The topic `accounting`: the record counts of each derivation, by source partition and outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Offset, Partition};
use model::{Reason, SenderAhead, SendersAhead, Timestamp};
use serde::Serialize;
use tokio::time::Instant;

use crate::error::RunError;
use crate::lease::Lease;
use crate::sink::position::Position;
use crate::sink::topic_writer::TopicWriter;
use crate::topics::ACCOUNTING;

/// How often accounts are published.
const INTERVAL: Duration = Duration::from_secs(10);

/// The record counts of one source partition. In every published account `read = accepted + rejected + late +
/// duplicate`. Records that retention removed before they could be read are counted in `evicted`, not in `read`.
#[derive(Serialize)]
struct Account<'a> {
    derivation: &'a str,
    topic: &'a str,
    partition: Partition,
    read: u64,
    accepted: u64,
    rejected: &'a BTreeMap<Reason, u64>,
    late: u64,
    duplicate: u64,
    evicted: u64,
    ahead: u64,
    /// The senders whose events, since the last account, were far ahead of their ingest time, each with its largest
    /// lead. If there are more than eight, only the eight with the largest leads.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    senders_ahead: &'a [SenderAhead],
    next_offset: Offset,
    watermark: Option<Timestamp>,
}

/// Publishes the accounts of one derivation.
pub(crate) struct Accounting {
    writer: TopicWriter,
    derivation: String,
    source: String,
    published: Instant,
}

impl Accounting {
    pub(crate) async fn open(lease: &Lease, source: &str) -> Result<Self, RunError> {
        Ok(Self {
            writer: TopicWriter::leased(lease, ACCOUNTING).await?,
            derivation: lease.derivation().to_owned(),
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
        partitions: &mut [Position],
        watermark: Option<Timestamp>,
    ) -> Result<(), RunError> {
        self.published = Instant::now();
        let mut accounts = Vec::new();
        for (partition, position) in Partition::all().zip(partitions.iter()) {
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
                ahead: position.counts.ahead,
                senders_ahead: &position.ahead.senders,
                next_offset: position.next_offset.max(position.replayed_to),
                watermark,
            };
            let key = format!("{}|{}|{partition}", self.derivation, self.source);
            let value = serde_json::to_vec(&account).map_err(RunError::writing(ACCOUNTING))?;
            accounts.push((key, value));
        }
        self.writer.write(accounts).await?;
        partitions
            .iter_mut()
            .for_each(|position| position.ahead = SendersAhead::default());
        Ok(())
    }
}
