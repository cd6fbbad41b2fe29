//! `Idempotency-Key`: a repeated request writes nothing again, even after a crash.
//!
//! The journal is a topic. Before the records of a request with a key are written, an *intent* is written to the
//! journal: the digest of the request and the end offsets of its topics. After the records are written, their
//! offsets are written to the journal. If the journal contains the offsets of its records, a repeated request
//! gets the same response as the first one. The response is computed from the body alone. If the journal contains
//! only the intent, the topics are read back from the offsets in the intent, and only the missing records are
//! written.

mod journal;
mod read_back;
mod request;
mod request_table;

use std::sync::Arc;

use bytes::Bytes;
use client::{Cluster, now_ms};
use model::Timestamp;
use tokio::sync::RwLock;
use tokio::time::{Instant, sleep_until};

use crate::answer::Answer;
use crate::clock::Correction;
use crate::delivery::{PositionsByTopic, RecordsByTopic, Writers, records_by_topic, targets};
use crate::error::RequestError;
use crate::limits::SETTLING;
use crate::rejected::RequestInfo;
use crate::sources::Sources;
use crate::start_error::StartError;
use crate::topic_ends::TopicEnds;
use crate::validate::Checked;
use crate::writer::Writer;

use journal::Intent;
use read_back::ReadBack;
use request_table::{Begin, Claim, RecordRange, RequestTable};

pub(crate) use request::{RequestKey, digest, request_key};

/// A checked request that has a key.
pub(crate) struct KeyedRequest {
    pub(crate) key: RequestKey,
    pub(crate) digest: request::Digest,
    pub(crate) checked: Checked,
    /// The correction of event times, which is used if this is the first request with its key.
    pub(crate) correction: Option<Correction>,
    /// The id of the sender's API key.
    pub(crate) sender: Option<String>,
}

/// Remembers requests with keys and their results. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Idempotency {
    cluster: Cluster,
    writers: Writers,
    journal: Writer,
    ends: TopicEnds,
    table: Arc<RequestTable>,
    /// Read-locked while the records of a request are written. Write-locked while a read-back decides which
    /// records belong to its request. Without the lock, the read-back could claim a record that another request
    /// has just written and has not entered in `table` yet.
    deciding: Arc<RwLock<()>>,
    /// The time after which the cluster should execute no more writes of an earlier web API process.
    settled_at: Instant,
}

impl Idempotency {
    /// Loads the last hour of the journal.
    pub(crate) async fn start(
        cluster: Cluster,
        writers: Writers,
        journal: Writer,
        ends: TopicEnds,
        sources: &Sources,
    ) -> Result<Self, StartError> {
        let table = RequestTable::default();
        journal::load(&cluster, &table, sources, now_ms()).await?;
        Ok(Self {
            cluster,
            writers,
            journal,
            ends,
            table: Arc::new(table),
            deciding: Arc::default(),
            settled_at: Instant::now() + SETTLING,
        })
    }

    pub(crate) fn journal(&self) -> &Writer {
        &self.journal
    }

    /// If the cluster has reported a full disk, writes a probe record to the journal. When the probe record is
    /// acknowledged, no topic counts as full any more.
    pub(crate) async fn probe_for_room(&self) {
        let all = || self.writers.iter().chain([&self.journal]);
        if all().all(|writer| writer.disk_full().is_none()) {
            return;
        }
        let written = self.journal.write(vec![journal::probe_record()]).await;
        if written.is_ok() {
            all().for_each(Writer::clear_disk_full);
        }
    }

    pub(crate) fn key_count(&self) -> usize {
        self.table.len()
    }

    /// Writes the records of a request and returns the response. A repetition writes nothing again, and gets
    /// the response to the first request with its key. The future must be polled to its end, even if the
    /// client hangs up.
    pub(crate) async fn answer(&self, request: KeyedRequest) -> Result<Answered, RequestError> {
        let now_ms = now_ms();
        match RequestTable::begin(&self.table, request.key, request.digest, now_ms)? {
            // The response depends only on the body, so it is computed again instead of being stored.
            Begin::Answered => Ok(Answered::new(&request, true)),
            Begin::New(claim) => self.intend(claim, &request, now_ms).await,
            Begin::Intended(claim) => self.write_all(claim, &request).await,
            Begin::InDoubt(claim) => self.write_missing(claim, &request).await,
        }
    }

