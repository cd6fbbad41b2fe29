//! Runs one stored batch through a chain.

use fluvio_compression::Compression;
use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::record::Record;
use fluvio_smartengine::SmartModuleChainInstance;
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleInput;

use super::{failure, records};
use crate::log::{BatchHeader, CheckedBatch};

/// Compiled SmartModules with their state. A chain belongs to one stream or one request.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(super) instance: SmartModuleChainInstance,
}

/// A chain's output for one batch.
#[derive(Debug)]
pub(crate) struct Processed {
    /// The header of the input batch.
    pub(crate) input: BatchHeader,
    pub(crate) records: Vec<Record>,
    /// The error that stopped the chain within the batch. The output up to it is valid.
    pub(crate) error: Option<ErrorCode>,
}

impl Chain {
    /// Wraps an initialised instance of the engine's chain.
    pub(super) fn new(instance: SmartModuleChainInstance) -> Self {
        Self { instance }
    }

    /// Runs a batch through the chain. This changes the chain's state, so it must be called once per batch. Blocks
    /// the thread.
    pub(crate) fn process(&mut self, batch: &CheckedBatch) -> Processed {
        let input = *batch.header();
        let failed = |error| Processed {
            input,
            records: Vec::new(),
            error: Some(error),
        };
        let records = match records_of(batch) {
            Ok(records) => records,
            Err(error) => return failed(error),
        };
        match self.instance.process(SmartModuleInput::new(
            records,
            input.base_offset,
            input.first_timestamp,
        )) {
            Ok(output) => Processed {
                input,
                records: output.successes,
                error: output.error.map(failure::reported),
            },
            Err(error) => failed(failure::running(error.as_ref())),
        }
    }
}

/// Decompresses and decodes the batch's records; `None` if that fails.
pub(crate) fn unpack(batch: &CheckedBatch) -> Option<Vec<Record>> {
    records::decode(&records_of(batch).ok()?).ok()
}

/// Decompresses the batch's records: an `i32` count followed by the records.
pub(super) fn records_of(batch: &CheckedBatch) -> Result<Vec<u8>, ErrorCode> {
    let records = batch.records();
    match batch.header().compression {
        Compression::None => Ok(records.to_vec()),
        packed => match packed.uncompress(&records) {
            Ok(Some(unpacked)) => Ok(unpacked),
            Ok(None) | Err(_) => Err(ErrorCode::CompressionError),
        },
    }
}
