//! Records that did not make it into a number, with their payload and their reason: rejected ones
//! go to `rejected-events`, late ones to `late-events`, each once.

mod pending;
mod record;

use std::collections::HashSet;

use client::{Cluster, Mode, Record, Start};
use futures_util::StreamExt;
use model::{PayloadPart, REJECTED_EVENTS, RecordKey, Rejection, Timestamp};

use crate::checkpoint::Checkpoint;
use crate::error::RunError;
use crate::outlet::Outlet;
use crate::standing::StandingKeys;
use crate::topics::LATE_EVENTS;
use crate::windows::{AnyWindows, LatePlace};

use pending::LateBatch;
pub(crate) use pending::Pending;
use record::{Diverted, own};

/// Where an event stands that was late, its time and its key.
pub(crate) type StandingLate = ((usize, i64), Timestamp, Option<RecordKey>);

/// Diverts the records of one derivation.
pub(crate) struct Diversion {
    cluster: Cluster,
    derivation: String,
    source: String,
    /// Whether this derivation speaks for its source's rejected records.
    rejects: bool,
    rejected: Outlet,
    late: Outlet,
    rejected_standing: StandingKeys,
    late_standing: StandingKeys,
    /// Whether windows in memory still need what stands in `late-events`.
    late_needed: bool,
}

impl Diversion {
    pub(crate) async fn open(
        cluster: &Cluster,
        derivation: &str,
        source: &str,
        rejects: bool,
    ) -> Result<Self, RunError> {
        Ok(Self {
            cluster: cluster.clone(),
            derivation: derivation.to_owned(),
            source: source.to_owned(),
            rejects,
            rejected: Outlet::open(cluster, REJECTED_EVENTS).await?,
            late: Outlet::open(cluster, LATE_EVENTS).await?,
            rejected_standing: StandingKeys::default(),
            late_standing: StandingKeys::default(),
            late_needed: false,
        })
    }

    /// Where a restart must begin to look, in `rejected-events` and `late-events`.
    pub(crate) fn ends(&self) -> (Vec<i64>, Vec<i64>) {
        (
            self.rejected_standing.from(self.rejected.ends(), false),
            self.late_standing.from(self.late.ends(), self.late_needed),
        )
    }

    /// Notes what stands behind the checkpoint, and hands the late events among it to `late`.
    pub(crate) async fn read_back(
        &mut self,
        checkpoint: &Checkpoint,
        late: impl FnMut(StandingLate),
    ) -> Result<(), RunError> {
        self.rejected_standing = StandingKeys::behind(&checkpoint.rejected_from);
        self.late_standing = StandingKeys::behind(&checkpoint.late_from);
        if self.rejects {
            self.read_back_rejected(checkpoint).await?;
        }
        self.read_back_late(checkpoint, late).await
    }

    async fn read_back_rejected(&mut self, checkpoint: &Checkpoint) -> Result<(), RunError> {
        let prefix = format!("{}|", self.source);
        let standing = &mut self.rejected_standing;
        self.rejected
            .read_back(&checkpoint.rejected_from, |record| {
                let Some((key, diverted)) = own(&record, &prefix, REJECTED_EVENTS)? else {
                    return Ok(());
                };
                let partition = checkpoint.partitions.get(diverted.partition);
                if partition.is_some_and(|partition| partition.counts_anew(diverted.offset)) {
                    standing.add(key);
                }
                Ok(())
            })
            .await
    }

    async fn read_back_late(
        &mut self,
        checkpoint: &Checkpoint,
        mut late: impl FnMut(StandingLate),
    ) -> Result<(), RunError> {
        let prefix = format!("{}|", self.derivation);
        let standing = &mut self.late_standing;
        self.late
            .read_back(&checkpoint.late_from, |record| {
                let Some((key, diverted)) = own(&record, &prefix, LATE_EVENTS)? else {
                    return Ok(());
                };
                let Some(partition) = checkpoint.partitions.get(diverted.partition) else {
                    return Ok(());
                };
                if partition.counts_anew(diverted.offset) {
                    standing.add(key);
                }
                if let Some(time) = diverted.event_time
                    && partition.reads_again(diverted.offset)
                {
                    let place = (diverted.partition, diverted.offset);
                    let key = diverted.key.as_deref().map(RecordKey::from);
                    late((place, time, key));
                }
                Ok(())
            })
            .await
    }

    /// Fetches the payloads of what is pending and writes it.
    pub(crate) async fn flush(
        &mut self,
        pending: &mut Pending,
        windows: &dyn AnyWindows,
        watermark: Option<Timestamp>,
    ) -> Result<(), RunError> {
        let rejected = std::mem::take(&mut pending.rejected);
        if self.rejects && !rejected.is_empty() {
            let records = self.rejected_records(rejected, windows).await?;
            self.rejected.write(records).await?;
        }
        self.flush_late(pending, windows, watermark).await?;
        self.late_needed = windows.late_stands();
        Ok(())
    }

