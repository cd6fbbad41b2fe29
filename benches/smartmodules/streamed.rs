//! Measures the processor time that the cluster and the client together need to deliver the partials of several
//! derivations of one partition to the client, in two ways:
//!
//! - **apart**: one stream for each derivation, as when some derivations have read much further than others;
//! - **together**: one stream for all of them, as in the runner.

use anyhow::{Context, ensure};
use benches::usage::processor_seconds;
use benches::{Spread, batch, modules};
use client::{Cluster, Key, Offset, Partition, PartitionSource, SmartModule, TopicSettings};
use data_generator::Topic;
use futures_util::StreamExt;
use local_cluster::{Listeners, Options};
use model::fold;
use model::partial::BatchHeader;
use tokio_util::sync::CancellationToken;

const TOPIC: &str = "player-events";
/// The offset at which the measurement starts. The records before it are not measured, because the module is compiled
/// when the stream starts.
const FROM: Offset = Offset(80_000);
/// The offset at which the measurement ends.
const TO: Offset = Offset(400_000);
const DIFFERENT: usize = 40_000;
const ROUNDS: usize = 5;
/// The claim: [`CLAIMED_MEMBERS`] derivations read apart need at least this many times the processor time that they
/// need together.
const CLAIMED_RATIO: f64 = 1.3;
const CLAIMED_MEMBERS: usize = 3;
/// The derivations, in the order in which they are added.
const MEMBERS: [&str; 5] = [
    "level-engagement",
    "active-players",
    "player-activity",
    "player-session-summaries",
    "stuck-players",
];

/// Prints a table. Fails if the median ratio is below [`CLAIMED_RATIO`].
pub(crate) fn measure() -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        println!("\nthrough a cluster: not measured, without a process's times in /proc");
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(measure_streams())
}

async fn measure_streams() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let listeners = Listeners::bind_free_ports().await?;
    let stop = CancellationToken::new();
    let node = local_cluster::start(listeners, Options::new(folder.path()), stop.clone()).await?;
    let cluster = Cluster::connect(Some(&node.sc_addr().to_string())).await?;
    let batch = fill(&cluster).await?;
    println!(
        "\nthrough a cluster, batches of {batch}, {ROUNDS} rounds; microseconds of processor time per event, \
         cluster and client, median (least–greatest)"
    );
    println!(
        "{:>12} {:>17} {:>17} {:>17}",
        "derivations", "apart", "together", "apart/together"
    );
    for members in [1, 2, 3, 5] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([
                apart(&cluster, members).await?,
                stream_cost(&cluster, &MEMBERS[..members]).await?,
            ]);
        }
        let cost = |which: usize| Spread::of(rounds.iter().map(|round| round[which])).to_string();
        let ratio = Spread::of(rounds.iter().map(|[apart, together]| apart / together));
        println!(
            "{members:>12} {:>17} {:>17} {:>17}",
            cost(0),
            cost(1),
            ratio.to_string()
        );
        ensure!(
            members != CLAIMED_MEMBERS || ratio.median >= CLAIMED_RATIO,
            "one stream is {:.2} times as fast, not {CLAIMED_RATIO}",
            ratio.median
        );
    }
    stop.cancel();
    node.stopped().await?;
    Ok(())
}

/// Writes the events, and returns the number of records in the first stored batch.
async fn fill(cluster: &Cluster) -> anyhow::Result<i64> {
    cluster
        .ensure_topic(&TopicSettings {
            name: TOPIC.to_owned(),
            partitions: 1,
            retention: None,
            storage: None,
        })
        .await?;
    let producer = cluster.producer(TOPIC).await?;
    let events = batch::events(Topic::PlayerEvents, DIFFERENT, 0.0);
    for event in events.iter().cycle().take(TO.0 as usize) {
        let (key, value) = (Key::from(event.key.clone()), event.value.clone());
        drop(producer.send(key, value).await?); // the topic's end is checked below
    }
    producer.flush().await?;
    let first = stream(cluster, &MEMBERS[..1]).await?.next().await;
    let header = header(&first.context("a batch")??)?;
    ensure!(cluster.end_offset(TOPIC, Partition(0)).await? >= TO);
    Ok(header.next_offset)
}

async fn apart(cluster: &Cluster, members: usize) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for member in &MEMBERS[..members] {
        sum += stream_cost(cluster, std::slice::from_ref(member)).await?;
    }
    Ok(sum)
}

async fn stream(cluster: &Cluster, members: &[&str]) -> anyhow::Result<client::ValueStream> {
    let source = PartitionSource {
        topic: TOPIC.to_owned(),
        partition: Partition(0),
        offset: Offset(0),
    };
    let module = SmartModule::AdHoc(modules::named(TOPIC)?.into());
    let params = members.iter().map(|name| Ok((*name, params(name)?)));
    let params: Vec<_> = params.collect::<anyhow::Result<_>>()?;
    let members = params
        .iter()
        .map(|(name, params)| (*name, params.as_slice()));
    let params = modules::request(members);
    Ok(cluster.transformed(&source, &module, &params).await?)
}

fn params(name: &str) -> anyhow::Result<Vec<modules::Pair<'static>>> {
    let derivation = derivations::registration(name).context(name.to_owned())?;
    let mut params = modules::required(&derivation);
    params.push(("max_skew_ms", "9223372036854775807"));
    Ok(params)
}

async fn stream_cost(cluster: &Cluster, members: &[&str]) -> anyhow::Result<f64> {
    let mut outputs = stream(cluster, members).await?;
    let mut clock = Clock::default();
    while let Some(output) = outputs.next().await {
        let header = header(&output?)?;
        if let Some(cost) = clock.at(Offset(header.next_offset))? {
            return Ok(cost);
        }
    }
    anyhow::bail!("the stream ended")
}

/// Returns the header of the first partial in an output of the SmartModule.
fn header(output: &[u8]) -> anyhow::Result<BatchHeader> {
    let partials = fold::split(output).context("partials")?;
    let first = partials.first().context("a partial")?;
    Ok(BatchHeader::decode(&output[first.clone()])?)
}

/// Measures the processor time between the offsets [`FROM`] and [`TO`].
#[derive(Default)]
struct Clock {
    start: Option<(Offset, f64)>,
}

impl Clock {
    /// Returns the microseconds per event once [`TO`] is reached.
    fn at(&mut self, offset: Offset) -> anyhow::Result<Option<f64>> {
        match self.start {
            None if offset >= FROM => {
                self.start = Some((offset, processor_seconds(std::process::id())?))
            }
            Some((from, start)) if offset >= TO => {
                let events = (offset - from) as f64;
                return Ok(Some(
                    (processor_seconds(std::process::id())? - start) / events * 1e6,
                ));
            }
            _ => {}
        }
        Ok(None)
    }
}
