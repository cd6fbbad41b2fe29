//! The task of a writer. It sends with one producer at a time. After a producer fails, nothing is sent until that
//! producer has no unsent records and the cluster has had time to write those that it received.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use client::{Backoff, ClientError, Cluster, Producer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Job, Sent, Shared};
use crate::error::RequestError;
use crate::limits::{QUEUE_TIMEOUT, SETTLING, UNACKNOWLEDGED_BYTES_MAX};

/// Sends the records of a writer's queue. Its producers are numbered from 1.
pub(crate) struct TopicProducer {
    cluster: Cluster,
    topic: String,
    state: State,
    /// The number of the current producer. It shows whether a reported failure is that of the current producer.
    number: u64,
    unacknowledged: Arc<Semaphore>,
    last_error: watch::Sender<Option<String>>,
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

impl TopicProducer {
    pub(super) fn new(
        cluster: Cluster,
        producer: Producer,
        last_error: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            cluster,
            topic: producer.topic().to_owned(),
            state: State::Ready(producer),
            number: 1,
            unacknowledged: Arc::new(Semaphore::new(UNACKNOWLEDGED_BYTES_MAX)),
            last_error,
        }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, shared: Arc<Shared>) {
        loop {
            match self.event(&mut jobs, &shared).await {
                Event::Job(job) => self.serve(job, &shared).await,
                Event::Recovered(producer) => {
                    self.state = State::Ready(producer);
                    self.number += 1;
                    self.last_error.send_replace(None);
                    tracing::info!(topic = self.topic, "the topic can be written to again");
                }
                Event::Failure => {}
                Event::End => break,
            }
            if shared.failed_producer.load(Ordering::Acquire) >= self.number {
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
                    // Recovery itself cannot fail. The error means that its task was aborted because the runtime
                    // is shutting down.
                    tracing::error!(topic = self.topic, %error, "recovery was aborted; the writer stops");
                    Event::End
                }
            },
            () = shared.failures.notified() => Event::Failure,
            job = jobs.recv() => job.map_or(Event::End, Event::Job),
        }
    }

    async fn serve(&mut self, job: Job, shared: &Shared) {
        let sent = self.send(job.records, job.queued_at).await;
        // While a disk is full, it is the reason why nothing can be written.
        let sent = sent.map_err(|error| match error {
            RequestError::ClusterAway if shared.disk_full().is_some() => RequestError::DiskFull,
            other => other,
        });
        // Sending fails if the request was abandoned and no longer has a receiver.
        let _abandoned = job.reply.send(sent);
    }

    async fn send(
        &mut self,
        records: Vec<super::OutgoingRecord>,
        queued_at: Instant,
    ) -> Result<Sent, RequestError> {
        let State::Ready(producer) = &self.state else {
            return Err(RequestError::ClusterAway);
        };
        let permit = self.permit(&records, queued_at + QUEUE_TIMEOUT).await?;
        let mut deliveries = Vec::with_capacity(records.len());
        for record in records {
            match producer.send(record.key, record.value).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => {
                    self.fail(&error.to_string());
                    // The error may come from an earlier batch, so it is unknown whether the records that were
                    // sent before this one are written.
                    return Err(match (&error, deliveries.is_empty()) {
                        (ClientError::Full { .. }, _) => RequestError::DiskFull,
                        (_, true) => RequestError::ClusterAway,
                        (_, false) => RequestError::Unconfirmed,
                    });
                }
            }
        }
        Ok(Sent {
            deliveries,
            producer_number: self.number,
            _permit: permit,
        })
    }

    /// Waits until these records fit within the limit of unacknowledged bytes.
    async fn permit(
        &self,
        records: &[super::OutgoingRecord],
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, RequestError> {
        let bytes: usize = records.iter().map(|r| r.key.len() + r.value.len()).sum();
        // With their keys, the records of the largest body may exceed the limit. They are then sent alone.
        let bytes = bytes.min(UNACKNOWLEDGED_BYTES_MAX) as u32;
        let permit = Arc::clone(&self.unacknowledged).acquire_many_owned(bytes);
        match timeout_at(deadline, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(RequestError::Busy),
        }
    }

    fn fail(&mut self, reason: &str) {
        let State::Ready(producer) = &self.state else {
            return;
        };
        tracing::warn!(
            topic = self.topic,
            reason,
            "nothing is written to the topic until the cluster answers again"
        );
        self.last_error.send_replace(Some(reason.to_owned()));
        let recovery = recover(self.cluster.clone(), producer.clone());
        self.state = State::Recovering(tokio::spawn(recovery));
    }
}

/// Waits until the records of a failed producer should all be written or lost, and opens the next producer.
async fn recover(cluster: Cluster, failed: Producer) -> Producer {
    settle(&failed).await;
    let mut backoff = Backoff::new();
    loop {
        match cluster.producer(failed.topic()).await {
            Ok(producer) => return producer,
            Err(error) => {
                tracing::debug!(topic = failed.topic(), %error, "cannot open a producer yet")
            }
        }
        sleep(backoff.pause()).await;
    }
}

/// Waits until a failed producer has no more records to send, and then until the server has had time to write
/// what it has received. A producer keeps the records that it could not send, and sends them when the server is
/// back, although their requests were already answered with an error. A successful flush shows that no such
/// record is left.
async fn settle(producer: &Producer) {
    /// The pause between flushes. A flush fails either after its own timeout, or at once because of an
    /// earlier error, which it then clears.
    const PAUSE: Duration = Duration::from_millis(100);
    while let Err(error) = producer.flush().await {
        tracing::debug!(topic = producer.topic(), %error, "cannot flush the failed producer yet");
        sleep(PAUSE).await;
    }
    sleep(SETTLING).await;
}
