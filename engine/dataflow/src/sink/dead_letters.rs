//! Dead letters: records that are in no row, written with their payload and the reason. Rejected records go
//! to `rejected-events`, late ones to `late-events`, each exactly once.

mod pending;
mod record;

use std::collections::HashSet;

use client::{Cluster, Mode, Offset, OffsetRange, Partition, PartitionOffset, Record, Start};
use futures_util::StreamExt;
use model::{PayloadPart, REJECTED_EVENTS, RecordKey, Rejection, Timestamp};

use crate::error::RunError;
use crate::lease::Lease;
use crate::output::lateness::{LateEvent, LatePlace};
use crate::output::prior::PriorKeys;
use crate::sink::topic_writer::TopicWriter;
use crate::spec::locate::Locate;
use crate::topics::LATE_EVENTS;

use pending::LateBatch;
pub(crate) use pending::PendingDeadLetters;
use record::{DeadLetter, own};

/// The offsets from which a restart reads dead letters back, and those from which it reads the source again.
pub(crate) struct Restart<'c> {
    /// Start offsets in `rejected-events`.
    pub(crate) rejected_from: &'c [Offset],
    /// Start offsets in `late-events`.
    pub(crate) late_from: &'c [Offset],
    /// For each source partition, in order, the offsets from which it is read again and counted.
    pub(crate) partitions: Vec<ReadAgain>,
}

/// For one source partition, the offset from which a restart reads it again (`rewind_offset`), and the offset from
/// which the restart counts its records (`next_offset`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadAgain {
    pub(crate) rewind_offset: Offset,
    pub(crate) next_offset: Offset,
}

/// Writes the dead letters of one derivation.
pub(crate) struct DeadLetters {
    cluster: Cluster,
    derivation: String,
    source: String,
    /// Whether this derivation writes its source's rejected records.
    rejects: bool,
    /// The writer of rejected records; `None` in a replay, which writes only late events.
    rejected: Option<TopicWriter>,
    late: TopicWriter,
    prior_rejected: PriorKeys,
    prior_late: PriorKeys,
    locate: Box<dyn Locate>,
    /// Whether a restart needs the records in `late-events` to make the same decisions about late events.
    late_needed: bool,
}

impl DeadLetters {
    pub(crate) async fn open(
        lease: &Lease,
        source: &str,
        rejects: bool,
        locate: Box<dyn Locate>,
    ) -> Result<Self, RunError> {
        let late = TopicWriter::leased(lease, LATE_EVENTS).await?;
        let derivation = lease.derivation();
        Ok(Self {
            rejects,
            rejected: Some(TopicWriter::leased(lease, REJECTED_EVENTS).await?),
            ..Self::into(lease.cluster(), derivation, source, late, locate)
        })
    }

