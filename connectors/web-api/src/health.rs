//! Whether events can be written now, and if not, why: the cluster is asked all the time, so that the
//! answer is true before the next event comes.

use std::sync::{Arc, Mutex, PoisonError};

use client::Cluster;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use utoipa::ToSchema;

use crate::delivery::Writers;
use crate::ends::Ends;
use crate::limits::{PULSE_PATIENCE, PULSE_PERIOD};
use crate::writer::Writer;

/// The last word of the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Beat>>);

#[derive(Debug)]
struct Beat {
    answered_at: Instant,
    trouble: Option<String>,
}

/// Whether events can be written.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Health {
    status: Status,
    /// The cluster's address.
    cluster: String,
    /// Everything that is wrong; empty where nothing is.
    reasons: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
    Failing,
}

impl Pulse {
    /// The cluster has just answered.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Beat {
            answered_at: Instant::now(),
            trouble: None,
        })))
    }

    /// Asks the cluster for the ends of the topics, over and over.
    pub(crate) async fn follow(self, cluster: Cluster, ends: Ends) {
        let mut ticks = interval(PULSE_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let trouble = match timeout(PULSE_PATIENCE, ends.ask(&cluster)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!(
                    "the cluster did not answer within {} s",
                    PULSE_PATIENCE.as_secs()
                )),
            };
            let mut beat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if trouble.is_none() {
                beat.answered_at = Instant::now();
            }
            beat.trouble = trouble;
        }
    }

    fn trouble(&self) -> Option<String> {
        let beat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = beat.answered_at.elapsed();
        match &beat.trouble {
            Some(trouble) => Some(trouble.clone()),
            None if silent > PULSE_PERIOD + PULSE_PATIENCE => Some(format!(
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
        pulse: &Pulse,
        writers: &Writers,
        journal: &Writer,
    ) -> Self {
        let writers = writers.iter().chain([journal]).filter_map(|writer| {
            let trouble = writer.trouble()?;
            Some(format!(
                "`{}` cannot be written to: {trouble}",
                writer.topic()
            ))
        });
        let reasons: Vec<_> = pulse.trouble().into_iter().chain(writers).collect();
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
