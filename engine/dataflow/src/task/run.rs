//! Starts one loop for each derivation of the dataflow file, and restarts loops after errors.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::error::RunError;
use crate::read::shared::{SharedReaders, Starting};
use crate::task::derivation::DerivationTask;
use crate::task::job::Job;
use crate::task::options::Options;

/// A derivation that has run for this long is considered recovered from its last error.
const STABLE_AFTER: Duration = Duration::from_secs(30);

/// How often a derivation that waits for an operator is restarted, to check whether it can continue.
const OPERATOR_INTERVAL: Duration = Duration::from_secs(2);

/// Runs every derivation of the dataflow file until `shutdown`, then stops cleanly: the next run continues from the
/// checkpoints without loss or repetition. An error that neither a restart nor an operator can cure stops all
/// derivations.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let stop = CancellationToken::new();
    let (mut derivations, mut names) = (JoinSet::new(), HashMap::new());
    let shared_readers = SharedReaders::default();
    let mut jobs = Vec::new();
    for (name, spec) in &options.dataflow.derivations {
        let job = Job::new(&options, name, spec, &shared_readers)?;
        let starting = job.starting();
        jobs.push((job, starting));
    }
    // Count all derivations as starting before the first one starts, so that a shared reader waits for all of them.
    for (job, starting) in jobs {
        let name = job.name.clone();
        let task = derivations.spawn(keep_running(job, starting, stop.clone()));
        names.insert(task.id(), name);
    }
    tokio::pin!(shutdown);
    let mut result = Ok(());
    loop {
        tokio::select! {
            () = &mut shutdown, if !stop.is_cancelled() => stop.cancel(),
            ended = derivations.join_next() => match ended {
                None => return result,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => {
                    stop.cancel();
                    result = Err(error);
                }
                Some(Err(panic)) => {
                    stop.cancel();
                    result = Err(RunError::DerivationPanicked {
                        derivation: names.remove(&panic.id()).unwrap_or_default(),
                        panic: panic.to_string(),
                    });
                }
            },
        }
    }
}

/// Runs the derivation. Restarts it from its checkpoint after every error that a restart may cure, or that an
/// operator has to fix first.
async fn keep_running(
    job: Job,
    mut starting: Starting,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let mut backoff = client::Backoff::default();
    let mut waits_for: Option<String> = None;
    loop {
        let started = tokio::time::Instant::now();
        let error = match DerivationTask::run(job.clone(), starting, &stop).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_retryable() || error.awaits_operator() => error,
            Err(error) => return Err(error),
        };
        if started.elapsed() > STABLE_AFTER {
            backoff.reset();
        }
        let text = error.to_string();
        let pause = if error.awaits_operator() {
            if waits_for.as_ref() != Some(&text) {
                error!(derivation = job.name, "{text}");
            }
            waits_for = Some(text.clone());
            OPERATOR_INTERVAL
        } else {
            let pause = backoff.pause();
            warn!(derivation = job.name, %error, ?pause, "failed; starting again from the checkpoint");
            waits_for = None;
            pause
        };
        job.status.update(&job.name, |status| status.failed(text));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(()),
        }
        starting = job.starting();
    }
}
