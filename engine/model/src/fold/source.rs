//! Folds the records of one source for several derivations, and parses each record once.

use super::parsed::{Covered, Parsed, parse_all};
use super::partials::append;
use super::{Fold, SourceRecord};
use crate::derivation::Lift;
use crate::event::{Event, Layouts, PlayerEvent, PurchaseEvent, ServerMetric};

/// A marker type for a source topic. It names the type of the topic's events for every lifetime.
pub trait Source: 'static {
    /// The event of the source, borrowed from its record.
    type Event<'e>: Event<'e>;
}

/// The source `player-events`.
pub enum PlayerEvents {}

/// The source `purchase-events`.
pub enum PurchaseEvents {}

/// The source `server-metrics`.
pub enum ServerMetrics {}

impl Source for PlayerEvents {
    type Event<'e> = PlayerEvent<'e>;
}

impl Source for PurchaseEvents {
    type Event<'e> = PurchaseEvent<'e>;
}

impl Source for ServerMetrics {
    type Event<'e> = ServerMetric<'e>;
}

/// The object-safe interface of [`Fold`]. It lets folds of different derivations of the source `S` be in one list.
pub trait ParsedFold<S: Source> {
    /// Adds the next records of the batch that begins at `first_offset`.
    fn add<'r>(&mut self, first_offset: i64, parsed: &[Parsed<'r, S::Event<'r>>]);

    /// Appends to `output` the partial of the records that were added since the last call.
    fn finish(&mut self, covered: &Covered, output: &mut Vec<u8>);
}

impl<S, L> ParsedFold<S> for Fold<L>
where
    S: Source,
    L: Lift + for<'e> Lift<Event<'e> = S::Event<'e>>,
{
    fn add<'r>(&mut self, first_offset: i64, parsed: &[Parsed<'r, S::Event<'r>>]) {
        self.add(first_offset, parsed);
    }

    fn finish(&mut self, covered: &Covered, output: &mut Vec<u8>) {
        self.finish(covered, output);
    }
}

/// The folds of several derivations of one source.
pub struct SourceFolds<S: Source> {
    folds: Vec<Box<dyn ParsedFold<S>>>,
    layouts: Layouts,
    partial: Vec<u8>,
}

impl<S: Source> SourceFolds<S> {
    /// Combines `folds`. The output for a batch contains one partial of each fold, in this order.
    pub fn new(folds: Vec<Box<dyn ParsedFold<S>>>) -> Self {
        Self {
            folds,
            layouts: Layouts::default(),
            partial: Vec::new(),
        }
    }

    /// Folds one batch and appends the partial of each fold to `output`, to be read with
    /// [`split`](super::split).
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        output: &mut Vec<u8>,
    ) {
        let folds = &mut self.folds;
        let covered = parse_all(records, &mut self.layouts, |first_offset, parsed| {
            for fold in folds.iter_mut() {
                fold.add(first_offset, parsed);
            }
        });
        for fold in &mut self.folds {
            self.partial.clear();
            fold.finish(&covered, &mut self.partial);
            append(&self.partial, output);
        }
    }
}
