//! Running one stored batch through a chain.

use fluvio_compression::Compression;
use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::record::Record;
use fluvio_smartengine::SmartModuleChainInstance;
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleInput;

use super::{failure, records};
use crate::log::{BatchHeader, CheckedBatch};

/// Compiled SmartModules with their state, for one stream or one request.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(super) instance: SmartModuleChainInstance,
}

/// What a chain made of one batch.
#[derive(Debug)]
pub(crate) struct Processed {
    /// The batch that went in.
    pub(crate) input: BatchHeader,
    /// The records that came out, in order.
    pub(crate) records: Vec<Record>,
    /// Why the chain stopped within the batch, if it did; the records before it are good.
    pub(crate) error: Option<ErrorCode>,
}

impl Chain {
    /// Wraps a ready instance.
    pub(super) fn new(instance: SmartModuleChainInstance) -> Self {
        Self { instance }
    }

    /// Runs a batch. Its state changes with it: no batch may be run twice. Blocks.
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

/// The batch's records, or nothing if it does not hold what its header promises.
pub(crate) fn unpack(batch: &CheckedBatch) -> Option<Vec<Record>> {
    records::decode(&records_of(batch).ok()?).ok()
}

/// The batch's records, unpacked: an `i32` count and the records.
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
