//! Closes windows while records still arrive: the rows of a window that is over are returned once, and its states are
//! dropped.

use model::{Timestamp, Window};

use super::{Query, Row};
use crate::plan::WindowPlan;

/// Windows are closed at whole seconds of event time. To find those that are over, all groups are visited.
const STEP_MS: i64 = 1_000;

impl Query {
    /// Returns whether windows are over at this time that have not been closed yet.
    pub fn is_due(&self, watermark: Timestamp) -> bool {
        let watermark = Window::tumbling(watermark, STEP_MS).start;
        watermark > self.closed && watermark >= self.due
    }

    /// Returns the rows of the windows that are over at this time and have not been closed yet, in the order of
    /// [`Query::rows`], and closes these windows. Records that come later do not count in them.
    pub fn close(&mut self, watermark: Timestamp) -> Vec<Row> {
        let watermark = Window::tumbling(watermark, STEP_MS).start;
        if watermark <= self.closed {
            return Vec::new();
        }
        self.closed = watermark;
        if watermark < self.due {
            return Vec::new();
        }
        let kind = self.plan.window;
        let rows = self.rows_of(|window| kind.over_at(window) <= watermark);
        self.drop_closed();
        rows
    }

    /// Returns the number of records that came after one of their windows had been closed.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Drops the groups whose windows are closed, and the keys without groups.
    fn drop_closed(&mut self) {
        let (kind, closed) = (self.plan.window, self.closed);
        (self.due, self.groups) = (Timestamp::MAX, 0);
        self.keys.retain(|_, key| {
            let printed = &mut key.printed;
            key.groups.retain(|_, group| {
                let over_at = kind.over_at(&group.window);
                if over_at <= closed {
                    *printed = Some(group.window);
                    return false;
                }
                self.due = self.due.min(over_at);
                true
            });
            self.groups += key.groups.len();
            // A record that could extend the session, and whose own window is not over, is at most one gap older than
            // `closed`.
            let is_remembered = |window| kind.over_at(&window).plus_ms(kind.gap_ms()) > closed;
            key.printed = key.printed.filter(|window| is_remembered(*window));
            !key.groups.is_empty() || key.printed.is_some()
        });
    }

    /// Returns whether all windows of a row at this time are closed. The row has the key in `encoded`.
    pub(super) fn is_too_late(&self, time: i64) -> bool {
        if self.closed == Timestamp::MIN {
            return false;
        }
        let at = Timestamp::from_millis(time);
        match self.plan.window {
            WindowPlan::None => false,
            WindowPlan::Hopping { slide_ms, size_ms } => {
                Window::tumbling(at, slide_ms).start.plus_ms(size_ms) <= self.closed
            }
            WindowPlan::Session { gap_ms } => {
                let session = Window::instant(at);
                let Some(key) = self.keys.get(self.encoded.as_slice()) else {
                    return self.plan.window.over_at(&session) <= self.closed;
                };
                let is_near = |other: &Window| other.is_within(gap_ms, &session);
                // A session that begins after an old record does not save it: the record could also belong to an
                // earlier session, which is closed and no longer remembered.
                let mut open = key.groups.values().map(|group| &group.window);
                let saves = |other: &Window| other.start <= at && is_near(other);
                key.printed.as_ref().is_some_and(is_near)
                    || (self.plan.window.over_at(&session) <= self.closed && !open.any(saves))
            }
        }
    }
}

impl WindowPlan {
    /// Returns the time from which no record can belong to a window.
    pub(super) fn over_at(self, window: &Window) -> Timestamp {
        match self {
            Self::None => Timestamp::MAX,
            Self::Hopping { .. } => window.end,
            Self::Session { gap_ms } => window.end.plus_ms(gap_ms),
        }
    }

    /// Returns the gap of sessions, or 0.
    fn gap_ms(self) -> i64 {
        match self {
            Self::Session { gap_ms } => gap_ms,
            Self::None | Self::Hopping { .. } => 0,
        }
    }
}
