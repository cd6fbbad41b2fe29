//! A batch of contributions whose type is erased. Only the windows that decoded the batch can restore its type.

use std::any::Any;

use model::partial::{BatchHeader, Contribution, KeyText};
use model::{BatchPartial, RecordKey, Window};

/// One decoded partial.
pub(crate) struct Batch {
    pub(crate) header: BatchHeader,
    pub(crate) contributions: Contributions,
}

impl<P: Send + 'static> From<BatchPartial<P>> for Batch {
    fn from(partial: BatchPartial<P>) -> Self {
        Self::new(partial.header, partial.keys, partial.contributions)
    }
}

impl Batch {
    /// Creates a batch. `keys` are the texts of all keys of `list`, one after another.
    pub(super) fn new(header: BatchHeader, keys: String, list: impl AnyContributions) -> Self {
        let list = Box::new(list);
        Self {
            header,
            contributions: Contributions { keys, list },
        }
    }
}

/// The contributions of a batch, with their type erased.
pub(crate) struct Contributions {
    /// The texts of all keys, one after another.
    keys: String,
    list: Box<dyn AnyContributions>,
}

impl Contributions {
    /// Removes the contributions for which `is_late` returns true. Returns their windows, keys and numbers of events.
    pub(crate) fn take_late(
        &mut self,
        mut is_late: impl FnMut(Window, &str) -> bool,
    ) -> Vec<(Window, RecordKey, u64)> {
        let keys = self.keys.as_str();
        let late = self
            .list
            .take_late(&mut |window, key| is_late(window, key.of(keys)));
        late.into_iter()
            .map(|(window, key, events)| (window, key.of(keys).into(), events))
            .collect()
    }

    /// Restores the type of the contributions. Also returns the texts of their keys. Panics if `L` is not the type with
    /// which they were decoded.
    pub(super) fn of<L: 'static>(self) -> (String, L) {
        let contributions: Box<dyn Any> = self.list;
        match contributions.downcast() {
            Ok(contributions) => (self.keys, *contributions),
            Err(_) => unreachable!("windows merge what they have read themselves"),
        }
    }
}

/// Whether the contribution to a window and key is late.
pub(super) type IsLate<'l> = dyn FnMut(Window, KeyText) -> bool + 'l;

/// A list of contributions of any type.
pub(super) trait AnyContributions: Any + Send {
    /// Removes the contributions for which `is_late` returns true. Returns their windows, keys and numbers of events.
    fn take_late(&mut self, is_late: &mut IsLate<'_>) -> Vec<(Window, KeyText, u64)>;
}

impl<P: Send + 'static> AnyContributions for Vec<Contribution<P>> {
    fn take_late(&mut self, is_late: &mut IsLate<'_>) -> Vec<(Window, KeyText, u64)> {
        let late = self.extract_if(.., |contribution| {
            is_late(contribution.window, contribution.key)
        });
        late.map(|late| (late.window, late.key, late.events))
            .collect()
    }
}
