//! Leases: of several runners of one derivation only one writes; the others wait. Fluvio has no
//! locks, so the order of records in one partition decides: a claim names the holder that it
//! supersedes, and counts only if that one still holds.

use std::time::Duration;

use client::{ANSWER_DEADLINE, Cluster, Mode, Producer, Record, Start};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tracing::{debug, warn};

use crate::error::RunError;
use crate::status::{DerivationStatus, StatusBoard};
use crate::topics::LEASES;

/// How often a holder says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A holder that could not say so for this long must not write any more …
const WRITE_DEADLINE: Duration = Duration::from_secs(2);
/// … and one that has not been heard for this long is superseded: what it began to write in time
/// has been answered or given up by then.
const TAKEOVER: Duration =
    Duration::from_secs(WRITE_DEADLINE.as_secs() + ANSWER_DEADLINE.as_secs() + 1);
/// Records at the end of the topic that must hold a living holder's last word: two seconds of five
/// hundred derivations.
const TAIL: u64 = 1_000;

/// What a runner says of a derivation's lease; the record's key is the derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Word {
    runner: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Kind {
    Claim { supersedes: Option<String> },
    Heartbeat,
    Release,
}

/// Who holds a lease, as the records up to some offset have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Holder {
    runner: Option<String>,
    /// Whether anything has been heard at all: the tail may begin in the middle of a story.
    known: bool,
}

impl Holder {
    /// Takes in the next word; whether it came from the holder.
    fn hear(&mut self, word: Word) -> bool {
        let holds = self.runner.as_ref() == Some(&word.runner);
        match word.kind {
            Kind::Claim { supersedes } if !self.known || supersedes == self.runner => {
                self.runner = Some(word.runner)
            }
            Kind::Heartbeat if !self.known => self.runner = Some(word.runner),
            Kind::Release if holds => self.runner = None,
            Kind::Heartbeat => return holds,
            Kind::Claim { .. } | Kind::Release => return false,
        }
        self.known = true;
        true
    }
}

/// A lease that is held. Dropped, it runs out; [`Lease::release`] gives it back at once.
pub(crate) struct Lease {
    cluster: Cluster,
    derivation: String,
    runner: String,
    producer: Producer,
    /// When the last heartbeat was sent that the cluster has acknowledged.
    heard: watch::Receiver<Instant>,
    heartbeats: JoinHandle<()>,
}

impl Lease {
    /// Waits until `runner` holds the lease of `derivation`.
    pub(crate) async fn acquire(
        cluster: &Cluster,
        derivation: &str,
        runner: &str,
        status: &StatusBoard,
    ) -> Result<Self, RunError> {
        let producer = cluster.producer(LEASES).await?;
        loop {
            wait_for(cluster, &producer, derivation, runner, status).await?;
            if let Some(confirmed) = confirm(cluster, &producer, derivation, runner).await? {
                debug!(derivation, runner, "holds the lease");
                return Ok(Self::hold(cluster, derivation, runner, producer, confirmed));
            }
        }
    }

    fn hold(
        cluster: &Cluster,
        derivation: &str,
        runner: &str,
        producer: Producer,
        confirmed: Instant,
    ) -> Self {
        let (sender, heard) = watch::channel(confirmed);
        let heartbeats = tokio::spawn(beat(
            producer.clone(),
            derivation.to_owned(),
            runner.to_owned(),
            sender,
        ));
        Self {
            cluster: cluster.clone(),
            derivation: derivation.to_owned(),
            runner: runner.to_owned(),
            producer,
            heard,
            heartbeats,
        }
    }

    /// Makes sure that the lease does not run out while something is written now. Where the cluster
    /// was silent for a while, it is asked who holds the lease; an error if another one does.
    pub(crate) async fn ensure(&self) -> Result<(), RunError> {
        if self.heard.borrow().elapsed() < WRITE_DEADLINE {
            return Ok(());
        }
        let confirmed = confirm(
            &self.cluster,
            &self.producer,
            &self.derivation,
            &self.runner,
        )
        .await?;
        match confirmed {
            Some(confirmed) if confirmed.elapsed() < WRITE_DEADLINE => Ok(()),
            _ => Err(RunError::LeaseLost(self.derivation.clone())),
        }
    }

