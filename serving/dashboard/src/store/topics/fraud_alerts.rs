//! `fraud-alerts`: alerts about a user's purchases.

use model::derived::FraudAlerts;

use crate::store::shown::ShownAlert;

impl ShownAlert for FraudAlerts {
    fn id(&self) -> String {
        self.alert_id.clone()
    }

    fn game(&self) -> Option<&str> {
        Some(&self.game_id)
    }
}
