//! Emits the rows of windows that are due, and forgets windows that can no longer be corrected.

use std::collections::BTreeSet;

use model::{RecordKey, Timestamp, Window, Windowed};

use super::Panes;
use super::pane::{Pane, Slot};
use crate::output::revisions::{DueRow, DueRows, EmptyRow, RowsFrom};
use crate::windows::{Correctable, Due, OnEmpty, OnRows};

impl<D: Windowed> Panes<D> {
    /// The keys of a window that have changed after merge number `since`, the last merge before the window was
    /// emitted. All keys if `since` is `None`, which means that the window has not been emitted yet.
    fn changed_keys(&self, window: Window, since: Option<u64>) -> BTreeSet<RecordKey> {
        let mut changed = BTreeSet::new();
        for pane in self
            .panes_of(window)
            .filter(|pane| since.is_none_or(|since| pane.changed > since))
        {
            let slots = pane
                .slots
                .values()
                .filter(|slot| since.is_none_or(|since| slot.changed > since));
            changed.extend(slots.map(|slot| slot.key.clone()));
        }
        changed
    }

    /// Hands out the rows of a window that have changed since merge number `since`; all rows if it is `None`.
    fn hand_out_changed(
        &mut self,
        window: Window,
        since: Option<u64>,
        is_over: bool,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        let is_final = self.bounds.is_final(is_over);
        if self.derivation.by_window() {
            return self.hand_out_window(window, since, is_final, on_rows);
        }
        if self.size_ms == self.hop_ms {
            return self.hand_out_pane(window, since, is_final, on_rows);
        }
        for key in self.changed_keys(window, since) {
            self.hand_out(window, &key, is_final, on_rows)?;
        }
        Ok(())
    }

    /// As [`Self::hand_out_changed`], for a window that consists of a single pane.
    fn hand_out_pane(
        &mut self,
        window: Window,
        since: Option<u64>,
        is_final: Option<bool>,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        let has_changed = |changed| since.is_none_or(|since| changed > since);
        let Some(pane) = self.panes.get_mut(&window.start) else {
            return Ok(());
        };
        if !has_changed(pane.changed) {
            return Ok(());
        }
        let slots = pane.slots.values_mut();
        for slot in slots.filter(|slot| slot.contributed && has_changed(slot.changed)) {
            let measures = self.derivation.finish(window, &slot.key, &slot.partial);
            if let Some(measures) = measures {
                on_rows(DueRows::Row(DueRow {
                    key: &slot.key,
                    window,
                    measures: &measures,
                    kept: self.derivation.keeps(window, &slot.key, &slot.partial),
                    is_final,
                    revision: &mut slot.revision,
                    rows_from: &mut pane.rows_from,
                }))?;
            }
        }
        Ok(())
    }

    /// Hands out the rows of open windows that have changed since they were last emitted.
    fn hand_out_early(
        &mut self,
        watermark: Timestamp,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        let first = watermark.plus_ms(1 - self.size_ms);
        let open: Vec<_> = self.panes.range(first..).map(|(start, _)| *start).collect();
        for start in open {
            let since = self.panes[&start].emitted_early;
            self.hand_out_changed(self.window(start), since, false, on_rows)?;
            let merges = self.merges;
            if let Some(pane) = self.panes.get_mut(&start) {
                pane.emitted_early = Some(merges);
            }
        }
        Ok(())
    }

    fn hand_out(
        &mut self,
        window: Window,
        key: &RecordKey,
        is_final: Option<bool>,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        if !self.has_events(window, key.as_str()) {
            return Ok(());
        }
        let finished = self.partial(window, key).and_then(|partial| {
            let measures = self.derivation.finish(window, key, &partial)?;
            Some((measures, self.derivation.keeps(window, key, &partial)))
        });
        let (Some((measures, kept)), Some(pane)) = (finished, self.panes.get_mut(&window.start))
        else {
            return Ok(());
        };
        let rows_from = &mut pane.rows_from;
        let slot = pane.slots.find_or_insert(key.as_str(), || {
            self.slots += 1;
            Slot::new(key.clone())
        });
        on_rows(DueRows::Row(DueRow {
            key,
            window,
            measures: &measures,
            kept,
            is_final,
            revision: &mut slot.revision,
            rows_from,
        }))
    }
}

impl<D: Windowed> Correctable for Panes<D> {
    fn is_late_by_order(&self) -> bool {
        false
    }

    fn has_due(&self, watermark: Timestamp, due: Due) -> bool {
        let retired = self.bounds.retired_by(watermark);
        let is_due = |(start, pane): (&Timestamp, &Pane<D::Partial>)| {
            let end = start.plus_ms(self.size_ms);
            let is_over = end <= watermark;
            is_over && (pane.emitted.is_none() || due.corrections || end <= retired)
        };
        due.early || self.panes.iter().any(is_due)
    }

    fn due(
        &mut self,
        watermark: Timestamp,
        due: Due,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error> {
        let retired = self.bounds.retired_by(watermark);
        let starts = self.panes.keys().copied();
        let is_over = |start: &Timestamp| start.plus_ms(self.size_ms) <= watermark;
        for start in starts.take_while(is_over).collect::<Vec<_>>() {
            let window = self.window(start);
            let since = self.panes[&start].emitted;
            let last_chance = window.end <= retired;
            if since.is_some() && !due.corrections && !last_chance {
                continue;
            }
            self.hand_out_changed(window, since, true, on_rows)?;
            let merges = self.merges;
            if let Some(pane) = self.panes.get_mut(&start) {
                pane.emitted = Some(merges);
            }
        }
        if due.early {
            self.hand_out_early(watermark, on_rows)?;
        }
        Ok(())
    }

    fn retire(&mut self, watermark: Timestamp) {
        let retired = self.bounds.retired_by(watermark);
        self.retired_to = self.retired_to.max(Some(retired));
        let size_ms = self.size_ms;
        while let Some(entry) = self
            .panes
            .first_entry()
            .filter(|entry| entry.key().plus_ms(size_ms) <= retired)
        {
            self.slots -= entry.remove().slots.len();
        }
    }

    fn forgotten_to(&self, watermark: Timestamp) -> Timestamp {
        self.bounds.retired_by(watermark)
    }

    fn is_open(&self, start: Timestamp, key: &str) -> bool {
        let is_whole = self.derivation.by_window();
        self.panes.contains_key(&start) && (is_whole || self.has_events(self.window(start), key))
    }

    /// Emits the row without events. Needed if all events of a row that an earlier runner emitted turn out to be too
    /// late when they are read again after a restart.
    fn empty(
        &self,
        start: Timestamp,
        key: &RecordKey,
        on_empty: &mut OnEmpty<'_>,
    ) -> Result<(), serde_json::Error> {
        let window = self.window(start);
        let partial = self.partial(window, key).unwrap_or_default();
        let Some(measures) = self.derivation.finish(window, key, &partial) else {
            return Ok(());
        };
        let withdrawn =
            self.derivation.by_window() || !self.derivation.keeps(window, key, &partial);
        on_empty(EmptyRow {
            window,
            measures: &measures,
            withdrawn,
            is_final: self.bounds.is_final(true),
        })
    }

    fn rows_from(&self) -> Box<dyn Iterator<Item = &RowsFrom> + '_> {
        Box::new(self.panes.values().map(|pane| &pane.rows_from))
    }
}
