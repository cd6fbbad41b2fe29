//! A batch of contributions whose type is erased. Only the windows that decoded the batch can restore its type.

use std::any::Any;

use model::partial::{BatchHeader, Contribution};
use model::{RecordKey, Window};

/// One decoded partial.
pub(crate) struct Batch {
    pub(crate) header: BatchHeader,
    pub(crate) contributions: Contributions,
}

impl Batch {
    pub(super) fn new<P: Send + 'static>(
        header: BatchHeader,
        contributions: Vec<Contribution<P>>,
    ) -> Self {
        Self {
            header,
            contributions: Contributions(Box::new(contributions)),
        }
    }
}

/// The contributions of a batch, with their type erased.
pub(crate) struct Contributions(Box<dyn AnyContributions>);

impl Contributions {
    /// Removes the contributions for which `is_late` returns true. Returns their windows, keys and numbers of events.
    pub(crate) fn take_late(
        &mut self,
        mut is_late: impl FnMut(Window, &RecordKey) -> bool,
    ) -> Vec<(Window, RecordKey, u64)> {
        self.0.take_late(&mut is_late)
    }

    /// Restores the type of the contributions. Panics if `P` is not the type with which they were decoded.
    pub(super) fn of<P: 'static>(self) -> Vec<Contribution<P>> {
        let contributions: Box<dyn Any> = self.0;
        match contributions.downcast() {
            Ok(contributions) => *contributions,
            Err(_) => unreachable!("windows merge what they have read themselves"),
        }
    }
}

trait AnyContributions: Any + Send {
    fn take_late(
        &mut self,
        is_late: &mut dyn FnMut(Window, &RecordKey) -> bool,
    ) -> Vec<(Window, RecordKey, u64)>;
}

impl<P: Send + 'static> AnyContributions for Vec<Contribution<P>> {
    fn take_late(
        &mut self,
        is_late: &mut dyn FnMut(Window, &RecordKey) -> bool,
    ) -> Vec<(Window, RecordKey, u64)> {
        let late = self.extract_if(.., |contribution| {
            is_late(contribution.window, &contribution.key)
        });
        late.map(|late| (late.window, late.key, late.events))
            .collect()
    }
}
