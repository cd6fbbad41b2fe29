//! Converts the offsets in a partial's header, which are plain numbers, to the client's offset types.

use client::{Offset, OffsetRange};
use model::partial::BatchHeader;

/// The offsets of the source records that a partial covers.
pub(crate) trait Covered {
    /// Returns the offsets of all records of the batch.
    fn offsets(&self) -> OffsetRange;

    /// Returns the offsets of the batch's rejected records.
    fn rejected_offsets(&self) -> impl Iterator<Item = Offset>;
}

impl Covered for BatchHeader {
    #[inline]
    fn offsets(&self) -> OffsetRange {
        OffsetRange {
            start: Offset(self.first_offset),
            end: Offset(self.next_offset),
        }
    }

    fn rejected_offsets(&self) -> impl Iterator<Item = Offset> {
        let first = self.offsets().start;
        self.rejected
            .iter()
            .map(move |(delta, _)| first + i64::from(*delta))
    }
}
