//! Measures a runner on one backlog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use benches::process::Running;
use benches::usage::{self, Memory};
use client::Cluster;
use data_generator::{Catalogue, Options, Pace, WorldOptions};

use crate::check;
use crate::cluster::{Clusters, EmptyCluster};
use crate::dataflow_file::DataflowFile;
use crate::progress;

/// The options of the generated world, with the generator's default rate.
const WORLD: WorldOptions = WorldOptions {
    seed: 1,
    start_ms: 0,
    rate: 1_000.0,
    broken: 0.0,
};

/// The measurements of one round.
pub(crate) struct Round {
    pub(crate) small: Measured,
    pub(crate) full: Measured,
}

/// The measurements of one backlog.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The number of events in the topics that the derivations read.
    pub(crate) events: u64,
    /// The number of rows in the derived topics.
    pub(crate) rows: u64,
    /// Seconds from the start of the runner's process until it had read a record.
    pub(crate) first_read_s: f64,
    /// Seconds from the start of the runner's process until it had counted every record.
    pub(crate) accounted_s: f64,
    /// `None` for a real cluster without `CLUSTER_PID`.
    pub(crate) cluster: Option<Usage>,
    pub(crate) runner: Usage,
}

/// The processor time and memory that a process used from the start of the runner until the runner had counted every
/// record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) processor_s: f64,
    pub(crate) peak_mb: f64,
}

/// Writes a backlog of `events` to an empty cluster and measures a runner that reads it.
pub(crate) async fn measure(
    clusters: &Clusters,
    dataflow: &DataflowFile,
    events: u64,
) -> anyhow::Result<Measured> {
    let place = clusters.start().await?;
    let written = write(&place, dataflow, events).await?;
    let count = |source: &str| written.get(source).copied().unwrap_or_default();
    let sources = dataflow.sources.iter();
    let expected = sources.map(|(name, source)| (name.clone(), count(source)));
    let expected = expected.collect();
    let read: BTreeSet<&String> = dataflow.sources.values().collect();

    let cluster = place.pid.map(Meter::start).transpose()?;
    let started = Instant::now();
    let runner = Running::start(&[
        "run",
        "--cluster",
        &place.address,
        "--dataflow",
        dataflow.path()?,
        "--metrics-addr",
        "127.0.0.1:0",
    ])?;
    let times = progress::follow(&runner, started, &expected).await?;
    let used = Meter::from_birth(runner.pid()).used()?;
    let cluster_used = cluster.map(|cluster| cluster.used()).transpose()?;
    runner.stop()?;
    let rows = check::check(&Cluster::connect(Some(&place.address)).await?, &expected).await?;
    place.end().await?;
    Ok(Measured {
        events: read.into_iter().map(|source| count(source)).sum(),
        rows,
        first_read_s: times.first_read.as_secs_f64(),
        accounted_s: times.accounted.as_secs_f64(),
        cluster: cluster_used,
        runner: used,
    })
}

/// Creates the topics and writes the world into them. Returns the number of events in each.
async fn write(
    place: &EmptyCluster,
    dataflow: &DataflowFile,
    events: u64,
) -> anyhow::Result<BTreeMap<&'static str, u64>> {
    let path = dataflow.path()?;
    Running::start(&["provision", "--cluster", &place.address, "--dataflow", path])?.wait()?;
    let options = Options {
        world: WORLD.ending_at(client::now_ms(), events),
        catalogue: Catalogue::built_in(),
        people: None,
        incidents: 0.0,
        truth: None,
        events: Some(events),
        pace: Pace::Unpaced,
        sent: Arc::default(),
    };
    let cluster = Cluster::connect(Some(&place.address)).await?;
    let summary = data_generator::run(options, &cluster, std::future::pending()).await?;
    let by_name = |(topic, count): (data_generator::Topic, u64)| (topic.name(), count);
    Ok(summary.events.into_iter().map(by_name).collect())
}

/// Measures the processor time and the peak memory of a process.
struct Meter {
    pid: u32,
    processor_s_before: f64,
}

impl Meter {
    fn from_birth(pid: u32) -> Self {
        Self {
            pid,
            processor_s_before: 0.0,
        }
    }

    /// Measures from now on.
    fn start(pid: u32) -> anyhow::Result<Self> {
        usage::reset_peak(pid)?;
        Ok(Self {
            pid,
            processor_s_before: usage::processor_seconds(pid)?,
        })
    }

    fn used(&self) -> anyhow::Result<Usage> {
        Ok(Usage {
            processor_s: usage::processor_seconds(self.pid)? - self.processor_s_before,
            peak_mb: usage::memory_mb(self.pid, Memory::Peak)?,
        })
    }
}
