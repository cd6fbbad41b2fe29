//! Folds the records of a topic for several derivations, and parses each record once for all that read it alike.

use super::SourceRecord;
use super::lifted::Lifted;
use super::parsed::{Covered, Parsed, by_chunks, parse};
use super::partials::append;
use crate::derivation::Lift;
use crate::params::{ParamError, Params};
use crate::source::Source;

/// The object-safe interface of a derivation's fold of parsed records. It lets folds of different derivations of the
/// source `S` be in one list.
pub trait ParsedFold<S: Source> {
    /// Adds the next records of the batch that begins at `first_offset`.
    fn add<'r>(&mut self, first_offset: i64, parsed: &[Parsed<'r, S::Event<'r>>]);

    /// Appends to `output` the partial of the records that were added since the last call.
    fn finish(&mut self, covered: &Covered, output: &mut Vec<u8>);
}

impl<L: Lift> ParsedFold<L::Source> for Lifted<L> {
    fn add<'r>(
        &mut self,
        first_offset: i64,
        parsed: &[Parsed<'r, <L::Source as Source>::Event<'r>>],
    ) {
        self.add(first_offset, parsed);
    }

    fn finish(&mut self, covered: &Covered, output: &mut Vec<u8>) {
        self.finish(covered, output);
    }
}

/// Creates the fold of the derivation `L` from its parameters.
pub fn parsed_fold<L: Lift>(params: &Params) -> Result<Box<dyn ParsedFold<L::Source>>, ParamError> {
    Ok(Box::new(Lifted::<L>::from_params(params)?))
}

/// The folds of derivations that share the parsed records of a source.
pub trait FoldGroup {
    /// Parses the next records of the batch that begins at `first_offset`, and adds them to each fold.
    fn add(&mut self, first_offset: i64, chunk: &[SourceRecord<'_>]);

    /// Appends to `output` the partial that one of the folds has made of the records since its last call.
    fn finish(&mut self, fold: usize, covered: &Covered, output: &mut Vec<u8>);
}

/// The folds of several derivations of one source.
pub struct SourceFolds<S: Source> {
    source: S,
    folds: Vec<Box<dyn ParsedFold<S>>>,
}

impl<S: Source> SourceFolds<S> {
    /// Combines `folds` of the records that `source` parses.
    pub fn new(source: S, folds: Vec<Box<dyn ParsedFold<S>>>) -> Self {
        Self { source, folds }
    }
}

impl<S: Source> FoldGroup for SourceFolds<S> {
    fn add(&mut self, first_offset: i64, chunk: &[SourceRecord<'_>]) {
        let parsed = parse(&mut self.source, chunk);
        for fold in &mut self.folds {
            fold.add(first_offset, &parsed);
        }
        let events = parsed.into_iter();
        self.source
            .reuse(events.filter_map(|parsed| parsed.event.ok()));
    }

    fn finish(&mut self, fold: usize, covered: &Covered, output: &mut Vec<u8>) {
        self.folds[fold].finish(covered, output);
    }
}

/// The folds of all derivations that one stream serves.
#[derive(Default)]
pub struct Folds {
    groups: Vec<Box<dyn FoldGroup>>,
    /// For each derivation, in the order of the request: its group, and its fold in that group.
    places: Vec<(usize, usize)>,
    partial: Vec<u8>,
}

impl Folds {
    /// Adds a group of folds. `positions` are the positions of their derivations in the request.
    pub fn add_group(&mut self, group: Box<dyn FoldGroup>, positions: &[usize]) {
        for (fold, position) in positions.iter().enumerate() {
            let needed = self.places.len().max(position + 1);
            self.places.resize(needed, (0, 0));
            self.places[*position] = (self.groups.len(), fold);
        }
        self.groups.push(group);
    }

    /// Folds one batch and appends a partial of each derivation to `output`, in the order of the request, to be read
    /// with [`split`](super::split).
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        output: &mut Vec<u8>,
    ) {
        let groups = &mut self.groups;
        let covered = by_chunks(records, |first_offset, chunk| {
            for group in groups.iter_mut() {
                group.add(first_offset, chunk);
            }
        });
        for (group, fold) in &self.places {
            self.partial.clear();
            self.groups[*group].finish(*fold, &covered, &mut self.partial);
            append(&self.partial, output);
        }
    }
}
