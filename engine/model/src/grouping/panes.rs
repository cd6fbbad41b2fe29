//! Groups the events of one batch into panes, the time slices of windows.

use serde::Serialize;

use super::Groups;
use super::slots::Slots;
use crate::emit::Emit;
use crate::merge::Merge;
use crate::partial::{self, BatchHeader, ContributionRef};
use crate::time::Timestamp;
use crate::window::Window;

/// The panes of one batch. A batch usually covers only one or two panes, so a list that is searched from its
/// end is enough. A tumbling window consists of one pane, a hopping window of several.
pub struct BatchPanes<P> {
    /// The length of a pane; `None` for a single pane that covers all times.
    size_ms: Option<i64>,
    /// In ascending order.
    panes: Vec<(Window, Slots<P>)>,
    /// Empty tables of earlier batches, whose memory is used again.
    spare: Vec<Slots<P>>,
}

/// The window that covers all times.
const ALL_TIMES: Window = Window {
    start: Timestamp::MIN,
    end: Timestamp::MAX,
};

/// The largest number of spare tables. Most batches cover no more panes.
const SPARE_MAX: usize = 2;

impl<P: Merge> BatchPanes<P> {
    pub(super) fn new(size_ms: i64) -> Self {
        Self {
            size_ms: Some(size_ms),
            ..Self::of_all_times()
        }
    }

    /// Creates a single pane that covers all times.
    pub(super) fn of_all_times() -> Self {
        Self {
            size_ms: None,
            panes: Vec::new(),
            spare: Vec::new(),
        }
    }

    #[inline]
    fn slots(&mut self, time: Timestamp) -> &mut Slots<P> {
        let found = self.panes.iter().rposition(|(pane, _)| pane.contains(time));
        let index = found.unwrap_or_else(|| self.open(time));
        &mut self.panes[index].1
    }

    #[cold]
    fn open(&mut self, time: Timestamp) -> usize {
        let pane = self
            .size_ms
            .map_or(ALL_TIMES, |size_ms| Window::tumbling(time, size_ms));
        let index = self.panes.partition_point(|(other, _)| *other < pane);
        let slots = self.spare.pop().unwrap_or_default();
        self.panes.insert(index, (pane, slots));
        index
    }
}

impl<P: Merge + Serialize> Groups<P> for BatchPanes<P> {
    #[inline]
    fn emitter(&mut self, time: Timestamp, offset: i64) -> impl Emit<P> {
        let slots = self.slots(time);
        PaneEmitter {
            slots,
            offset,
            is_counted: false,
        }
    }

    fn encode(&mut self, header: &BatchHeader, output: &mut Vec<u8>) {
        for (_, slots) in &mut self.panes {
            slots.iter_mut().for_each(|slot| slot.partial.settle());
        }
        let keys: Vec<_> = self.panes.iter().map(|(_, slots)| slots.keys()).collect();
        let sizes = self
            .panes
            .iter()
            .map(|(pane, slots)| (*pane, slots.iter().len()));
        let windows: Vec<_> = sizes.collect();
        let contributions = self.panes.iter().flat_map(|(_, slots)| slots.iter());
        let contributions = contributions.map(|slot| ContributionRef {
            key_length: slot.key_length(),
            events: slot.events,
            partial: &slot.partial,
        });
        partial::encode(header, &keys, &windows, contributions, output);
        for (_, mut slots) in self.panes.drain(..) {
            if self.spare.len() < SPARE_MAX {
                slots.clear();
                self.spare.push(slots);
            }
        }
    }
}

/// Adds an event's contribution to the slot of its key in the pane of its time.
struct PaneEmitter<'s, P> {
    slots: &'s mut Slots<P>,
    offset: i64,
    /// Whether the event has been counted.
    is_counted: bool,
}

impl<P: Merge> Emit<P> for PaneEmitter<'_, P> {
    #[inline]
    fn offset(&self) -> i64 {
        self.offset
    }

    #[inline]
    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P)) {
        let slot = self.slots.slot(key);
        slot.events += u64::from(!self.is_counted);
        self.is_counted = true;
        add(&mut slot.partial);
    }
}
