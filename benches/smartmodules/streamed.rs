//! The same as `shared`, through a cluster and our client: what it costs both of them together, in
//! processor time, to bring what several derivations need from a partition to the runner.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use benches::{batch, modules};
use bundle::{Bundle, COUNT, MEMBERS};
use client::{Cluster, Key, Mode, PartitionSource, SmartModule, Start, TopicSettings};
use data_generator::Topic;
use futures_util::StreamExt;
use local_cluster::Options;
use model::fold::SourceRecord;
use model::partial::BatchHeader;

use crate::ratio::Spread;

const TOPIC: &str = "player-events";
/// A module is compiled when its stream starts, so the clock runs from here
const FROM: i64 = 80_000;
/// to here.
const TO: i64 = 400_000;
const DIFFERENT: usize = 40_000;
const ROUNDS: usize = 5;
/// Derivations that read together are this many times faster, if there are so many.
const CLAIMED_RATIO: f64 = 1.3;
const CLAIMED_MEMBERS: usize = 3;
/// Plain records that are folded at a time: about what a producer with a short linger sends.
const BATCH: usize = 500;

/// Prints the table; fails where the claim does not hold.
pub(crate) fn measure() -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        println!("\nthrough a cluster: not measured, for want of a process's times in /proc");
        return Ok(());
    }
    tokio::runtime::Runtime::new()?.block_on(measure_streams())
}

async fn measure_streams() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let node = local_cluster::start(Options::new(folder.path()).with_free_ports()).await?;
    let cluster = Cluster::connect(Some(&node.sc_addr().to_string())).await?;
    let batch = fill(&cluster).await?;
    println!(
        "\nthrough a cluster, batches of {batch}, {ROUNDS} rounds; microseconds of processor time per event, cluster and client, median (least–greatest)"
    );
    println!(
        "{:>12} {:>17} {:>17} {:>17} {:>17} {:>17} {:>17} {:>17}",
        "derivations",
        "apart",
        "bundle",
        "plain",
        "plain, each",
        "apart/bundle",
        "apart/plain",
        "apart/each"
    );
    for members in [1, 2, 3, 5] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([
                apart(&cluster, members).await?,
                bundle(&cluster, members).await?,
                plain(&cluster, Bundle::of(0..members)?).await?,
                plain_for_each(&cluster, members).await?,
            ]);
        }
        let cost = |which: usize| Spread::of(rounds.iter().map(|round| round[which])).to_string();
        let ratio = |which: usize| Spread::of(rounds.iter().map(|round| round[0] / round[which]));
        println!(
            "{members:>12} {:>17} {:>17} {:>17} {:>17} {:>17} {:>17} {:>17}",
            cost(0),
            cost(1),
            cost(2),
            cost(3),
            ratio(1).to_string(),
            ratio(2).to_string(),
            ratio(3).to_string()
        );
        ensure!(
            members != CLAIMED_MEMBERS || ratio(3).median >= CLAIMED_RATIO,
            "reading together is {:.2} times as fast, not {CLAIMED_RATIO}",
            ratio(3).median
        );
    }
    node.shutdown().await?;
    Ok(())
}

/// The size of a stored batch.
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
    for event in events.iter().cycle().take(TO as usize) {
        let (key, value) = (Key::from(event.key.clone()), event.value.clone());
        drop(producer.send(key, value).await?); // all of it is there if the topic's end says so
    }
    producer.flush().await?;
    let (module, params) = apart_of(0)?;
    let first = stream(cluster, &module, &params).await?.next().await;
    let header = BatchHeader::decode(&first.context("a partial")??)?;
    ensure!(cluster.end_offset(TOPIC, 0).await? >= TO);
    Ok(header.next_offset)
}

type Params = BTreeMap<String, String>;

fn apart_of(member: usize) -> anyhow::Result<(SmartModule, Params)> {
    let (name, window_ms) = MEMBERS[member];
    let built = modules::built()?;
    let wasm = built.get(name).context("run `make wasm`")?;
    let params = [
        ("window_ms".to_owned(), window_ms.to_owned()),
        ("max_skew_ms".to_owned(), i64::MAX.to_string()),
    ];
    Ok((SmartModule::AdHoc(wasm.as_slice().into()), params.into()))
}

