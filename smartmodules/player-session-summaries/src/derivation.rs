//! Summarizes each session of each player.

use compact_str::CompactString;
use model::decimal;
use model::derived::PlayerSessionSummaries;
use model::event::PlayerEvent;
use model::merge::{Earliest, Names};
use model::source::PlayerEvents;
use model::{
    Emit, Lift, Merge, ParamError, Params, RecordKey, SessionGap, Sessions, Timestamp, Window,
    Windowed,
};
use serde::{Deserialize, Serialize};

/// The largest number of levels and of maps that the record of a session lists. It is more than players usually
/// visit in a session, and small enough that a session takes at most a few tens of kilobytes.
const NAMED_MAX: usize = 64;

/// The derivation of `player-session-summaries`. It has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerSessionSummariesDerivation;

/// What a set of events contributes to the row of one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    events: u64,
    level_completes: u64,
    platform: Earliest<CompactString>,
    levels: Names<NAMED_MAX>,
    maps: Names<NAMED_MAX>,
    /// The time at which the player last left the game.
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

impl Lift for PlayerSessionSummariesDerivation {
    const NAME: &'static str = "player-session-summaries";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = SessionGap;
    type Source = PlayerEvents;
    type Partial = Summary;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Summary>) {
        let key = [&*event.game_id, &event.player_id, &event.session_id];
        out.emit(&key, |summary| {
            summary.events += 1;
            summary.level_completes += u64::from(event.event_type == "level_complete");
            let platform = || CompactString::from(&*event.platform);
            summary.platform.set(event.time, platform);
            summary.levels.insert(&event.level_id);
            summary.maps.insert(&event.map_id);
            if event.ends_session() {
                summary.left = summary.left.max(Some(event.time));
            }
        });
    }
}

impl Windowed for PlayerSessionSummariesDerivation {
    type Output = PlayerSessionSummaries;

    fn finish(
        &self,
        session: Window,
        key: &RecordKey,
        summary: &Summary,
    ) -> Option<PlayerSessionSummaries> {
        let [game_id, player_id, session_id] = key.fields()?;
        let duration_ms = session.last().ms_since(session.start);
        Some(PlayerSessionSummaries {
            game_id,
            player_id,
            session_id,
            platform: summary.platform.get().map(CompactString::to_string),
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

impl Sessions for PlayerSessionSummariesDerivation {
    fn is_complete(&self, session: Window, summary: &Summary) -> bool {
        summary.left == Some(session.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_complete_if_leaving_is_its_last_event() {
        let at = Timestamp::from_millis;
        let span = |last| Window::instant(at(0)).join(Window::instant(at(last)));
        let left = |left| Summary {
            left,
            ..Summary::default()
        };
        let is_complete =
            |last, left: &Summary| PlayerSessionSummariesDerivation.is_complete(span(last), left);
        assert!(!is_complete(0, &left(None)));
        assert!(is_complete(500, &left(Some(at(500)))));
        assert!(!is_complete(501, &left(Some(at(500)))), "a later event");
        let mut twice = left(Some(at(700)));
        twice.merge(left(Some(at(500))));
        assert!(is_complete(700, &twice), "the last time counts");
    }

    #[test]
    fn a_withdrawn_session_has_an_empty_record() {
        let key = RecordKey::new(&["arena", "a|b", "s"]);
        let start = Window::instant(Timestamp::from_millis(5_000));
        let fold = PlayerSessionSummariesDerivation;
        let summary = fold.finish(start, &key, &Summary::default());
        let summary = summary.expect("a record that replaces the withdrawn one");
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
