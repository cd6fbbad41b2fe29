//! `Idempotency-Key`: a request that is repeated writes nothing again, whatever died in between.
//!
//! Before the records of a request with a key are written, an *intent* stands in the journal: the
//! request's digest and how far its topics reached. After they are written, where they stand does. A
//! repeated request that finds that is answered by its body alone, as the first one was; one that
//! finds an intent alone reads its topics back from there and writes what is missing.

mod book;
mod journal;
mod read_back;
mod request;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use client::Cluster;
use model::Timestamp;
use tokio::sync::RwLock;
use tokio::time::{Instant, sleep_until};

use crate::answer::Answer;
use crate::delivery::{Parcels, Places, Writers, parcels};
use crate::ends::Ends;
use crate::error::{Refusal, StartError};
use crate::limits::SETTLING;
use crate::rejected::Origin;
use crate::validate::Checked;
use crate::writer::Writer;

use book::{Begin, Book, Claim, Span};
use journal::Intent;

pub(crate) use journal::TOPIC;
pub(crate) use request::{RequestKey, digest, request_key};

/// A checked request that came with a key.
pub(crate) struct Keyed {
    pub(crate) key: RequestKey,
    pub(crate) digest: request::Digest,
    pub(crate) checked: Checked,
    /// The id of the sender's key.
    pub(crate) sender: Option<String>,
}

/// What was asked for under which key, and what came of it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Idempotency {
    cluster: Cluster,
    writers: Writers,
    journal: Writer,
    ends: Ends,
    book: Arc<Book>,
    /// Shared by those who write, and held alone while it is decided whose the records are that stand
    /// in a topic: nobody's are unaccounted for then.
    deciding: Arc<RwLock<()>>,
    /// What an earlier process may have left with the cluster is carried out by then.
    settled_at: Instant,
}

impl Idempotency {
    /// Takes in what the journal holds of the last hour.
    pub(crate) async fn start(
        cluster: Cluster,
        writers: Writers,
        journal: Writer,
        ends: Ends,
    ) -> Result<Self, StartError> {
        let book = Book::default();
        journal::load(&cluster, &book, now_ms()).await?;
        Ok(Self {
            cluster,
            writers,
            journal,
            ends,
            book: Arc::new(book),
            deciding: Arc::default(),
            settled_at: Instant::now() + SETTLING,
        })
    }

    pub(crate) fn journal(&self) -> &Writer {
        &self.journal
    }

    /// How many keys are remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.book.len()
    }

    /// The answer to a request: that of the first one with its key, if there was one. Must run to its
    /// end, whether anybody waits for it or not.
    pub(crate) async fn answer(&self, request: Keyed) -> Result<Answered, Refusal> {
        let now_ms = now_ms();
        match Book::begin(&self.book, request.key, request.digest, now_ms)? {
            // The body is the same, and so is what is accepted of it: no answer has to be kept.
            Begin::Answered => Ok(Answered::to(&request, true)),
            Begin::New(claim) => self.intend(claim, &request, now_ms).await,
            Begin::Intended(claim) => self.write_all(claim, &request).await,
            Begin::InDoubt(claim) => self.write_missing(claim, &request).await,
        }
    }

    async fn intend(
        &self,
        mut claim: Claim,
        request: &Keyed,
        at_ms: i64,
    ) -> Result<Answered, Refusal> {
        let targets = records(request, at_ms).into_keys();
        let from = targets.map(|target| (target.topic().to_owned(), self.ends.of(target)));
        let intent = Intent::new(at_ms, request.digest, from.collect());
        let noted = self.journal.write(vec![intent.record(request.key)]).await;
        // Whether the intent stands or not, nothing was written on its strength.
        noted.map_err(|refusal| match refusal {
            Refusal::Unsure => Refusal::Away,
            other => other,
        })?;
        claim.intended(intent);
        self.write_all(claim, request).await
    }

    /// Writes the records of an intent under which none was written yet.
    async fn write_all(&self, mut claim: Claim, request: &Keyed) -> Result<Answered, Refusal> {
        let _writing = self.deciding.read().await;
        claim.in_doubt();
        let written = self.writers.write(records(request, claim.at_ms())).await;
        if let Err(Refusal::Away | Refusal::Busy) = written {
            claim.certainly_unwritten();
        }
        self.conclude(claim, request, written?, Vec::new()).await
    }

    /// Finds out what stands of an intent, and writes the rest.
    async fn write_missing(&self, claim: Claim, request: &Keyed) -> Result<Answered, Refusal> {
        let mut wanted = records(request, claim.at_ms());
        sleep_until(self.settled_at).await;
        self.check_settled(&wanted)?;
        let unreadable = |error| {
            tracing::warn!(%error, "cannot read back what stands of a request");
            Refusal::Away
        };
        let mut standing = read_back::Standing::new(&wanted, claim.from());
        // Most is read while others write; only what they wrote meanwhile is read while they wait.
        standing.read_on(&self.cluster).await.map_err(unreadable)?;
        let deciding = Arc::clone(&self.deciding).write_owned().await;
        self.check_settled(&wanted)?;
        standing.read_on(&self.cluster).await.map_err(unreadable)?;
        let theirs = self.book.spans_of_others(request.key);
        let found = standing.take(&mut wanted, |target, place| {
            theirs.iter().any(|span| span.holds(target, place))
        });
        let found = Span::all(&found);
        claim.found(found.clone());
        let _writing = deciding.downgrade();
        let places = self.writers.write(wanted).await;
        // What was found is in doubt again with the rest: the next attempt reads it back once more.
        self.conclude(claim, request, places?, found).await
    }

    async fn conclude(
        &self,
        claim: Claim,
        request: &Keyed,
        places: Places,
        mut spans: Vec<Span>,
    ) -> Result<Answered, Refusal> {
        self.ends.note(&places);
        spans.extend(Span::all(&places));
        let record = claim.answer_record(&spans);
        let noted = self.journal.write(record.into_iter().collect()).await;
        noted.map_err(|_| Refusal::Unsure)?;
        claim.answered(spans);
        Ok(Answered::to(request, false))
    }

    /// Nothing may be under way any more that was given up for lost, or it would be written twice.
    fn check_settled(&self, wanted: &Parcels) -> Result<(), Refusal> {
        let in_trouble = |target: &_| self.writers.of(*target).trouble().is_some();
        if wanted.keys().any(in_trouble) {
            return Err(Refusal::Away);
        }
        Ok(())
    }
}

/// An answer, and whether it was given before.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) body: Bytes,
    pub(crate) again: bool,
}

impl Answered {
    fn to(request: &Keyed, again: bool) -> Self {
        Self {
            body: Answer::to(&request.checked).json(),
            again,
        }
    }
}

fn records(request: &Keyed, at_ms: i64) -> Parcels {
    let name = request.key.to_string();
    let origin = Origin {
        request: &name,
        received_at: Timestamp::from_millis(at_ms),
        sender: request.sender.as_deref(),
    };
    parcels(&request.checked, origin)
}

pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since_epoch.as_millis() as i64
}
