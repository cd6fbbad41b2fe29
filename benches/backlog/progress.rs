//! Follows a runner through its metrics until it has counted every record.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::http;
use benches::process::Running;

/// The interval between requests until the first record is read. After that the interval is `LATER`, because each
/// response costs the runner processor time.
const FIRST: Duration = Duration::from_millis(20);
const LATER: Duration = Duration::from_millis(50);
const TIMEOUT: Duration = Duration::from_secs(1_800);

/// When the first record was read and when all were counted, measured from the start of the runner's process.
pub(crate) struct Times {
    pub(crate) first_read: Duration,
    pub(crate) accounted: Duration,
}

/// Waits until each derivation has counted its expected number of records.
pub(crate) async fn follow(
    runner: &Running,
    started: Instant,
    expected: &BTreeMap<String, u64>,
) -> anyhow::Result<Times> {
    let address = runner.line("metrics: ")?;
    let mut first_read = None;
    loop {
        let answer = http::get(&address, "/metrics").await;
        let elapsed = started.elapsed();
        let read = records_read(&answer.with_context(|| runner.log())?)?;
        if first_read.is_none() && read.values().any(|count| *count > 0) {
            first_read = Some(elapsed);
        }
        match first_read {
            Some(first_read) if read == *expected => {
                return Ok(Times {
                    first_read,
                    accounted: elapsed,
                });
            }
            Some(_) => tokio::time::sleep(LATER).await,
            None => tokio::time::sleep(FIRST).await,
        }
        ensure!(elapsed < TIMEOUT, "{read:?} read of {expected:?}");
    }
}

/// Returns the number of records that each derivation has read, parsed from the text of the metrics.
fn records_read(text: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    const SAMPLE: &str = "game_analytics_records_read_total{derivation=\"";
    let mut read = BTreeMap::new();
    for sample in text.lines().filter_map(|line| line.strip_prefix(SAMPLE)) {
        let (derivation, rest) = sample.split_once('"').context("a name")?;
        let (_, count) = rest.rsplit_once(' ').context("a value")?;
        *read.entry(derivation.to_owned()).or_default() += count.parse::<u64>()?;
    }
    Ok(read)
}
