//! Layouts: the bytes that all records of one sender share. With a known layout, reading a record takes little more
//! than a comparison.
//!
//! A sender writes its fields in a fixed order with fixed spacing; only the values differ. A layout is the text of
//! a record without the values. If a record has exactly the bytes of a layout between its values, a strict parser
//! would pass through the same states as for the record from which the layout was learnt, so only the values need
//! to be checked. Any other record is scanned in full. Layouts therefore change how long reading takes, but never
//! its result.

use super::limits::RECORD_BYTES_MAX;
use super::scan::{Section, Seen, scan};
use crate::json::{Scanner, Value};
use crate::reject::Rejection;

/// The largest number of layouts in memory. A topic usually has fewer kinds of senders. When the limit is reached,
/// new layouts replace the existing ones in turn.
const LAYOUTS_MAX: usize = 8;

/// A layout is learnt only from a record with at most this many fields and at most `BYTES_MAX` bytes, so that
/// all layouts together take little memory.
const FIELDS_MAX: usize = 64;
const BYTES_MAX: usize = 4_096;

/// A cache of layouts, learnt from the records that matched none of them.
#[derive(Clone, Debug, Default)]
pub struct Layouts {
    layouts: Vec<Layout>,
    /// The index of the layout that matched last.
    fitted: usize,
    /// The index at which a layout was last replaced. The next replacement is at the index after it.
    learnt: usize,
}

/// The values of the fields with the dotted `paths`, in the order of `paths`.
pub(super) type Values<'e, const N: usize> = [Option<Value<'e>>; N];

impl Layouts {
    /// Validates `record` as one JSON object and stores the fields with the dotted `paths` in `values`. Every call
    /// must pass the same `paths`, because layouts contain indexes into them.
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

    /// Adds a layout unless it is known already. A record whose layout is known is scanned nevertheless if a string in
    /// it has an escape, because such a string matches no layout.
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
    /// The bytes after the last value.
    rest: Vec<u8>,
}

/// A value of the layout: its form, and the bytes between the previous value and this one, including the quotes of
/// strings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    before: Vec<u8>,
    is_string: bool,
    depth: u32,
    /// The index of the value's path in `paths`; `None` if the path is not among them. Then the value is only
    /// validated.
    index: Option<usize>,
}

impl Layout {
    /// Returns the layout of a valid record; `None` if no layout is learnt from this record.
    fn of(record: &[u8], paths: &[&str]) -> Option<Self> {
        let start = Scanner::new(record).position();
        let (mut steps, mut end, mut is_learnable) = (Vec::new(), start, record.len() <= BYTES_MAX);
        scan(record, |seen| {
            let is_string = matches!(seen.value, Value::String(_));
            let quote = usize::from(is_string);
            // No layout is learnt from a record with a null section: in other records that section may be an
            // object whose fields count.
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

    /// Stores the record's values in `values`, in the order of the paths. Returns `false` if the record has a
    /// different layout.
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
