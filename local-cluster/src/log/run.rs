//! The batches of one append, joined for a single write, with their offsets set.

use bytes::BufMut;

use super::batch::CheckedBatch;
use super::error::LogError;

/// The bytes that one append writes.
#[derive(Debug)]
pub(super) struct Run {
    /// The bytes of the batches, each directly after the one before.
    pub(super) bytes: Vec<u8>,
    /// The base offset of each batch, and its position in `bytes`.
    pub(super) starts: Vec<(i64, u64)>,
    /// The offset after the last record.
    pub(super) end_offset: i64,
}

impl Run {
    /// Joins the batches and numbers them from `end_offset` on.
    pub(super) fn new(batches: &[CheckedBatch], end_offset: i64) -> Result<Self, LogError> {
        let total = batches.iter().map(|batch| batch.bytes().len()).sum();
        let (bytes, starts) = (Vec::with_capacity(total), Vec::with_capacity(batches.len()));
        let mut run = Self {
            bytes,
            starts,
            end_offset,
        };
        for batch in batches {
            run.push(batch)?;
        }
        Ok(run)
    }

    fn push(&mut self, batch: &CheckedBatch) -> Result<(), LogError> {
        let base_offset = self.end_offset;
        let next = base_offset.checked_add(batch.header().record_count());
        // The log never ends at `i64::MAX`: `BatchHeader::next_offset` saturates at that value, and a scan treats
        // it as damage.
        let next = next.filter(|next| *next < i64::MAX);
        self.end_offset = next.ok_or(LogError::OffsetsExhausted { end: base_offset })?;
        self.starts.push((base_offset, self.bytes.len() as u64));
        self.bytes.put_i64(base_offset);
        self.bytes
            .extend_from_slice(&batch.bytes()[size_of::<i64>()..]);
        Ok(())
    }
}
