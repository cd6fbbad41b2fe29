//! The expected content of a log, kept as a plain list.

use super::*;

/// All batches that were appended, in order.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    batches: Vec<Expected>,
}

#[derive(Debug)]
struct Expected {
    base_offset: i64,
    next_offset: i64,
    bytes: Vec<u8>,
}

impl Oracle {
    /// Adds the appended batches, and returns the base offsets that the log should give them.
    pub(super) fn append(&mut self, batches: &[(CheckedBatch, i64)]) -> Vec<i64> {
        let mut base_offsets = Vec::new();
        for (batch, count) in batches {
            let base_offset = self.end_offset();
            let next_offset = base_offset + count;
            let bytes = placed(batch, base_offset);
            self.batches.push(Expected {
                base_offset,
                next_offset,
                bytes,
            });
            base_offsets.push(base_offset);
        }
        base_offsets
    }

    pub(super) fn end_offset(&self) -> i64 {
        self.batches.last().map_or(0, |batch| batch.next_offset)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.batches
            .iter()
            .flat_map(|batch| batch.bytes.clone())
            .collect()
    }

    /// Fails unless the log has exactly this content, when it is read as a whole and from every offset.
    pub(super) fn check(&self, log: &PartitionLog, max_bytes: usize) {
        assert_eq!(log.end_offset(), self.end_offset());
        assert_eq!(log.size_bytes(), self.bytes().len() as u64);
        assert_eq!(read_all(log, max_bytes), self.bytes());
        for offset in 0..self.end_offset() {
            self.check_slice(offset, &log.read(offset, max_bytes).unwrap(), max_bytes);
        }
    }

    fn check_slice(&self, offset: i64, slice: &LogSlice, max_bytes: usize) {
        let first = self
            .batches
            .partition_point(|batch| batch.next_offset <= offset);
        let (mut bytes, mut batches) = (Vec::new(), 0);
        for batch in &self.batches[first..] {
            if batch.base_offset == slice.next_offset {
                break;
            }
            bytes.extend_from_slice(&batch.bytes);
            batches += 1;
        }
        assert!(batches > 0, "offset {offset}: nothing was read");
        assert_eq!(slice.bytes, bytes, "offset {offset}");
        assert!(
            batches == 1 || bytes.len() <= max_bytes,
            "offset {offset}: too much was read"
        );
    }
}
