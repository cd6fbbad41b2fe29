//! Emits the rows of windows whose rows are computed from all keys together.

use std::borrow::Cow;
use std::collections::HashSet;

use model::derivation::Group;
use model::{RecordKey, Window, Windowed};

use super::Panes;
use crate::output::revisions::{DueRows, DueWindow, Measures};
use crate::windows::OnRows;

impl<D: Windowed> Panes<D> {
    /// Hands out all rows of a window, if it has changed since merge number `since`, or if that is `None`.
    pub(super) fn hand_out_window(
        &mut self,
        window: Window,
        since: Option<u64>,
        is_final: Option<bool>,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        let has_changed = |changed| since.is_none_or(|since| changed > since);
        if !self.panes_of(window).any(|pane| has_changed(pane.changed)) {
            return Ok(());
        }
        let rows = self.derivation.window_rows(window, self.groups(window));
        let rows: Vec<(_, &dyn Measures)> = rows.iter().map(|(key, row)| (key, row as _)).collect();
        let derivation = &self.derivation;
        let withdrawn = |key: &RecordKey| {
            let measures = derivation.finish(window, key, &D::Partial::default())?;
            Some(Box::new(measures) as Box<dyn Measures>)
        };
        let Some(pane) = self.panes.get_mut(&window.start) else {
            return Ok(());
        };
        on_rows(DueRows::Window(DueWindow {
            window,
            rows: &rows,
            withdrawn: &withdrawn,
            is_final,
            written: &mut pane.written,
            rows_from: &mut pane.rows_from,
        }))
    }

    /// The keys that have events in a window, each with its partial.
    fn groups(&self, window: Window) -> impl Iterator<Item = Group<'_, D::Partial>> {
        let has_one_pane = self.size_ms == self.hop_ms;
        let slots = self.panes_of(window).flat_map(|pane| pane.slots.values());
        let mut found = HashSet::new();
        slots.filter_map(move |slot| {
            let mut is_first = || has_one_pane || found.insert(slot.key.as_str());
            if !slot.contributed || !is_first() {
                return None;
            }
            let merged = (!has_one_pane).then(|| self.partial(window, &slot.key));
            let partial = merged.flatten().unwrap_or(Cow::Borrowed(&slot.partial));
            Some((&slot.key, partial))
        })
    }
}
