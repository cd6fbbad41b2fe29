//! Measures the memory of a batch module (a SmartModule that processes a whole stored batch in one call) while events
//! pass through it.

use data_generator::Topic;

use crate::Guest;
use crate::batch::{batches, events};
use crate::modules::Params;

/// The number of records in a batch.
const BATCH: usize = 500;
/// The share of broken events. A module also receives events of topics that its derivations do not read. Neither these
/// nor broken events may accumulate in its memory.
const BROKEN: f64 = 0.002;

/// How many events a measurement uses.
#[derive(Clone, Copy, Debug)]
pub struct EventCounts {
    /// The number of different events of each topic. They are sent repeatedly, each time at new offsets.
    pub different: usize,
    /// The number of events after which the memory must have its final size.
    pub warm_up: usize,
    /// The number of all events, including the warm-up.
    pub events: usize,
}

/// The size of a module's memory, in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// The size before the first batch.
    pub start: u64,
    /// The size after the warm-up.
    pub warm: u64,
    /// The size after the last batch.
    pub end: u64,
}

/// Encoded batches of events. Consecutive batches are from different topics.
pub struct EncodedBatches(Vec<Vec<u8>>);

impl EncodedBatches {
    /// Builds the batches of a measurement.
    pub fn new(counts: EventCounts) -> anyhow::Result<Self> {
        let [players, purchases, servers] =
            Topic::TELEMETRY.map(|topic| batches(&events(topic, counts.different, BROKEN), BATCH));
        let turns = players?.into_iter().zip(purchases?).zip(servers?);
        let batches = turns.flat_map(|((player, purchase), server)| [player, purchase, server]);
        let encoded = batches.map(|batch| batch.encode());
        Ok(Self(encoded.collect::<anyhow::Result<_>>()?))
    }

    /// Sends the events of the measurement through a module that has the given parameters.
    pub fn run(
        &mut self,
        wasm: &[u8],
        params: &Params,
        counts: EventCounts,
    ) -> anyhow::Result<Pages> {
        let mut guest = Guest::start(wasm, params)?;
        let start = guest.memory_pages();
        let mut warm = start;
        let rounds = (0..counts.events).step_by(BATCH);
        for (sent, index) in rounds.zip((0..self.0.len()).cycle()) {
            let batch = &mut self.0[index];
            batch[..8].copy_from_slice(&(sent as i64).to_be_bytes()); // its base offset
            guest.run(batch)?;
            if sent < counts.warm_up {
                warm = guest.memory_pages();
            }
        }
        let end = guest.memory_pages();
        Ok(Pages { start, warm, end })
    }
}
