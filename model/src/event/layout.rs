//! Layouts: what records of one sender have in common, so that reading one more of them is little
//! more than comparing it with the last.
//!
//! A sender writes its fields in one order with one spacing; only the values differ. A layout is
//! that text without the values. Where a record has the very bytes of a layout between its values,
//! a strict parser would pass through the same states as it did when the layout was learnt, so only
//! the values are left to be checked. Any other record is scanned in full: layouts change how long
//! reading takes, never what is read.

use super::limits::RECORD_BYTES_MAX;
use super::scan::{Section, Seen, scan};
use crate::json::{Scanner, Value};
use crate::reject::Rejection;

/// How many layouts are kept: more than a topic has kinds of senders. The oldest makes room.
const LAYOUTS_MAX: usize = 8;

/// A layout is learnt from a record of at most this many fields and bytes, and all of them take
/// little memory.
const FIELDS_MAX: usize = 64;
const BYTES_MAX: usize = 4_096;

/// The layouts of the records seen last.
#[derive(Clone, Debug, Default)]
pub struct Layouts {
    layouts: Vec<Layout>,
    /// The one that fitted last, and the one that was learnt last.
    fitted: usize,
    learnt: usize,
}

/// The values of the fields with the dotted `paths`, in the order of `paths`.
pub(super) type Values<'e, const N: usize> = [Option<Value<'e>>; N];

impl Layouts {
    /// Validates `record` as one JSON object and picks out the fields with the dotted `paths`.
    /// These must be the same in each call.
    #[inline]
    pub(super) fn read<'e, const N: usize>(
        &mut self,
        record: &'e [u8],
        paths: &[&str; N],
        values: &mut Values<'e, N>,
    ) -> Result<(), Rejection> {
        if self.fit(record, values) {
            return Ok(());
        }
        *values = [None; N];
        self.scan(record, paths, values)
    }

    #[inline]
    fn fit<'e>(&mut self, record: &'e [u8], values: &mut [Option<Value<'e>>]) -> bool {
        if self.layouts.is_empty() || record.len() > RECORD_BYTES_MAX {
            return false;
        }
        let scanner = Scanner::new(record);
        let likeliest = self.layouts.get(self.fitted);
        if likeliest.is_some_and(|layout| layout.fit(scanner.clone(), values)) {
            return true;
        }
        let fitted = self.layouts.iter().position(|layout| {
            values.fill(None);
            layout.fit(scanner.clone(), values)
        });
        self.fitted = fitted.unwrap_or(self.fitted);
        fitted.is_some()
    }

    fn scan<'e, const N: usize>(
        &mut self,
        record: &'e [u8],
        paths: &[&str; N],
        values: &mut Values<'e, N>,
    ) -> Result<(), Rejection> {
        scan(record, |seen| {
            if let Some(index) = index(&seen, paths) {
                values[index] = Some(seen.value);
            }
        })?;
        if let Some(layout) = Layout::of(record, paths) {
            self.learn(layout);
        }
        Ok(())
    }

    /// A layout is there already where a value was what it cannot fit, a string with escapes.
    fn learn(&mut self, layout: Layout) {
        if self.layouts.contains(&layout) {
            return;
        }
        if self.layouts.len() < LAYOUTS_MAX {
            self.layouts.push(layout);
        } else {
            self.learnt = (self.learnt + 1) % LAYOUTS_MAX;
            self.layouts[self.learnt] = layout;
        }
    }
}

fn index(seen: &Seen<'_>, paths: &[&str]) -> Option<usize> {
    paths
        .iter()
        .position(|path| seen.section.holds(seen.key, path))
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    steps: Vec<Step>,
    /// What follows the last value.
    rest: Vec<u8>,
}

/// A value, and the bytes between the one before and it. A string's quotes count among these.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    before: Vec<u8>,
    is_string: bool,
    depth: u32,
    /// Where the value goes; it is checked all the same where it goes nowhere.
    index: Option<usize>,
}

impl Layout {
    /// The layout of a record that has been found to be valid; `None` where it is none to learn.
    fn of(record: &[u8], paths: &[&str]) -> Option<Self> {
        let (mut steps, mut end, mut is_learnable) = (Vec::new(), 0, record.len() <= BYTES_MAX);
        scan(record, |seen| {
            let is_string = matches!(seen.value, Value::String(_));
            let quote = usize::from(is_string);
            // A section that is null here is an object elsewhere, whose fields count.
            let is_section = seen.section == Section::Root && Section::named(seen.key).is_some();
            is_learnable &= !is_section && steps.len() < FIELDS_MAX;
            if is_learnable {
                steps.push(Step {
                    before: record[end..seen.start + quote].to_vec(),
                    is_string,
                    depth: seen.section.depth(),
                    index: index(&seen, paths),
                });
                end = seen.end - quote;
            }
        })
        .ok()?;
        let rest = record[end..].to_vec();
        is_learnable.then_some(Self { steps, rest })
    }

    /// Puts a record's values where they go; `false` where the record has another layout.
    #[inline]
    fn fit<'e>(&self, mut scanner: Scanner<'e>, values: &mut [Option<Value<'e>>]) -> bool {
        for step in &self.steps {
            if !scanner.skip(&step.before) {
                return false;
            }
            let value = if step.is_string {
                scanner.plain_string().map(Value::String)
            } else {
                scanner.value(step.depth).ok()
            };
            if value.is_none() {
                return false;
            }
            if let Some(place) = step.index.and_then(|index| values.get_mut(index)) {
                *place = value;
            }
        }
        scanner.skip(&self.rest) && scanner.is_done()
    }
}
