//! Folds batches of source records into partials, type-erased for any derivation.

use model::fold::SourceRecord;

/// A [`model::Fold`] of any derivation.
pub trait AnyFold: Send {
    /// Appends the partial of one batch to `output`.
    fn batch(&mut self, records: &mut dyn Iterator<Item = SourceRecord<'_>>, output: &mut Vec<u8>);
}

impl<L: model::Lift> AnyFold for model::Fold<L> {
    fn batch(&mut self, records: &mut dyn Iterator<Item = SourceRecord<'_>>, output: &mut Vec<u8>) {
        model::Fold::batch(self, records, output);
    }
}
