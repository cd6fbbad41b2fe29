//! Several derivations of one source, one thread: what it costs to read the source once instead of
//! once for each.
//!
//! - **apart**: a SmartModule for each, as the runner has it;
//! - **bundle**: one SmartModule that reads each record once and folds it for all;
//! - **plain**: the engine is left out; records are decoded as a client decodes them, read once and
//!   folded natively for all.
//!
//! They take turns within each round, as elsewhere.

use std::io::Cursor;
use std::time::Instant;

use anyhow::{Context, ensure};
use benches::batch::{self, Batch};
use benches::{Chain, modules};
use bundle::{Bundle, COUNT, MEMBERS};
use data_generator::Topic;
use fluvio_protocol::record::Record;
use model::fold::SourceRecord;

use crate::ratio::Spread;

const ROUNDS: usize = 25;
const EVENTS: usize = 40_000;
const SIZES: [usize; 2] = [50, 500];

/// Prints the table; fails where a way of reading says something else than the others.
pub(crate) fn measure() -> anyhow::Result<()> {
    let events = batch::events(Topic::PlayerEvents, EVENTS, 0.0);
    println!(
        "\n{EVENTS} player events, {ROUNDS} rounds; thousand events/s, median (least–greatest)"
    );
    println!(
        "{:>10} {:>12} {:>18} {:>18} {:>18} {:>18} {:>18}",
        "batch size", "derivations", "apart", "bundle", "plain", "bundle/apart", "plain/apart"
    );
    for size in SIZES {
        let batches = batch::batches(&events, size)?;
        for members in 1..=MEMBERS.len() {
            let mut contest = Contest::new(&batches, members)?;
            contest.compare()?;
            let rounds = contest.rounds()?;
            let speed = |which: usize| {
                Spread::of(
                    rounds
                        .iter()
                        .map(|seconds| EVENTS as f64 / seconds[which] / 1e3),
                )
            };
            let ratio =
                |which: usize| Spread::of(rounds.iter().map(|seconds| seconds[0] / seconds[which]));
            println!(
                "{size:>10} {members:>12} {:>18} {:>18} {:>18} {:>18} {:>18}",
                speed(0).to_string(),
                speed(1).to_string(),
                speed(2).to_string(),
                ratio(1).to_string(),
                ratio(2).to_string()
            );
        }
    }
    Ok(())
}

struct Contest<'b> {
    batches: &'b [Batch],
    encoded: Vec<(i64, i64, Vec<u8>)>,
    apart: Vec<Chain>,
    bundle: Chain,
    plain: Bundle,
}

impl<'b> Contest<'b> {
    fn new(batches: &'b [Batch], members: usize) -> anyhow::Result<Self> {
        let (built, bundle) = (modules::built()?, modules::baselines()?);
        let apart = MEMBERS[..members].iter().map(|(name, window_ms)| {
            let wasm = built.get(*name).context("run `make wasm`")?;
            Chain::start(wasm, &[("window_ms", window_ms)])
        });
        let count = members.to_string();
        let bundle = bundle.get("bundle").context("run `make bench`")?;
        Ok(Self {
            batches,
            encoded: batches
                .iter()
                .map(|batch| {
                    let input = batch.input();
                    (
                        input.base_offset(),
                        input.base_timestamp(),
                        input.raw_bytes().to_vec(),
                    )
                })
                .collect(),
            apart: apart.collect::<anyhow::Result<_>>()?,
            bundle: Chain::start(bundle, &[(COUNT, &count)])?,
            plain: Bundle::from_params(&[(COUNT, count)].into_iter().collect())?,
        })
    }

    /// Every way says the same.
    fn compare(&mut self) -> anyhow::Result<()> {
        for index in 0..self.batches.len() {
            let input = || self.batches[index].input();
            let bundle = self.bundle.partial(input())?;
            let apart = self.apart.iter_mut().map(|chain| chain.partial(input()));
            let apart = apart.collect::<anyhow::Result<Vec<_>>>()?;
            ensure!(
                bundle::partials(&bundle) == apart,
                "the bundle says something else"
            );
            ensure!(
                self.plain(index)? == bundle,
                "plain records say something else"
            );
        }
        Ok(())
    }

    /// The seconds of each way in each round, after one that warms up.
    fn rounds(&mut self) -> anyhow::Result<Vec<[f64; 3]>> {
        self.round(0)?;
        (0..ROUNDS).map(|round| self.round(round)).collect()
    }

    /// Each round begins with another way.
    fn round(&mut self, round: usize) -> anyhow::Result<[f64; 3]> {
        let mut seconds = [0.0; 3];
        for turn in 0..3 {
            let which = (round + turn) % 3;
            seconds[which] = match which {
                0 => run_apart(self.batches, &mut self.apart)?,
                1 => run(self.batches, &mut self.bundle)?,
                _ => self.run_plain()?,
            };
        }
        Ok(seconds)
    }

    fn run_plain(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        for index in 0..self.encoded.len() {
            self.plain(index)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    fn plain(&mut self, index: usize) -> anyhow::Result<Vec<u8>> {
        let (base_offset, base_timestamp, bytes) = &self.encoded[index];
        let mut records = Vec::<Record>::new();
        fluvio_protocol::Decoder::decode(
            &mut records,
            &mut Cursor::new(bytes),
            benches::INTERFACE_VERSION,
        )?;
        let records = records.iter().map(|record| {
            let offset = base_offset + record.preamble.offset_delta();
            let ingest_ms = base_timestamp + record.preamble.get_timestamp_delta();
            SourceRecord::new(offset, Some(ingest_ms), record.value.as_ref())
        });
        let mut partials = Vec::new();
        self.plain.batch(records, &mut partials);
        Ok(partials)
    }
}

fn run_apart(batches: &[Batch], chains: &mut [Chain]) -> anyhow::Result<f64> {
    chains.iter_mut().map(|chain| run(batches, chain)).sum()
}

fn run(batches: &[Batch], chain: &mut Chain) -> anyhow::Result<f64> {
    let inputs: Vec<_> = batches.iter().map(Batch::input).collect();
    let start = Instant::now();
    for input in inputs {
        chain.run(input)?;
    }
    Ok(start.elapsed().as_secs_f64())
}
