//! Reads through a chain. Each stored batch runs through the chain once, and its output is sent once.

use std::sync::Arc;

use fluvio_protocol::link::ErrorCode;

use super::frame::StreamFrame;
use crate::chain::{Chain, OutputSet};
use crate::cluster::Partition;
use crate::limits::{CHAIN_INPUT_BYTES_MAX, CHAIN_READ_BYTES};
use crate::log::CheckedBatches;

/// Reads one partition through a chain, and keeps output that has not been sent yet.
#[derive(Debug)]
pub(super) struct Filtered {
    chain: Chain,
    /// Output that did not fit the last frame. It is kept, because its batch has changed the chain's state and must
    /// not be run again. If the client does not continue where the last frame ended, the output is dropped.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    start: i64,
    output: OutputSet,
    error: Option<ErrorCode>,
}

impl Filtered {
    /// `chain` must not have processed any records except those of its look-back.
    pub(super) fn new(chain: Chain) -> Self {
        Self { chain, held: None }
    }

    /// Builds the next frame from `position` on. It contains the whole outputs of stored batches: at least
    /// one, whatever its size. Blocks the thread.
    pub(super) fn next(
        &mut self,
        partition: &Arc<Partition>,
        position: i64,
        max_bytes: usize,
    ) -> Result<StreamFrame, ErrorCode> {
        let mut frame = Building::new(position, max_bytes);
        if let Some(held) = self.held.take().filter(|held| held.start == position) {
            frame.take(held.output, held.error);
        }
        while !frame.is_full() && frame.covered_to() < partition.end_offset() {
            let read = partition.read_blocking(frame.covered_to(), CHAIN_READ_BYTES);
            match read {
                Ok(slice) => self.run(slice.bytes, &mut frame),
                Err(error) if frame.is_empty() => return Err(error.into()),
                Err(_) => break,
            }
        }
        Ok(frame.finish())
    }

    fn run(&mut self, stored: bytes::Bytes, frame: &mut Building) {
        for batch in CheckedBatches::new(stored) {
            let start = frame.covered_to();
            let Ok(batch) = batch else {
                return frame.fail(ErrorCode::StorageError);
            };
            frame.input_bytes += batch.bytes().len();
            let processed = self.chain.process(&batch);
            let mut output = OutputSet::new(start);
            output.push(&processed);
            if frame.has_room_for(&output) {
                frame.take(output, processed.error);
            } else {
                self.held = Some(Held {
                    start,
                    output,
                    error: processed.error,
                });
                frame.full = true;
            }
            if frame.is_full() {
                return;
            }
        }
    }
}

/// A frame under construction.
struct Building {
    output: OutputSet,
    max_bytes: usize,
    input_bytes: usize,
    outputs: usize,
    full: bool,
    error: Option<ErrorCode>,
}

impl Building {
    fn new(start: i64, max_bytes: usize) -> Self {
        Self {
            output: OutputSet::new(start),
            max_bytes,
            input_bytes: 0,
            outputs: 0,
            full: false,
            error: None,
        }
    }

    fn covered_to(&self) -> i64 {
        self.output.covered_to()
    }

    fn is_empty(&self) -> bool {
        self.outputs == 0
    }

    fn is_full(&self) -> bool {
        self.full || self.error.is_some() || self.input_bytes >= CHAIN_INPUT_BYTES_MAX
    }

    fn has_room_for(&self, output: &OutputSet) -> bool {
        self.outputs == 0 || self.output.len_bytes() + output.len_bytes() <= self.max_bytes
    }

    fn take(&mut self, output: OutputSet, error: Option<ErrorCode>) {
        self.output.append(output);
        self.outputs += 1;
        self.error = error;
    }

    fn fail(&mut self, error: ErrorCode) {
        self.error = Some(error);
    }

    fn finish(self) -> StreamFrame {
        StreamFrame {
            next_offset: self.output.covered_to(),
            bytes: self.output.encode(),
            error: self.error,
        }
    }
}