    /// Gives the lease back, so that the next runner need not wait.
    pub(crate) async fn release(self) -> Result<(), RunError> {
        self.heartbeats.abort();
        say(
            &self.producer,
            &self.derivation,
            &self.runner,
            Kind::Release,
        )
        .await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

/// Waits until the log says that `runner` holds the lease, and claims it as soon as that is right.
async fn wait_for(
    cluster: &Cluster,
    producer: &Producer,
    derivation: &str,
    runner: &str,
    status: &StatusBoard,
) -> Result<(), RunError> {
    let (mut holder, next_offset) = tail(cluster, derivation).await?;
    let start = Start::Offset(next_offset.max(cluster.start_offset(LEASES, 0).await?));
    let mut news = cluster.records(LEASES, 0, start, Mode::Follow).await?;
    let mut silent_from = Instant::now();
    let mut told = false;
    while holder.runner.as_deref() != Some(runner) {
        let free = holder.runner.is_none() || silent_from.elapsed() >= TAKEOVER;
        if free {
            let supersedes = holder.runner.clone();
            say(producer, derivation, runner, Kind::Claim { supersedes }).await?;
            silent_from = Instant::now();
        } else if !told {
            told = true;
            status.update(derivation, DerivationStatus::stands_by);
            let holder = &holder.runner;
            warn!(
                derivation,
                ?holder,
                "another runner holds this derivation; waiting until it stops"
            );
        }
        let Ok(Some(record)) = timeout_at(silent_from + TAKEOVER, news.next()).await else {
            continue;
        };
        if let Some(word) = word_of(derivation, &record?)
            && holder.hear(word)
        {
            silent_from = Instant::now();
        }
    }
    Ok(())
}

/// Says that `runner` lives, then looks whether it holds the lease. If so, nobody can take it over
/// before [`TAKEOVER`] has passed since the moment that is returned.
async fn confirm(
    cluster: &Cluster,
    producer: &Producer,
    derivation: &str,
    runner: &str,
) -> Result<Option<Instant>, RunError> {
    let sent = Instant::now();
    say(producer, derivation, runner, Kind::Heartbeat).await?;
    let (holder, _) = tail(cluster, derivation).await?;
    Ok((holder.runner.as_deref() == Some(runner)).then_some(sent))
}

/// Who holds the lease as the log now ends, and where it ends.
async fn tail(cluster: &Cluster, derivation: &str) -> Result<(Holder, i64), RunError> {
    let mut records = cluster
        .records(LEASES, 0, Start::FromEnd(TAIL), Mode::UntilEnd)
        .await?;
    let (mut holder, mut next_offset) = (Holder::default(), 0);
    while let Some(record) = records.next().await {
        let record = record?;
        next_offset = record.offset + 1;
        if let Some(word) = word_of(derivation, &record) {
            holder.hear(word);
        }
    }
    Ok((holder, next_offset))
}

async fn beat(
    producer: Producer,
    derivation: String,
    runner: String,
    heard: watch::Sender<Instant>,
) {
    let mut ticks = interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let sent = Instant::now();
        match say(&producer, &derivation, &runner, Kind::Heartbeat).await {
            Ok(()) => drop(heard.send(sent)),
            Err(error) => debug!(derivation, %error, "heartbeat"),
        }
    }
}

async fn say(
    producer: &Producer,
    derivation: &str,
    runner: &str,
    kind: Kind,
) -> Result<(), RunError> {
    let word = Word {
        runner: runner.to_owned(),
        kind,
    };
    let malformed = |cause| RunError::Derived {
        topic: LEASES.to_owned(),
        cause,
    };
    let value = serde_json::to_vec(&word).map_err(malformed)?;
    let delivery = producer.send(derivation.to_owned(), value).await?;
    producer.flush().await?;
    delivery.wait().await?;
    Ok(())
}

/// What a record says of this derivation's lease; foreign records say nothing.
fn word_of(derivation: &str, record: &Record) -> Option<Word> {
    if record.key.as_deref() != Some(derivation.as_bytes()) {
        return None;
    }
    serde_json::from_slice(&record.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(runner: &str, supersedes: Option<&str>) -> Word {
        Word {
            runner: runner.to_owned(),
            kind: Kind::Claim {
                supersedes: supersedes.map(str::to_owned),
            },
        }
    }

    fn word(runner: &str, kind: Kind) -> Word {
        Word {
            runner: runner.to_owned(),
            kind,
        }
    }

    fn holder_after(words: impl IntoIterator<Item = Word>) -> Option<String> {
        let mut holder = Holder::default();
        for word in words {
            holder.hear(word);
        }
        holder.runner
    }

    #[test]
    fn of_two_claims_on_one_holder_the_first_counts() {
        let words = [
            claim("a", None),
            claim("b", Some("a")),
            claim("c", Some("a")),
            word("c", Kind::Heartbeat),
        ];
        assert_eq!(holder_after(words).as_deref(), Some("b"));
    }

    #[test]
    fn only_the_holder_releases() {
        let words = || [claim("a", None), word("b", Kind::Release)];
        assert_eq!(holder_after(words()).as_deref(), Some("a"));
        assert_eq!(
            holder_after(words().into_iter().chain([word("a", Kind::Release)])),
            None
        );
        let again = words().into_iter().chain([
            word("a", Kind::Release),
            claim("b", Some("a")),
            claim("c", None),
        ]);
        assert_eq!(
            holder_after(again).as_deref(),
            Some("c"),
            "`a` held no more when `b` claimed"
        );
    }

    #[test]
    fn a_tail_that_begins_with_a_heartbeat_names_the_holder() {
        assert_eq!(
            holder_after([word("a", Kind::Heartbeat), claim("b", None)]).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn a_superseded_runner_is_not_heard() {
        let mut holder = Holder::default();
        for word in [claim("a", None), claim("b", Some("a"))] {
            holder.hear(word);
        }
        assert!(
            !holder.hear(word("a", Kind::Heartbeat)) && holder.hear(word("b", Kind::Heartbeat))
        );
    }

    #[test]
    fn words_survive_the_wire() {
        for word in [
            claim("a", None),
            claim("a", Some("b")),
            word("a", Kind::Heartbeat),
            word("a", Kind::Release),
        ] {
            let json = serde_json::to_string(&word).expect("serializes");
            assert_eq!(
                serde_json::from_str::<Word>(&json).expect("deserializes"),
                word,
                "{json}"
            );
        }
    }
}
