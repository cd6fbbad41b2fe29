//! Builds batches of generated events as a server passes them to the engine.

use anyhow::Context;
use data_generator::{Event, Topic, World, WorldOptions};
use fluvio_protocol::Encoder;
use fluvio_protocol::record::Record;
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleInput;

use crate::INTERFACE_VERSION;

/// The world from which all batches are built. It starts in 2026 and has the generator's default rate.
const WORLD: WorldOptions = WorldOptions {
    seed: 1,
    start_ms: 1_767_225_600_000,
    rate: 1_000.0,
    broken: 0.0,
};

/// Generates the first `count` events of `topic`. The share `broken` of them is broken.
pub fn events(topic: Topic, count: usize, broken: f64) -> Vec<Event> {
    World::new(WorldOptions { broken, ..WORLD })
        .filter(|event| event.topic == topic)
        .take(count)
        .collect()
}

/// Splits the events into batches of `size`; the last batch may be smaller.
pub fn batches(events: &[Event], size: usize) -> anyhow::Result<Vec<Batch>> {
    let offsets = (0..).step_by(size);
    let chunks = events.chunks(size).zip(offsets);
    chunks
        .map(|(events, offset)| Batch::new(offset, events))
        .collect()
}

/// One batch of records.
#[derive(Clone, Debug)]
pub struct Batch {
    input: SmartModuleInput,
    records: usize,
}

impl Batch {
    /// Creates a batch of `events` that starts at `base_offset`. The ingest time of each event is the time at
    /// which it is emitted.
    pub fn new(base_offset: i64, events: &[Event]) -> anyhow::Result<Self> {
        let base_timestamp = events.first().context("a batch has a record")?.emitted_ms;
        let records = (0..).zip(events).map(|(index, event)| {
            let mut record = Record::new_key_value(event.key.as_str(), event.value.as_slice());
            record.preamble.set_offset_delta(index);
            record
                .preamble
                .set_timestamp_delta(event.emitted_ms - base_timestamp);
            record
        });
        let mut input = SmartModuleInput::try_from_records(records.collect(), INTERFACE_VERSION)?;
        input.set_base_offset(base_offset);
        input.set_base_timestamp(base_timestamp);
        Ok(Self {
            input,
            records: events.len(),
        })
    }

    /// Returns the number of records in the batch.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Returns a copy of the engine's input, because the engine consumes it.
    pub fn input(&self) -> SmartModuleInput {
        self.input.clone()
    }

    /// Encodes the batch in the form in which the engine passes it to a module.
    pub fn encode(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.input.encode(&mut bytes, INTERFACE_VERSION)?;
        Ok(bytes)
    }
}
