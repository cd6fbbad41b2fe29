//! Groups the events of one batch into panes, the time slices of windows.

use serde::Serialize;

use super::Groups;
use super::slots::Slots;
use crate::emit::Emit;
use crate::merge::Merge;
use crate::partial::{BatchHeader, BatchPartialRef, ContributionRef};
use crate::time::Timestamp;
use crate::window::Window;

/// The panes of one batch. A batch usually covers only one or two panes, so a list that is searched from its
/// end is enough. A tumbling window consists of one pane, a hopping window of several.
pub struct BatchPanes<P> {
    size_ms: i64,
    /// In ascending order.
    panes: Vec<(Window, Slots<P>)>,
}

impl<P: Merge> BatchPanes<P> {
    pub(super) fn new(size_ms: i64) -> Self {
        Self {
            size_ms,
            panes: Vec::new(),
        }
    }

    /// Creates a single pane that covers all times.
    pub(super) fn of_all_times() -> Self {
        let all_times = Window {
            start: Timestamp::MIN,
            end: Timestamp::MAX,
        };
        Self {
            size_ms: i64::MAX,
            panes: vec![(all_times, Slots::default())],
        }
    }

    #[inline]
    fn slots(&mut self, time: Timestamp) -> &mut Slots<P> {
        let found = self.panes.iter().rposition(|(pane, _)| pane.contains(time));
        let index = found.unwrap_or_else(|| {
            let pane = Window::tumbling(time, self.size_ms);
            let index = self.panes.partition_point(|(other, _)| *other < pane);
            self.panes.insert(index, (pane, Slots::default()));
            index
        });
        &mut self.panes[index].1
    }
}

impl<P: Merge + Serialize> Groups<P> for BatchPanes<P> {
    #[inline]
    fn emitter(&mut self, time: Timestamp, offset: i64) -> impl Emit<P> {
        let slots = self.slots(time);
        PaneEmitter { slots, offset }
    }

    fn encode(mut self, header: BatchHeader, output: &mut Vec<u8>) {
        let mut contributions = Vec::new();
        for (pane, slots) in &mut self.panes {
            let slots = slots.sorted(P::settle).into_iter();
            contributions.extend(slots.map(|slot| ContributionRef {
                window: *pane,
                key: &slot.key,
                events: slot.events,
                partial: &slot.partial,
            }));
        }
        BatchPartialRef {
            header,
            contributions,
        }
        .encode(output);
    }
}

/// Adds an event's contribution to the slot of its key in the pane of its time.
struct PaneEmitter<'s, P> {
    slots: &'s mut Slots<P>,
    offset: i64,
}

impl<P: Merge> Emit<P> for PaneEmitter<'_, P> {
    #[inline]
    fn offset(&self) -> i64 {
        self.offset
    }

    #[inline]
    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P)) {
        let slot = self.slots.slot(key);
        slot.events += 1;
        add(&mut slot.partial);
    }
}
