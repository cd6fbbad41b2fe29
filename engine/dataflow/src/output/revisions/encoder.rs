//! Encodes rows as JSON, in the form of [`model::derived::Derived`].

use model::Window;
use serde::Serialize;
use serde::ser::Error as _;
use serde_json::Error;

use crate::output::json;

/// The type-erased key fields and measures of a row.
pub(crate) trait Measures {
    /// Appends the key fields and measures as a JSON object.
    fn append(&self, output: &mut Vec<u8>) -> Result<(), Error>;
}

impl<T: Serialize> Measures for T {
    fn append(&self, output: &mut Vec<u8>) -> Result<(), Error> {
        json::append(self, output)
    }
}

/// The fields of a record that are not measures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) window: Window,
    pub(crate) revision: u32,
    pub(crate) withdrawn: bool,
    /// Whether the window is over; `None` if the derivation has no early results.
    pub(crate) is_final: Option<bool>,
}

/// Encodes one row after another.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// The window of the last row.
    window: Option<Window>,
    /// The start of a row of this window: the window's fields. Most rows have the same window as the row before.
    start: Vec<u8>,
    /// The last row. The memory is used again for the next row.
    row: Vec<u8>,
}

impl Encoder {
    /// Encodes a row.
    pub(super) fn row(
        &mut self,
        measures: &(impl Measures + ?Sized),
        envelope: Envelope,
    ) -> Result<&[u8], Error> {
        self.start_with(envelope.window)?;
        let row = &mut self.row;
        row.clear();
        row.extend_from_slice(&self.start);
        append_fields(measures, row)?;
        row.extend_from_slice(b",\"revision\":");
        json::append(&envelope.revision, row)?;
        if envelope.withdrawn {
            row.extend_from_slice(b",\"withdrawn\":true");
        }
        if let Some(is_final) = envelope.is_final {
            row.extend_from_slice(b",\"final\":");
            json::append(&is_final, row)?;
        }
        row.push(b'}');
        Ok(row)
    }

    fn start_with(&mut self, window: Window) -> Result<(), Error> {
        if self.window == Some(window) {
            return Ok(());
        }
        self.window = None;
        self.start.clear();
        self.start.extend_from_slice(b"{\"window_start\":");
        json::append(&window.start, &mut self.start)?;
        self.start.extend_from_slice(b",\"window_end\":");
        json::append(&window.end, &mut self.start)?;
        self.window = Some(window);
        Ok(())
    }
}

/// Appends the measures as further fields of the object that `row` begins with.
fn append_fields(measures: &(impl Measures + ?Sized), row: &mut Vec<u8>) -> Result<(), Error> {
    let at = row.len();
    measures.append(row)?;
    if row[at..] == *b"{}" {
        row.truncate(at);
        return Ok(());
    }
    match row.get_mut(at) {
        Some(open @ b'{') => *open = b',',
        _ => return Err(Error::custom("the measures of a row are an object")),
    }
    row.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::Timestamp;
    use model::derived::Derived;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_derived_records(
            rows in prop::collection::vec(
                (
                    0..3_i64,
                    any::<(u32, bool, Option<bool>)>(),
                    prop::collection::btree_map("[a-z{}]{0,3}", any::<(i64, Option<String>)>(), 0..4),
                ),
                1..6,
            ),
        ) {
            let mut encoder = Encoder::default();
            for (start, (revision, withdrawn, is_final), measures) in rows {
                let window = Window::instant(Timestamp::from_millis(start));
                let envelope = Envelope { window, revision, withdrawn, is_final };
                let derived = Derived { withdrawn, is_final, ..Derived::new(window, &measures, revision) };
                let oracle = serde_json::to_vec(&derived).expect("encodes");
                let row = encoder.row(&measures, envelope).expect("encodes");
                prop_assert_eq!(String::from_utf8_lossy(row), String::from_utf8_lossy(&oracle));
            }
        }
    }

    #[test]
    fn measures_that_are_not_an_object_are_an_error() {
        let envelope = Envelope {
            window: Window::instant(Timestamp::MIN),
            revision: 0,
            withdrawn: false,
            is_final: None,
        };
        let none = BTreeMap::<String, u8>::new();
        let mut encoder = Encoder::default();
        assert!(encoder.row(&none, envelope).is_ok());
        assert!(encoder.row(&vec![1], envelope).is_err());
        assert!(encoder.row(&"{", envelope).is_err());
    }
}
