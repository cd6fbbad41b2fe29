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

    /// Stores the values of `record` in `values`, in the order of their indexes. Returns `false` if the record has no
    /// known layout; `values` are then undefined. Of all `values`, only those that the record has are overwritten, so
    /// they must be `None` before.
    #[inline]
    pub fn fit<'e>(&mut self, record: &'e [u8], values: &mut [Option<Value<'e>>]) -> bool {
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
        self.learn(learnable(record, paths));
        Ok(())
    }

    /// Adds the layout of a record unless it is known already. A record whose layout is known is scanned nevertheless
    /// if a string in it has an escape, because such a string matches no layout.
    /// Returns `false` if no layout can be learnt from the record.
    pub fn learn(&mut self, learnable: Learnable<'_>) -> bool {
        let Some(layout) = learnable.layout() else {
            return false;
        };
        if self.layouts.contains(&layout) {
            return true;
        }
        if self.layouts.len() < LAYOUTS_MAX {
            self.layouts.push(layout);
        } else {
            self.learnt = (self.learnt + 1) % LAYOUTS_MAX;
            self.layouts[self.learnt] = layout;
        }
        true
    }
}

/// Scans a valid record for its layout.
fn learnable<'r>(record: &'r [u8], paths: &[&str]) -> Learnable<'r> {
    let mut learnable = Learnable::new(record);
    let scanned = scan(record, |seen| {
        // No layout is learnt from a record with a null section: in other records that section may be an
        // object whose fields count.
        if seen.section == Section::Root && Section::named(seen.key).is_some() {
            learnable.refuse();
        }
        learnable.add(Place {
            start: seen.start,
            end: seen.end,
            is_string: matches!(seen.value, Value::String(_)),
            depth: seen.section.depth(),
            index: index(&seen, paths),
        });
    });
    if scanned.is_err() {
        learnable.refuse();
    }
    learnable
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
    /// The index under which the value is found; `None` if it is only validated.
    index: Option<usize>,
}

/// A record from which a layout can be learnt.
#[derive(Debug)]
pub struct Learnable<'r> {
    record: &'r [u8],
    steps: Vec<Step>,
    /// The end of the last value.
    end: usize,
    is_refused: bool,
}

/// A value of a record from which a layout is learnt.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The start of the value in the record, including the quote of a string.
    pub start: usize,
    /// The end of the value in the record, including the quote of a string.
    pub end: usize,
    /// Whether the value is a string.
    pub is_string: bool,
    /// The number of objects that enclose the value.
    pub depth: u32,
    /// The index under which the value is found; `None` if it is only validated.
    pub index: Option<usize>,
}

impl<'r> Learnable<'r> {
    /// Creates the layout of a record without values.
    pub fn new(record: &'r [u8]) -> Self {
        Self {
            record,
            steps: Vec::new(),
            end: Scanner::new(record).position(),
            is_refused: record.len() > BYTES_MAX,
        }
    }

    /// Adds the next value that a scan of the record finds. Objects whose fields are added are no values.
    pub fn add(&mut self, place: Place) {
        self.is_refused |= self.steps.len() == FIELDS_MAX;
        if self.is_refused {
            return;
        }
        let quote = usize::from(place.is_string);
        self.steps.push(Step {
            before: self.record[self.end..place.start + quote].to_vec(),
            is_string: place.is_string,
            depth: place.depth,
            index: place.index,
        });
        self.end = place.end - quote;
    }

    /// Prevents that a layout is learnt, because other records with the same bytes between their values can be
    /// different.
    pub fn refuse(&mut self) {
        self.is_refused = true;
    }

    fn layout(self) -> Option<Layout> {
        let rest = self.record[self.end..].to_vec();
        (!self.is_refused).then_some(Layout {
            steps: self.steps,
            rest,
        })
    }
}

impl Layout {
    /// Stores the record's values in `values`, in the order of their indexes. Returns `false` if the record has a
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