    /// Creates a `DeadLetters` that writes only late events, with the writer `late`.
    pub(crate) fn into(
        cluster: &Cluster,
        derivation: &str,
        source: &str,
        late: TopicWriter,
        locate: Box<dyn Locate>,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            derivation: derivation.to_owned(),
            source: source.to_owned(),
            rejects: false,
            rejected: None,
            late,
            prior_rejected: PriorKeys::default(),
            prior_late: PriorKeys::default(),
            locate,
            late_needed: false,
        }
    }

    /// The offsets from which a restart must read back `rejected-events` and `late-events`.
    pub(crate) fn ends(&self) -> (Vec<Offset>, Vec<Offset>) {
        let rejected_ends = self.rejected.as_ref().map_or(&[][..], TopicWriter::ends);
        (
            self.prior_rejected.from(rejected_ends, false),
            self.prior_late.from(self.late.ends(), self.late_needed),
        )
    }

    /// Reads back the dead letters from the offsets in `restart` on. Remembers those that must not be written again,
    /// and passes to `late` the late events whose source records are read again.
    pub(crate) async fn read_back(
        &mut self,
        restart: &Restart<'_>,
        late: impl FnMut(LateEvent),
    ) -> Result<(), RunError> {
        self.prior_late = PriorKeys::after(&self.late.padded(restart.late_from));
        self.read_back_rejected(restart).await?;
        self.read_back_late(restart, late).await
    }

    async fn read_back_rejected(&mut self, restart: &Restart<'_>) -> Result<(), RunError> {
        let prefix = format!("{}|", self.source);
        let Some(writer) = &self.rejected else {
            return Ok(());
        };
        let prior = &mut self.prior_rejected;
        *prior = PriorKeys::after(&writer.padded(restart.rejected_from));
        if !self.rejects {
            return Ok(());
        }
        writer
            .read_back(restart.rejected_from, |record| {
                let Some((key, dead_letter)) = own(&record, &prefix, REJECTED_EVENTS)? else {
                    return Ok(());
                };
                let partition = restart.partitions.get(dead_letter.partition.index());
                if partition.is_some_and(|again| dead_letter.offset >= again.next_offset) {
                    prior.add(key);
                }
                Ok(())
            })
            .await
    }

    async fn read_back_late(
        &mut self,
        restart: &Restart<'_>,
        mut late: impl FnMut(LateEvent),
    ) -> Result<(), RunError> {
        let prefix = format!("{}|", self.derivation);
        let prior = &mut self.prior_late;
        self.late
            .read_back(restart.late_from, |record| {
                let Some((key, dead_letter)) = own(&record, &prefix, LATE_EVENTS)? else {
                    return Ok(());
                };
                let Some(again) = restart.partitions.get(dead_letter.partition.index()) else {
                    return Ok(());
                };
                if dead_letter.offset >= again.next_offset {
                    prior.add(key);
                }
                if let Some(time) = dead_letter.event_time
                    && dead_letter.offset >= again.rewind_offset
                {
                    late(LateEvent {
                        at: dead_letter.at(),
                        time,
                        key: dead_letter.key.as_deref().map(RecordKey::from),
                    });
                }
                Ok(())
            })
            .await
    }

    /// Fetches the payloads of all pending dead letters, and writes them.
    pub(crate) async fn flush(
        &mut self,
        pending: &mut PendingDeadLetters,
        watermark: Option<Timestamp>,
        late_needed: bool,
    ) -> Result<(), RunError> {
        let rejected = std::mem::take(&mut pending.rejected);
        if self.rejects && !rejected.is_empty() {
            let records = self.rejected_records(rejected).await?;
            if let Some(writer) = &mut self.rejected {
                writer.write(records).await?;
            }
        }
        self.flush_late(pending, watermark).await?;
        self.late_needed = late_needed;
        Ok(())
    }

    /// Fetches and writes only the pending late events. They must be written before the rows that leave them out.
    pub(crate) async fn flush_late(
        &mut self,
        pending: &mut PendingDeadLetters,
        watermark: Option<Timestamp>,
    ) -> Result<(), RunError> {
        let mut batches = std::mem::take(&mut pending.late);
        batches.sort_by_key(|batch| (batch.partition, batch.offsets.start));
        for near in batches.chunk_by(LateBatch::is_near) {
            let records = self.late_records(near, watermark).await?;
            self.late.write(records).await?;
        }
        Ok(())
    }

    async fn rejected_records(
        &mut self,
        mut places: Vec<PartitionOffset>,
    ) -> Result<Vec<(String, Vec<u8>)>, RunError> {
        places.sort_unstable();
        let mut records_to_write = Vec::new();
        for chunk in places.chunk_by(|a, b| a.partition == b.partition) {
            let (first, last) = (chunk[0], chunk[chunk.len() - 1]);
            let (partition, offsets) = (
                first.partition,
                OffsetRange {
                    start: first.offset,
                    end: last.offset.next(),
                },
            );
            let wanted: HashSet<_> = chunk.iter().map(|at| at.offset).collect();
            let wanted = |offset| wanted.contains(&offset);
            for record in self.fetch(partition, offsets, wanted).await? {
                let rejection = self.locate.locate(&record.value).err();
                let key = format!("{}|{partition}|{}", self.source, record.offset);
                records_to_write.extend(self.parts(
                    REJECTED_EVENTS,
                    &key,
                    &record,
                    self.refused(partition, &record, rejection),
                )?);
            }
        }
        Ok(records_to_write)
    }

    /// Fetches the late records of these batches and returns their dead letters. All batches must be of the same
    /// partition and ordered by offset.
    async fn late_records(
        &mut self,
        batches: &[LateBatch],
        watermark: Option<Timestamp>,
    ) -> Result<Vec<(String, Vec<u8>)>, RunError> {
        let topic = self.late.topic().to_owned();
        let (first, last) = (&batches[0], &batches[batches.len() - 1]);
        let partition = first.partition;
        let offsets = OffsetRange {
            start: first.offsets.start,
            end: last.offsets.end,
        };
        let batch_of = |offset: Offset| {
            let index = batches.partition_point(|batch| batch.offsets.end <= offset);
            batches
                .get(index)
                .filter(|batch| batch.offsets.contains(offset))
        };
        let mut records_to_write = Vec::new();
        let records = self
            .fetch(partition, offsets, |offset| batch_of(offset).is_some())
            .await?;
        for record in records {
            let Ok(event) = self.locate.locate(&record.value) else {
                continue;
            };
            let late = batch_of(record.offset).and_then(|batch| batch.late_at(&event));
            let Some(LatePlace { cause, .. }) = late else {
                continue;
            };
            let (reason, detail) = cause.words();
            let late = DeadLetter {
                derivation: Some(self.derivation.clone()),
                key: event.only_key().map(RecordKey::to_string),
                event_time: Some(event.time),
                watermark,
                reason: reason.to_owned(),
                detail: detail.to_owned(),
                ..self.refused(partition, &record, None)
            };
            let key = format!(
                "{}|{}|{partition}|{}",
                self.derivation, self.source, record.offset
            );
            records_to_write.extend(self.parts(&topic, &key, &record, late)?);
        }
        Ok(records_to_write)
    }

    /// Creates the dead letter of a rejected record, without its payload. If `rejection` is `None`, the record can be
    /// parsed, so it was rejected because its time is too far ahead of its ingest time. For late records, the caller
    /// replaces that reason.
    fn refused(
        &self,
        partition: Partition,
        record: &Record,
        rejection: Option<Rejection>,
    ) -> DeadLetter {
        let is_ahead = || Rejection::new(model::Reason::FutureTimestamp, self.locate.event_time());
        let rejection = rejection.unwrap_or_else(is_ahead);
        DeadLetter {
            topic: self.source.clone(),
            partition,
            offset: record.offset,
            received_at: record.timestamp_ms.map(Timestamp::from_millis),
            reason: rejection.reason.to_string(),
            detail: rejection.subject.into_owned(),
            derivation: None,
            key: None,
            event_time: None,
            watermark: None,
            payload: None,
        }
    }

    /// Splits a dead letter into the records to write: one, or several if its payload is too large for one.
    /// Leaves out records that an earlier runner has already written.
    fn parts(
        &mut self,
        topic: &str,
        key: &str,
        record: &Record,
        mut dead_letter: DeadLetter,
    ) -> Result<Vec<(String, Vec<u8>)>, RunError> {
        let mut parts = Vec::new();
        for part in PayloadPart::all_of(&record.value) {
            let key = format!("{key}|{}", part.part);
            if self.prior_rejected.take(key.as_bytes()) || self.prior_late.take(key.as_bytes()) {
                continue;
            }
            dead_letter.payload = Some(part);
            let value = serde_json::to_vec(&dead_letter).map_err(RunError::writing(topic))?;
            parts.push((key, value));
        }
        Ok(parts)
    }

    /// Fetches the source records at the wanted offsets, without a SmartModule. Other records, possibly millions,
    /// are dropped while reading.
    async fn fetch(
        &self,
        partition: Partition,
        offsets: OffsetRange,
        wanted: impl Fn(Offset) -> bool,
    ) -> Result<Vec<Record>, RunError> {
        let mut stream = self
            .cluster
            .records(
                &self.source,
                partition,
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
