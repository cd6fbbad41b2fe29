//! How the events of one batch are grouped in time while it is folded: in panes, in sessions of each
//! key, or not at all.

use super::sessions::Sessions;
use super::slots::Slots;
use crate::derivation::Emit;
use crate::merge::Merge;
use crate::partial::ContributionRef;
use crate::time::Timestamp;
use crate::window::{Window, Windowing};

/// The groups of one batch.
pub(super) enum Groups<P> {
    Panes(Panes<P>),
    /// By key, and the gap in milliseconds.
    Sessions(Slots<Sessions<P>>, i64),
}

impl<P: Merge> Groups<P> {
    pub(super) fn new(windowing: Windowing) -> Self {
        match windowing {
            Windowing::Windows { hop_ms, .. } => Self::Panes(Panes::of(hop_ms)),
            Windowing::Sessions { gap_ms } => Self::Sessions(Slots::default(), gap_ms),
            Windowing::Events => Self::Panes(Panes::all()),
        }
    }

    /// What was lifted, by window and key.
    pub(super) fn contributions(&mut self) -> Vec<ContributionRef<'_, P>> {
        match self {
            Self::Panes(panes) => panes.contributions(),
            Self::Sessions(slots, _) => sessions(slots),
        }
    }
}

/// The panes that a batch touches: one or two, so a list that is searched from its last hit. A
/// window is made of one pane if it tumbles, of several if it hops.
pub(super) struct Panes<P> {
    size_ms: i64,
    panes: Vec<(Window, Slots<P>)>,
}

impl<P: Merge> Panes<P> {
    fn of(size_ms: i64) -> Self {
        Self {
            size_ms,
            panes: Vec::new(),
        }
    }

    /// One pane that holds all times.
    fn all() -> Self {
        let ever = Window {
            start: Timestamp::MIN,
            end: Timestamp::MAX,
        };
        Self {
            size_ms: i64::MAX,
            panes: vec![(ever, Slots::default())],
        }
    }

    #[inline]
    pub(super) fn slots(&mut self, time: Timestamp) -> &mut Slots<P> {
        let found = self.panes.iter().rposition(|(pane, _)| pane.contains(time));
        let index = found.unwrap_or_else(|| {
            let pane = Window::tumbling(time, self.size_ms);
            self.panes.push((pane, Slots::default()));
            self.panes.len() - 1
        });
        &mut self.panes[index].1
    }

    fn contributions(&mut self) -> Vec<ContributionRef<'_, P>> {
        self.panes.sort_by_key(|(pane, _)| *pane);
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
        contributions
    }
}

fn sessions<P: Merge>(slots: &mut Slots<Sessions<P>>) -> Vec<ContributionRef<'_, P>> {
    let mut contributions = Vec::new();
    for slot in slots.sorted(Sessions::settle) {
        let sessions = slot.partial.iter();
        contributions.extend(sessions.map(|session| ContributionRef {
            window: session.span,
            key: &slot.key,
            events: session.events,
            partial: &session.partial,
        }));
    }
    contributions.sort_by_key(|contribution| contribution.window);
    contributions
}

/// Where an event's contribution goes: to the slot of its key in its pane.
pub(super) struct InPane<'s, P> {
    pub(super) slots: &'s mut Slots<P>,
    pub(super) offset: i64,
}

impl<P: Merge> Emit<P> for InPane<'_, P> {
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

/// Where an event's contribution goes: to the session of its key that it belongs to.
pub(super) struct InSession<'s, P> {
    pub(super) slots: &'s mut Slots<Sessions<P>>,
    pub(super) time: Timestamp,
    pub(super) gap_ms: i64,
    pub(super) offset: i64,
}

impl<P: Merge> Emit<P> for InSession<'_, P> {
    fn offset(&self) -> i64 {
        self.offset
    }

    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P)) {
        let sessions = &mut self.slots.slot(key).partial;
        add(sessions.add(self.time, self.gap_ms));
    }
}