    /// The same of late events alone: they have to stand before rows that know of their lateness.
    pub(crate) async fn flush_late(
        &mut self,
        pending: &mut Pending,
        windows: &dyn AnyWindows,
        watermark: Option<Timestamp>,
    ) -> Result<(), RunError> {
        let mut batches = std::mem::take(&mut pending.late);
        batches.sort_by_key(|batch| (batch.partition, batch.offsets.start));
        for near in batches.chunk_by(LateBatch::is_near) {
            let records = self.late_records(near, windows, watermark).await?;
            self.late.write(records).await?;
        }
        Ok(())
    }

    async fn rejected_records(
        &mut self,
        mut places: Vec<(usize, i64)>,
        windows: &dyn AnyWindows,
    ) -> Result<Vec<(String, Vec<u8>)>, RunError> {
        places.sort_unstable();
        let mut diverted = Vec::new();
        for chunk in places.chunk_by(|a, b| a.0 == b.0) {
            let (partition, wanted) = (
                chunk[0].0,
                chunk
                    .iter()
                    .map(|(_, offset)| *offset)
                    .collect::<HashSet<_>>(),
            );
            let offsets = chunk[0].1..chunk[chunk.len() - 1].1 + 1;
            let wanted = |offset| wanted.contains(&offset);
            for record in self.fetch(partition, offsets, wanted).await? {
                let rejection = windows.place(&record.value).err();
                let key = format!("{}|{partition}|{}", self.source, record.offset);
                diverted.extend(self.parts(
                    &key,
                    &record,
                    self.refused(partition, &record, rejection),
                )?);
            }
        }
        Ok(diverted)
    }

    /// The late records of batches of one partition, in the order of their offsets.
    async fn late_records(
        &mut self,
        batches: &[LateBatch],
        windows: &dyn AnyWindows,
        watermark: Option<Timestamp>,
    ) -> Result<Vec<(String, Vec<u8>)>, RunError> {
        let (first, last) = (&batches[0], &batches[batches.len() - 1]);
        let (partition, offsets) = (first.partition, first.offsets.start..last.offsets.end);
        let batch_of = |offset: i64| {
            let behind = batches.partition_point(|batch| batch.offsets.end <= offset);
            batches
                .get(behind)
                .filter(|batch| batch.offsets.contains(&offset))
        };
        let mut diverted = Vec::new();
        let records = self
            .fetch(partition, offsets, |offset| batch_of(offset).is_some())
            .await?;
        for record in records {
            let Ok((time, place)) = windows.place(&record.value) else {
                continue;
            };
            let late = batch_of(record.offset).and_then(|batch| batch.late_at(time, &place));
            let Some(LatePlace { cause, .. }) = late else {
                continue;
            };
            let (reason, detail) = cause.words();
            let late = Diverted {
                derivation: Some(self.derivation.clone()),
                key: Some(place.to_string()),
                event_time: Some(time),
                watermark,
                reason: reason.to_owned(),
                detail: detail.to_owned(),
                ..self.refused(partition, &record, None)
            };
            let key = format!(
                "{}|{}|{partition}|{}",
                self.derivation, self.source, record.offset
            );
            diverted.extend(self.parts(&key, &record, late)?);
        }
        Ok(diverted)
    }

    /// What is said of a rejected record. Only its ingest time tells the future from the present,
    /// so a record that parses was refused for that.
    fn refused(&self, partition: usize, record: &Record, rejection: Option<Rejection>) -> Diverted {
        let rejection = rejection.unwrap_or(Rejection::new(
            model::Reason::FutureTimestamp,
            "event_timestamp",
        ));
        Diverted {
            topic: self.source.clone(),
            partition,
            offset: record.offset,
            received_at: record.timestamp_ms.map(Timestamp::from_millis),
            reason: rejection.reason.to_string(),
            detail: rejection.subject.to_owned(),
            derivation: None,
            key: None,
            event_time: None,
            watermark: None,
            payload: None,
        }
    }

    /// The records of one diverted record: one, or as many as its payload needs.
    fn parts(
        &mut self,
        key: &str,
        record: &Record,
        mut diverted: Diverted,
    ) -> Result<Vec<(String, Vec<u8>)>, RunError> {
        let mut parts = Vec::new();
        for part in PayloadPart::all_of(&record.value) {
            let key = format!("{key}|{}", part.part);
            if self.rejected_standing.take(key.as_bytes())
                || self.late_standing.take(key.as_bytes())
            {
                continue;
            }
            diverted.payload = Some(part);
            let malformed = |cause| RunError::Derived {
                topic: REJECTED_EVENTS.to_owned(),
                cause,
            };
            parts.push((key, serde_json::to_vec(&diverted).map_err(malformed)?));
        }
        Ok(parts)
    }

    /// The plain source records at those of these offsets that are wanted; the others, which may
    /// be millions, are not kept.
    async fn fetch(
        &self,
        partition: usize,
        offsets: std::ops::Range<i64>,
        wanted: impl Fn(i64) -> bool,
    ) -> Result<Vec<Record>, RunError> {
        let mut stream = self
            .cluster
            .records(
                &self.source,
                partition as u32,
                Start::Offset(offsets.start),
                Mode::UntilEnd,
            )
            .await?;
        let mut records = Vec::new();
        while let Some(record) = stream.next().await {
            let record = record?;
            if record.offset >= offsets.end {
                break;
            }
            if wanted(record.offset) {
                records.push(record);
            }
        }
        Ok(records)
    }
}
