//! Finds the columns of records that differ from an earlier record only in their values, without scanning them.

use model::event::{Layouts, Learnable, Place};
use model::json::{JsonError, Scanner, Value};
use smallvec::SmallVec;

use crate::source::{Path, Step, child};

/// The number of values that are found without an allocation. Most sources have no more paths.
const VALUES: usize = 16;

/// The paths of a source, and the layouts of its records.
#[derive(Debug, Default)]
pub(crate) struct Alike {
    root: Node,
    /// The number of paths.
    paths: usize,
    layouts: Layouts,
    /// The number of records from which no layout could be learnt.
    refused: u32,
}

/// After this many records from which no layout could be learnt, only some are tried, because that costs a scan.
const REFUSED_MAX: u32 = 16;
/// One of this many records is tried then.
const TRIED: u32 = 64;

/// A place in the JSON that paths pass through or end in.
#[derive(Debug, Default)]
struct Node {
    fields: Vec<(String, Node)>,
    /// The index of the path that ends here.
    index: Option<usize>,
    /// Whether a path goes through an array here.
    is_list: bool,
    /// Whether only an object is valid here.
    is_object: bool,
}

impl Alike {
    /// Adds a path. Returns its index, which is the next number if the path is new; `None` if the path goes through an
    /// array.
    pub(crate) fn add(&mut self, path: &Path) -> Option<usize> {
        let mut node = &mut self.root;
        for step in path.steps() {
            match step {
                Step::Field(name) => node = child(&mut node.fields, name),
                Step::Elements => {
                    node.is_list = true;
                    return None;
                }
            }
        }
        let index = *node.index.get_or_insert(self.paths);
        self.paths = self.paths.max(index + 1);
        Some(index)
    }

    /// Adds an object. No layout is learnt from a record with another value in its place.
    pub(crate) fn add_object(&mut self, name: &str) {
        child(&mut self.root.fields, name).is_object = true;
    }

    /// Passes the values of a valid record, by the index of their path, to `read`; returns `None` if no earlier record
    /// was alike.
    #[inline]
    pub(crate) fn read<'r, T>(
        &mut self,
        record: &'r [u8],
        read: impl FnOnce(&[Option<Value<'r>>]) -> T,
    ) -> Option<T> {
        let mut few = [None; VALUES];
        let mut many = Vec::new();
        let values = match few.get_mut(..self.paths) {
            Some(values) => values,
            None => {
                many.resize(self.paths, None);
                many.as_mut_slice()
            }
        };
        self.layouts.fit(record, values).then(|| read(values))
    }

    /// Learns the layout of a valid record.
    pub(crate) fn learn(&mut self, record: &[u8]) {
        if self.refused > REFUSED_MAX && !self.refused.is_multiple_of(TRIED) {
            self.refused = self.refused.wrapping_add(1);
            return;
        }
        let mut scanner = Scanner::new(record);
        let mut learnable = Learnable::new(record);
        let is_valid = scanner.enter_object()
            && object(&mut scanner, &self.root, 1, &mut learnable).is_ok()
            && scanner.end().is_ok();
        if !is_valid || !self.layouts.learn(learnable) {
            self.refused = self.refused.wrapping_add(1);
        }
    }
}

/// Passes the values of an object that has been entered to `learnable`. Refuses the record if a field that paths go
/// through has no object, or occurs twice: then other fields, or a list, would have to be forgotten.
fn object(
    scanner: &mut Scanner<'_>,
    node: &Node,
    depth: u32,
    learnable: &mut Learnable<'_>,
) -> Result<(), JsonError> {
    let mut entered: SmallVec<[usize; 4]> = SmallVec::new();
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        let at = node.fields.iter().position(|(name, _)| key.is(name));
        let field = at.map(|at| &node.fields[at].1);
        let is_object = field.is_some_and(|field| field.is_object || !field.fields.is_empty());
        if let (Some(at), Some(field), true) = (at, field, is_object) {
            let is_usable = field.index.is_none() && !field.is_list && !entered.contains(&at);
            if is_usable && scanner.enter_object() {
                entered.push(at);
                object(scanner, field, depth + 1, learnable)?;
                continue;
            }
        }
        if is_object || field.is_some_and(|field| field.is_list) {
            learnable.refuse();
        }
        scanner.skip_space();
        let start = scanner.position();
        let value = scanner.value(depth)?;
        learnable.add(Place {
            start,
            end: scanner.position(),
            is_string: matches!(value, Value::String(_)),
            depth,
            index: field.and_then(|field| field.index),
        });
    }
    Ok(())
}
