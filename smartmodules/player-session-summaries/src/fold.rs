//! What players did from coming to leaving.

use model::decimal;
use model::derived::PlayerSessionSummary;
use model::event::PlayerEvent;
use model::merge::{Earliest, Names};
use model::{Derivation, Emit, Merge, ParamError, Params, RecordKey, Shape, Timestamp, Window};
use serde::{Deserialize, Serialize};

/// Levels, and maps, that a session's record names: more than players see between two breaks, and few
/// enough that a session stays below some tens of kilobytes whatever comes in.
const NAMED_MAX: usize = 64;

/// The derivation of `player-session-summaries`; it has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerSessionSummariesFold;

/// What events contribute to one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    events: u64,
    level_completes: u64,
    platform: Earliest<String>,
    levels: Names<NAMED_MAX>,
    maps: Names<NAMED_MAX>,
    /// When the player left last.
    left: Option<Timestamp>,
}

impl Merge for Summary {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.level_completes += other.level_completes;
        self.platform.merge(other.platform);
        self.levels.merge(other.levels);
        self.maps.merge(other.maps);
        self.left = self.left.max(other.left);
    }
}

impl Derivation for PlayerSessionSummariesFold {
    const NAME: &'static str = "player-session-summaries";
    const PARAMETERS: &'static [&'static str] = &[];
    const SHAPE: Shape = Shape::Sessions;
    type Event<'e> = PlayerEvent<'e>;
    type Partial = Summary;
    type Output = PlayerSessionSummary;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Summary>) {
        let key = [&*event.game_id, &event.player_id, &event.session_id];
        out.emit(&key, |summary| {
            summary.events += 1;
            summary.level_completes += u64::from(event.event_type == "level_complete");
            let platform = || event.platform.to_string();
            summary.platform.set(event.time, platform);
            summary.levels.insert(&event.level_id);
            summary.maps.insert(&event.map_id);
            if event.ends_session() {
                summary.left = summary.left.max(Some(event.time));
            }
        });
    }

    fn is_complete(&self, session: Window, summary: &Summary) -> bool {
        summary.left == Some(session.last())
    }

    fn finish(
        &self,
        session: Window,
        key: &RecordKey,
        summary: &Summary,
    ) -> Option<PlayerSessionSummary> {
        let [game_id, player_id, session_id] = key.fields()?;
        let duration_ms = session.last().ms_since(session.start);
        Some(PlayerSessionSummary {
            game_id,
            player_id,
            session_id,
            platform: summary.platform.get().cloned(),
            session_start: session.start,
            session_end: session.last(),
            duration_s: decimal::ratio(duration_ms.into(), 1_000, 3),
            events: summary.events,
            level_completes: summary.level_completes,
            levels: summary.levels.least(),
            more_levels: summary.levels.has_more(),
            maps: summary.maps.least(),
            more_maps: summary.maps.has_more(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_complete_while_leaving_is_the_last_of_it() {
        let at = Timestamp::from_millis;
        let span = |last| Window::instant(at(0)).join(Window::instant(at(last)));
        let left = |left| Summary {
            left,
            ..Summary::default()
        };
        let is_complete =
            |last, left: &Summary| PlayerSessionSummariesFold.is_complete(span(last), left);
        assert!(!is_complete(0, &left(None)));
        assert!(is_complete(500, &left(Some(at(500)))));
        assert!(!is_complete(501, &left(Some(at(500)))), "a later event");
        let mut twice = left(Some(at(700)));
        twice.merge(left(Some(at(500))));
        assert!(is_complete(700, &twice), "the last time counts");
    }

    #[test]
    fn what_is_withdrawn_is_said_of_an_empty_session() {
        let key = RecordKey::new(&["arena", "a|b", "s"]);
        let start = Window::instant(Timestamp::from_millis(5_000));
        let fold = PlayerSessionSummariesFold;
        let summary = fold.finish(start, &key, &Summary::default());
        let summary = summary.expect("a record that takes the other's place");
        assert_eq!(
            (summary.player_id.as_str(), summary.platform, summary.events),
            ("a|b", None, 0)
        );
        assert_eq!(
            (summary.session_start, summary.session_end),
            (start.start, start.start)
        );
        assert_eq!(summary.duration_s, 0.0);
    }
}
