//! The output of the SmartModule for one batch.

use bytes::Bytes;
use client::Offset;
use model::PartialError;
use model::fold;
use model::partial::BatchHeader;

/// The partials of one batch, one for each requested fold.
#[derive(Debug)]
pub(crate) struct Partials {
    pub(crate) first_offset: Offset,
    pub(crate) next_offset: Offset,
    /// In the order of the request.
    pub(crate) of_folds: Vec<Bytes>,
}

impl Partials {
    /// Splits the output of the SmartModule, which must contain `folds` partials. Copies no bytes.
    pub(crate) fn read(output: &Bytes, folds: usize) -> Result<Self, PartialError> {
        let malformed = || PartialError::Malformed {
            length: output.len(),
            cause: postcard::Error::DeserializeUnexpectedEnd,
        };
        let ranges = fold::split(output).filter(|ranges| ranges.len() == folds);
        let ranges = ranges.ok_or_else(malformed)?.into_iter();
        let of_folds: Vec<Bytes> = ranges.map(|range| output.slice(range)).collect();
        let header = BatchHeader::decode(of_folds.first().ok_or_else(malformed)?)?;
        Ok(Self {
            first_offset: Offset(header.first_offset),
            next_offset: Offset(header.next_offset),
            of_folds,
        })
    }

    /// Returns the total size of all partials.
    pub(crate) fn bytes(&self) -> usize {
        self.of_folds.iter().map(Bytes::len).sum()
    }
}
