//! Lets a derivation continue after its source topic was deleted and created again. The derivation starts again at
//! the first record of the current log. Its earlier output is left unchanged.

use std::fmt;

use client::{Cluster, Offset};
use model::{REJECTED_EVENTS, Timestamp};

use crate::durable::checkpoint::{Checkpoint, OutputEnds};
use crate::durable::recovery;
use crate::error::RunError;
use crate::lease::Lease;
use crate::read::shared::SharedReaders;
use crate::sink::topic_writer::TopicWriter;
use crate::task::job::Job;
use crate::task::options::Options;
use crate::topics::{CHECKPOINTS, LATE_EVENTS};

/// The planned reset of a derivation. Creating it changes nothing; its `Display` output explains the effect
/// to an operator.
pub struct Reset {
    job: Job,
    why: String,
    closed_to: Option<Timestamp>,
}

/// Plans the reset of `derivation`. Returns an error if the derivation needs no reset or is not in the
/// dataflow file.
pub async fn reset(options: &Options, derivation: &str) -> Result<Reset, RunError> {
    let known = || options.dataflow.derivations.keys().cloned().collect();
    let Some(spec) = options.dataflow.derivations.get(derivation) else {
        return Err(RunError::NoDerivation {
            name: derivation.to_owned(),
            known: known(),
        });
    };
    let job = Job::new(options, derivation, spec, &SharedReaders::default())?;
    let (why, checkpoint) = replaced(&job).await?;
    Ok(Reset {
        why,
        closed_to: checkpoint.watermark.max(checkpoint.closed_to),
        job,
    })
}

/// Returns what shows that the derivation's checkpoint belongs to another log, and that checkpoint. Returns an error
/// if the checkpoint belongs to the current log.
async fn replaced(job: &Job) -> Result<(String, Checkpoint), RunError> {
    let nothing = || RunError::NothingToReset {
        derivation: job.name.clone(),
        topic: job.spec.from.clone(),
    };
    let stored = Checkpoint::load(&job.cluster, &job.name).await?;
    let checkpoint = stored.ok_or_else(nothing)?;
    match recovery::check_logs(&job.cluster, &job.name, &job.spec.from, &checkpoint).await {
        Ok(_) => Err(nothing()),
        Err(RunError::SourceReplaced {
            partition, found, ..
        }) => Ok((format!("partition {partition}: {found}"), checkpoint)),
        Err(error) => Err(error),
    }
}

impl Reset {
    /// Performs the reset. Waits until no runner is running the derivation.
    pub async fn apply(self) -> Result<(), RunError> {
        let job = &self.job;
        let lease = Lease::acquire(&job.cluster, &job.name, &job.runner, &mut || {}).await?;
        let result = self.write(&lease).await;
        lease.release().await?;
        result
    }

    async fn write(&self, lease: &Lease) -> Result<(), RunError> {
        let job = &self.job;
        // Read the checkpoint again: another runner may have been running until now.
        let (_, old) = replaced(job).await?;
        let cluster = &job.cluster;
        let partitions = cluster.partition_count(&job.spec.from).await?;
        let ends = OutputEnds {
            derived: ends_of(cluster, &job.name).await?,
            rejected: ends_of(cluster, REJECTED_EVENTS).await?,
            late: ends_of(cluster, LATE_EVENTS).await?,
        };
        let checkpoint = old.for_another_log(partitions, ends);
        let mut checkpoints = TopicWriter::leased(lease, CHECKPOINTS).await?;
        checkpoint.save(&mut checkpoints, &job.name).await
    }
}

async fn ends_of(cluster: &Cluster, topic: &str) -> Result<Vec<Offset>, RunError> {
    Ok(TopicWriter::open(cluster, topic).await?.ends().to_vec())
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, source) = (&self.job.name, &self.job.spec.from);
        writeln!(
            f,
            "`{source}` is not the log that `{name}` has read ({}).",
            self.why
        )?;
        writeln!(f, "Resetting `{name}`:")?;
        writeln!(f, "- reads `{source}` from its first record on;")?;
        match self.closed_to {
            Some(closed_to) => writeln!(
                f,
                "- keeps every row of `{name}`; windows that ended by {closed_to} stay as they are, and their \
                 events go to `{LATE_EVENTS}`;"
            )?,
            None => writeln!(f, "- keeps every row of `{name}`;")?,
        }
        write!(
            f,
            "- discards its windows that were still open: their events from the old log are in no row."
        )
    }
}
