//! `stuck-players`: players who stay on a level without completing it.

use model::derived::StuckPlayers;

use crate::store::shown::ShownAlert;

impl ShownAlert for StuckPlayers {
    fn id(&self) -> String {
        let since = self.since.to_string();
        let parts = [
            &*self.game_id,
            &self.player_id,
            &self.level_id,
            &self.map_id,
            &since,
        ];
        parts.join("\u{1f}")
    }

    fn game(&self) -> Option<&str> {
        Some(&self.game_id)
    }
}
