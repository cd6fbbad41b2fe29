//! The memory of a batch module while events pass through it.

use data_generator::Topic;

use crate::Guest;
use crate::batch::{batches, events};

/// Records in a batch.
const BATCH: usize = 500;
/// A module meets the events of other topics too, whole and broken: none may stay in its memory.
const BROKEN: f64 = 0.002;

/// How many events to send.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Different ones of each topic; they come again and again, at new offsets.
    pub different: usize,
    /// After this many the memory has its size.
    pub warm_up: usize,
    /// In all.
    pub events: usize,
}

/// A module's memory, in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Before the first batch.
    pub start: u64,
    /// After the warm-up.
    pub warm: u64,
    /// After the last batch.
    pub end: u64,
}

/// Encoded batches of every topic in turn.
pub struct Track(Vec<Vec<u8>>);

impl Track {
    /// The batches of a course.
    pub fn new(course: Course) -> anyhow::Result<Self> {
        let [players, purchases, servers] =
            Topic::ALL.map(|topic| batches(&events(topic, course.different, BROKEN), BATCH));
        let turns = players?.into_iter().zip(purchases?).zip(servers?);
        let batches = turns.flat_map(|((player, purchase), server)| [player, purchase, server]);
        let encoded = batches.map(|batch| batch.encode());
        Ok(Self(encoded.collect::<anyhow::Result<_>>()?))
    }

    /// Sends the course's events through a module with these parameters.
    pub fn run(
        &mut self,
        wasm: &[u8],
        params: &[(&str, &str)],
        course: Course,
    ) -> anyhow::Result<Pages> {
        let mut guest = Guest::start(wasm, params)?;
        let start = guest.memory_pages();
        let mut warm = start;
        let rounds = (0..course.events).step_by(BATCH);
        for (sent, index) in rounds.zip((0..self.0.len()).cycle()) {
            let batch = &mut self.0[index];
            batch[..8].copy_from_slice(&(sent as i64).to_be_bytes()); // its base offset
            guest.run(batch)?;
            if sent < course.warm_up {
                warm = guest.memory_pages();
            }
        }
        let end = guest.memory_pages();
        Ok(Pages { start, warm, end })
    }
}
