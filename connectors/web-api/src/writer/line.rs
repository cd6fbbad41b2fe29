//! A writer's work: one producer at a time. When it fails, nothing is sent before it is certain that
//! nothing of it is under way any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use client::{Backoff, Cluster, Producer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Job, Sent, Shared};
use crate::error::Refusal;
use crate::limits::{QUEUE_PATIENCE, SETTLING, UNACKNOWLEDGED_BYTES_MAX};

/// The writer of a topic, at work.
pub(crate) struct Line {
    cluster: Cluster,
    topic: String,
    state: State,
    /// Counts producers, so that a failure is told of the one that failed.
    number: u64,
    unacknowledged: Arc<Semaphore>,
    trouble: watch::Sender<Option<String>>,
}

enum State {
    Ready(Producer),
    Recovering(JoinHandle<Producer>),
}

enum Event {
    Job(Job),
    Failure,
    Recovered(Producer),
    End,
}

impl Line {
    pub(super) fn new(
        cluster: Cluster,
        producer: Producer,
        trouble: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            cluster,
            topic: producer.topic().to_owned(),
            state: State::Ready(producer),
            number: 1,
            unacknowledged: Arc::new(Semaphore::new(UNACKNOWLEDGED_BYTES_MAX)),
            trouble,
        }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, shared: Arc<Shared>) {
        loop {
            match self.event(&mut jobs, &shared).await {
                Event::Job(job) => self.serve(job).await,
                Event::Recovered(producer) => {
                    self.state = State::Ready(producer);
                    self.number += 1;
                    self.trouble.send_replace(None);
                    tracing::info!(topic = self.topic, "writing again");
                }
                Event::Failure => {}
                Event::End => break,
            }
            if shared.failed_line.load(Ordering::Acquire) >= self.number {
                self.fail("the cluster did not acknowledge what was written");
            }
        }
        if let State::Recovering(recovery) = self.state {
            recovery.abort();
        }
    }

    async fn event(&mut self, jobs: &mut mpsc::Receiver<Job>, shared: &Shared) -> Event {
        let recovered = async {
            match &mut self.state {
                State::Ready(_) => std::future::pending().await,
                State::Recovering(recovery) => recovery.await,
            }
        };
        tokio::select! {
            biased;
            recovered = recovered => match recovered {
                Ok(producer) => Event::Recovered(producer),
                Err(error) => {
                    // It holds no lock and has no error of its own: it was aborted with the runtime.
                    tracing::error!(topic = self.topic, %error, "the writer ends");
                    Event::End
                }
            },
            () = shared.failures.notified() => Event::Failure,
            job = jobs.recv() => job.map_or(Event::End, Event::Job),
        }
    }

    async fn serve(&mut self, job: Job) {
        // Nobody listens where the request was given up: that is not the writer's concern.
        let (reply, sent) = (job.reply, self.send(job.records, job.queued_at).await);
        let _unheard = reply.send(sent);
    }

    async fn send(
        &mut self,
        records: Vec<super::Outgoing>,
        queued_at: Instant,
    ) -> Result<Sent, Refusal> {
        let State::Ready(producer) = &self.state else {
            return Err(Refusal::Away);
        };
        let room = self.room(&records, queued_at + QUEUE_PATIENCE).await?;
        let mut deliveries = Vec::with_capacity(records.len());
        for record in records {
            match producer.send(record.key, record.value).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => {
                    self.fail(&error.to_string());
                    // The error may be that of an earlier batch, so it says nothing of these records.
                    return Err(match deliveries.is_empty() {
                        true => Refusal::Away,
                        false => Refusal::Unsure,
                    });
                }
            }
        }
        Ok(Sent {
            deliveries,
            line: self.number,
            _room: room,
        })
    }

    /// Waits until there is room for these records among those that are not acknowledged.
    async fn room(
        &self,
        records: &[super::Outgoing],
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, Refusal> {
        let bytes: usize = records.iter().map(|r| r.key.len() + r.value.len()).sum();
        // Keys make a body's records a little larger than the body: alone it may go all the same.
        let bytes = bytes.min(UNACKNOWLEDGED_BYTES_MAX) as u32;
        let room = Arc::clone(&self.unacknowledged).acquire_many_owned(bytes);
        match timeout_at(deadline, room).await {
            Ok(Ok(room)) => Ok(room),
            _ => Err(Refusal::Busy),
        }
    }

    fn fail(&mut self, reason: &str) {
        let State::Ready(producer) = &self.state else {
            return;
        };
        tracing::warn!(
            topic = self.topic,
            reason,
            "writing stops until the cluster answers again"
        );
        self.trouble.send_replace(Some(reason.to_owned()));
        let recovery = recover(self.cluster.clone(), producer.clone());
        self.state = State::Recovering(tokio::spawn(recovery));
    }
}

/// Waits until nothing of a failed producer is under way, and opens the next.
async fn recover(cluster: Cluster, failed: Producer) -> Producer {
    settle(&failed).await;
    let mut backoff = Backoff::new();
    loop {
        match cluster.producer(failed.topic()).await {
            Ok(producer) => return producer,
            Err(error) => tracing::debug!(topic = failed.topic(), %error, "not yet"),
        }
        sleep(backoff.pause()).await;
    }
}

/// A producer keeps what it could not send, and sends it when the server is back, whatever those who
/// waited for it were told. A flush that succeeds has emptied it; then the server is given time for what
/// it may have been handed before.
async fn settle(producer: &Producer) {
    /// A flush that fails does so after having waited, or for an error that it has cleared.
    const PAUSE: Duration = Duration::from_millis(100);
    while let Err(error) = producer.flush().await {
        tracing::debug!(topic = producer.topic(), %error, "not settled");
        sleep(PAUSE).await;
    }
    sleep(SETTLING).await;
}