    /// Writes the intent, then the records.
    async fn intend(
        &self,
        mut claim: Claim,
        request: &KeyedRequest,
        at_ms: i64,
    ) -> Result<Answered, RequestError> {
        let targets = targets(&request.checked);
        let from = targets
            .into_iter()
            .map(|target| (target.topic().to_owned(), self.ends.of(&target)));
        let intent = Intent {
            at_ms,
            digest: request.digest,
            correction: request.correction,
            from: from.collect(),
        };
        let written = self.journal.write(vec![intent.record(request.key)]).await;
        // The intent may have been written, but no record of the request was. So the client may be told that
        // nothing was written.
        written.map_err(|error| match error {
            RequestError::Unconfirmed => RequestError::ClusterAway,
            other => other,
        })?;
        claim.intended(intent);
        self.write_all(claim, request).await
    }

    /// Writes all records of a request whose intent is in the journal. None of them may have been written before.
    async fn write_all(
        &self,
        mut claim: Claim,
        request: &KeyedRequest,
    ) -> Result<Answered, RequestError> {
        let _writing = self.deciding.read().await;
        claim.in_doubt();
        let written = self.writers.write(records(request, &claim)).await;
        if let Err(RequestError::ClusterAway | RequestError::Busy) = written {
            claim.certainly_unwritten();
        }
        self.conclude(claim, request, written?, Vec::new()).await
    }

    /// Reads the topics back to find the records of the request that were written, and writes the others.
    async fn write_missing(
        &self,
        claim: Claim,
        request: &KeyedRequest,
    ) -> Result<Answered, RequestError> {
        let mut wanted = records(request, &claim);
        sleep_until(self.settled_at).await;
        self.check_settled(&wanted)?;
        let unreadable = |error| {
            tracing::warn!(%error, "cannot read back the records of a repeated request");
            RequestError::ClusterAway
        };
        let mut read_back = ReadBack::new(&wanted, claim.from());
        // The first pass runs while other requests write. The second pass runs under the lock, and reads only
        // what was written during the first.
        read_back
            .read_new(&self.cluster)
            .await
            .map_err(unreadable)?;
        let deciding = Arc::clone(&self.deciding).write_owned().await;
        self.check_settled(&wanted)?;
        read_back
            .read_new(&self.cluster)
            .await
            .map_err(unreadable)?;
        let others = self.table.ranges_of_others(request.key);
        let found = read_back.take(&mut wanted, |target, position| {
            others.iter().any(|range| range.contains(target, position))
        });
        let found = RecordRange::all(&found);
        claim.found(found.clone());
        let _writing = deciding.downgrade();
        let positions = self.writers.write(wanted).await;
        // After an error, the request is in doubt again. The next attempt reads all its records back, also those that
        // this attempt has found.
        self.conclude(claim, request, positions?, found).await
    }

    /// Writes the offsets of the request's records to the journal.
    async fn conclude(
        &self,
        claim: Claim,
        request: &KeyedRequest,
        positions: PositionsByTopic,
        mut ranges: Vec<RecordRange>,
    ) -> Result<Answered, RequestError> {
        self.ends.advance(&positions);
        ranges.extend(RecordRange::all(&positions));
        let record = claim.answer_record(&ranges);
        let written = self.journal.write(record.into_iter().collect()).await;
        written.map_err(|error| match error {
            RequestError::DiskFull => RequestError::DiskFull,
            _ => RequestError::Unconfirmed,
        })?;
        claim.answered(ranges);
        Ok(Answered::new(request, false))
    }

    /// Fails while a writer of these topics may still deliver records of a failed request. A read-back would not
    /// find these records yet, so they would be written twice.
    fn check_settled(&self, wanted: &RecordsByTopic) -> Result<(), RequestError> {
        let is_failing = |target: &_| self.writers.of(target).last_error().is_some();
        if wanted.keys().any(is_failing) {
            return Err(RequestError::ClusterAway);
        }
        Ok(())
    }
}

/// The response to a request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) body: Bytes,
    /// Whether this response repeats the response to an earlier request with the same key.
    pub(crate) is_replay: bool,
}

impl Answered {
    fn new(request: &KeyedRequest, is_replay: bool) -> Self {
        Self {
            body: Answer::to(&request.checked).json(),
            is_replay,
        }
    }
}

/// Returns the records of a request, equal to those of the first request with its key.
fn records(request: &KeyedRequest, claim: &Claim) -> RecordsByTopic {
    let id = request.key.to_string();
    let origin = RequestInfo {
        request: &id,
        received_at: Timestamp::from_millis(claim.at_ms()),
        sender: request.sender.as_deref(),
    };
    records_by_topic(&request.checked, origin, claim.correction())
}
