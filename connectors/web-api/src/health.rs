//! Reports whether events can be written and, if not, why. A probe sends requests to the cluster periodically, so
//! that the report is current even if no events arrive.

use std::sync::{Arc, Mutex, PoisonError};

use client::Cluster;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use utoipa::ToSchema;

use crate::delivery::Writers;
use crate::idempotency::Idempotency;
use crate::limits::{PROBE_PERIOD, PROBE_TIMEOUT};
use crate::topic_ends::TopicEnds;
use crate::writer::Writer;

/// Sends requests to the cluster periodically, and keeps the latest result. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct HealthProbe(Arc<Mutex<LastProbe>>);

#[derive(Debug)]
struct LastProbe {
    answered_at: Instant,
    last_error: Option<String>,
}

/// Whether events can be written.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Health {
    status: Status,
    /// The cluster's address.
    cluster: String,
    /// All causes of a failing status; empty if the status is ok.
    reasons: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
    Failing,
}

impl HealthProbe {
    /// Creates a probe whose last answer counts as received now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(LastProbe {
            answered_at: Instant::now(),
            last_error: None,
        })))
    }

    /// Requests the end offsets of the topics from the cluster every `PROBE_PERIOD`. If a disk was full,
    /// also finds out whether it has space again.
    pub(crate) async fn run(self, cluster: Cluster, ends: TopicEnds, idempotency: Idempotency) {
        let mut ticks = interval(PROBE_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let last_error = match timeout(PROBE_TIMEOUT, ends.refresh(&cluster)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!(
                    "the cluster did not answer within {} s",
                    PROBE_TIMEOUT.as_secs()
                )),
            };
            let answers = last_error.is_none();
            self.note(last_error);
            if answers {
                // The probe writes a record only if a disk was full. The cluster usually acknowledges or refuses it
                // long before this timeout. A timeout is ignored, because the next round probes again.
                let _timed_out = timeout(PROBE_TIMEOUT, idempotency.probe_for_room()).await;
            }
        }
    }

    fn note(&self, last_error: Option<String>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last_error.is_none() {
            last.answered_at = Instant::now();
        }
        last.last_error = last_error;
    }

    fn last_error(&self) -> Option<String> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = last.answered_at.elapsed();
        match &last.last_error {
            Some(last_error) => Some(last_error.clone()),
            None if silent > PROBE_PERIOD + PROBE_TIMEOUT => Some(format!(
                "the cluster has not answered for {} s",
                silent.as_secs()
            )),
            None => None,
        }
    }
}

impl Health {
    pub(crate) fn of(
        cluster: &Cluster,
        probe: &HealthProbe,
        writers: &Writers,
        journal: &Writer,
    ) -> Self {
        let writers = writers.iter().chain([journal]).filter_map(|writer| {
            let last_error = writer.disk_full().or_else(|| writer.last_error())?;
            Some(format!(
                "`{}` cannot be written to: {last_error}",
                writer.topic()
            ))
        });
        let reasons: Vec<_> = probe.last_error().into_iter().chain(writers).collect();
        Self {
            status: match reasons.is_empty() {
                true => Status::Ok,
                false => Status::Failing,
            },
            cluster: cluster.address().to_owned(),
            reasons,
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }
}
