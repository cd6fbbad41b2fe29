//! The source records that a partial covers, in the types of the client. Partials themselves contain plain
//! numbers.

use client::{Offset, OffsetRange};
use model::partial::BatchHeader;

/// A stored batch of records.
pub(crate) trait Covered {
    /// The offsets of the batch's records.
    fn offsets(&self) -> OffsetRange;

    /// The offsets of the rejected records.
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