async fn apart(cluster: &Cluster, members: usize) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for member in 0..members {
        let (module, params) = apart_of(member)?;
        sum += stream_cost(cluster, &module, &params, |bytes| bytes).await?;
    }
    Ok(sum)
}

async fn bundle(cluster: &Cluster, members: usize) -> anyhow::Result<f64> {
    let baselines = modules::baselines()?;
    let wasm = baselines.get("bundle").context("run `make bench`")?;
    let module = SmartModule::AdHoc(wasm.as_slice().into());
    let params = [(COUNT.to_owned(), members.to_string())].into();
    stream_cost(cluster, &module, &params, |bytes| {
        bundle::partials(bytes)[0]
    })
    .await
}

async fn stream(
    cluster: &Cluster,
    module: &SmartModule,
    params: &Params,
) -> anyhow::Result<client::ValueStream> {
    let source = PartitionSource {
        topic: TOPIC.to_owned(),
        partition: 0,
        offset: 0,
    };
    Ok(cluster.transformed(&source, module, params).await?)
}

async fn stream_cost(
    cluster: &Cluster,
    module: &SmartModule,
    params: &Params,
    first: impl Fn(&[u8]) -> &[u8],
) -> anyhow::Result<f64> {
    let mut values = stream(cluster, module, params).await?;
    let mut clock = Clock::default();
    while let Some(value) = values.next().await {
        let header = BatchHeader::decode(first(&value?))?;
        if let Some(cost) = clock.at(header.next_offset)? {
            return Ok(cost);
        }
    }
    anyhow::bail!("the stream ended")
}

async fn plain(cluster: &Cluster, fold: Bundle) -> anyhow::Result<f64> {
    plain_into(cluster, vec![fold]).await
}

async fn plain_for_each(cluster: &Cluster, members: usize) -> anyhow::Result<f64> {
    let folds = (0..members).map(|member| Bundle::of(member..member + 1));
    plain_into(cluster, folds.collect::<Result<_, _>>()?).await
}

async fn plain_into(cluster: &Cluster, mut folds: Vec<Bundle>) -> anyhow::Result<f64> {
    let mut records = cluster
        .records(TOPIC, 0, Start::Beginning, Mode::Follow)
        .await?;
    let mut clock = Clock::default();
    let mut waiting = Vec::with_capacity(BATCH);
    let mut partials = Vec::new();
    while let Some(record) = records.next().await {
        waiting.push(record?);
        if waiting.len() < BATCH {
            continue;
        }
        partials.clear();
        for fold in &mut folds {
            let batch = waiting
                .iter()
                .map(|record| SourceRecord::new(record.offset, record.timestamp_ms, &record.value));
            fold.batch(batch, &mut partials);
        }
        let next_offset = waiting[BATCH - 1].offset + 1;
        waiting.clear();
        if let Some(cost) = clock.at(next_offset)? {
            return Ok(cost);
        }
    }
    anyhow::bail!("the stream ended")
}

/// Runs from [`FROM`] to [`TO`].
#[derive(Default)]
struct Clock {
    start: Option<(i64, f64)>,
}

impl Clock {
    /// Microseconds per event, once all have come.
    fn at(&mut self, offset: i64) -> anyhow::Result<Option<f64>> {
        match self.start {
            None if offset >= FROM => self.start = Some((offset, processor_seconds()?)),
            Some((from, start)) if offset >= TO => {
                let events = (offset - from) as f64;
                return Ok(Some((processor_seconds()? - start) / events * 1e6));
            }
            _ => {}
        }
        Ok(None)
    }
}

/// What this process has used so far.
fn processor_seconds() -> anyhow::Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0; // on every Linux
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("a name in brackets")?;
    let mut times = fields.split_whitespace().skip(11).take(2);
    let mut next = || -> anyhow::Result<f64> { Ok(times.next().context("a time")?.parse()?) };
    Ok((next()? + next()?) / TICKS_PER_SECOND)
}
