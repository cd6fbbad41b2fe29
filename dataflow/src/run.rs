//! Starts one loop for each derivation of the map and keeps them going.

use std::future::Future;
use std::time::Duration;

use client::Cluster;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::derivation::Derivation;
use crate::error::RunError;
use crate::hub::Hubs;
use crate::job::Job;
use crate::map::DataflowMap;
use crate::registration::Registry;
use crate::status::StatusBoard;

/// A derivation that has run this long has got over its last error.
const STABLE_AFTER: Duration = Duration::from_secs(30);

/// What to run, where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster; [`crate::provision`] has been called on it.
    pub cluster: Cluster,
    /// The map.
    pub map: DataflowMap,
    /// The code of its derivations.
    pub registry: Registry,
    /// Where progress is noted.
    pub status: StatusBoard,
    /// Whether derivations of one source read plain records together, once for all of them, and
    /// fold them in this process, instead of each through its SmartModule. Results are the same.
    pub shared_reads: bool,
}

/// Runs every derivation of the map until `shutdown`, then stops in order: what is merged is
/// checkpointed, nothing is lost or repeated by the next run. An error that a restart cannot cure
/// stops all of them.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let stop = CancellationToken::new();
    let mut derivations = JoinSet::new();
    let hubs = options.shared_reads.then(Hubs::default);
    for (name, spec) in &options.map.derivations {
        let job = Job::new(&options, name, spec, hubs.as_ref())?;
        derivations.spawn(keep_running(job, stop.clone()));
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
                    result = Err(RunError::TaskEnded(panic.to_string()));
                }
            },
        }
    }
}

/// Starts the derivation from its checkpoint again after every error that this may cure.
async fn keep_running(job: Job, stop: CancellationToken) -> Result<(), RunError> {
    let mut backoff = client::Backoff::default();
    loop {
        let started = tokio::time::Instant::now();
        let error = match Derivation::run(job.clone(), &stop).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_retryable() => error,
            Err(error) => return Err(error),
        };
        if started.elapsed() > STABLE_AFTER {
            backoff.reset();
        }
        let pause = backoff.pause();
        warn!(derivation = job.name, %error, ?pause, "starting again from the checkpoint");
        job.status
            .update(&job.name, |status| status.failed(error.to_string()));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}
