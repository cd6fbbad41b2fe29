//! `server-alerts`: alerts about the load, latency or silence of a server.

use model::derived::{Derived, ServerAlerts};

use crate::store::shown::ShownAlert;

impl ShownAlert for ServerAlerts {
    fn id(&self) -> String {
        let opened_at = self.opened_at.to_string();
        [&*self.server_id, self.condition.name(), &opened_at].join("\u{1f}")
    }

    fn game(&self) -> Option<&str> {
        None
    }

    /// The time at which the alert opened.
    fn time(row: &Derived<Self>) -> i64 {
        row.measures.opened_at.as_millis()
    }
}
