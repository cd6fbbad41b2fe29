//! Follows each player from level to level, and reports players who stay on a level too long.

use model::derived::StuckPlayers;
use model::event::PlayerEvent;
use model::keyed_process::{Collect, Detection, TimedEvent};
use model::source::PlayerEvents;
use model::texts::TextTuple;
use model::{KeyedProcess, ParamError, Params, RecordKey, Timestamp, Window, decimal};
use serde::{Deserialize, Serialize};

use crate::thresholds::{PARAMETERS, Thresholds};

/// The derivation of `stuck-players`.
#[derive(Clone, Copy, Debug)]
pub struct StuckPlayersDerivation(Thresholds);

/// The data of an event that the rule needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// The player has an event on this level.
    Stays(LevelVisited),
    /// The player has completed the level or left the game. This ends any visit.
    Leaves,
}

/// The level, map and session of a visit. An event that differs in any of the three begins another visit.
type LevelVisited = TextTuple<3>;

/// A player's visit to one level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Visit {
    place: LevelVisited,
    since: Timestamp,
    last: Timestamp,
    events: u64,
    is_reported: bool,
}

impl KeyedProcess for StuckPlayersDerivation {
    const NAME: &'static str = "stuck-players";
    const PARAMETERS: &'static [&'static str] = PARAMETERS;
    type Source = PlayerEvents;
    type Fact = Action;
    type State = Option<Visit>;
    type Output = StuckPlayers;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Thresholds::from_params(params).map(Self)
    }

    fn fact(&self, event: &PlayerEvent<'_>, out: &mut impl Collect<Action>) {
        let action = if event.event_type == "level_complete" || event.ends_session() {
            Action::Leaves
        } else {
            let place = [&*event.level_id, &event.map_id, &event.session_id];
            Action::Stays(TextTuple::new(place))
        };
        out.collect(&[&event.game_id, &event.player_id], action);
    }

    fn on_event(
        &self,
        key: &RecordKey,
        state: &mut Option<Visit>,
        event: TimedEvent<Action>,
        detections: &mut Vec<Detection<StuckPlayers>>,
    ) {
        let Action::Stays(place) = event.fact else {
            *state = None;
            return;
        };
        if state.as_ref().is_some_and(|visit| visit.place != place) {
            *state = None;
        }
        let visit = state.get_or_insert_with(|| Visit::new(place, event.time));
        visit.last = event.time;
        visit.events += 1;
        if !visit.is_reported && self.is_stuck(visit) {
            visit.is_reported = true;
            detections.extend(self.detection(key, visit));
        }
    }

    /// Returns the time at which the gap after the last event has passed. The visit is then over, and the player is
    /// forgotten.
    fn timer(&self, state: &Option<Visit>) -> Option<Timestamp> {
        let gap_ms = self.0.session_gap_s as i64 * 1_000;
        state.as_ref().map(|visit| visit.last.plus_ms(gap_ms + 1))
    }

    fn on_timer(
        &self,
        _: &RecordKey,
        state: &mut Option<Visit>,
        _: Timestamp,
        _: &mut Vec<Detection<StuckPlayers>>,
    ) {
        *state = None;
    }

    fn is_empty(&self, state: &Option<Visit>) -> bool {
        state.is_none()
    }
}

impl StuckPlayersDerivation {
    fn is_stuck(&self, visit: &Visit) -> bool {
        visit.ms() >= self.0.min_seconds as i64 * 1_000 && visit.events >= self.0.min_events
    }

    fn detection(&self, key: &RecordKey, visit: &Visit) -> Option<Detection<StuckPlayers>> {
        let [game_id, player_id] = key.fields()?;
        let events = visit.events;
        let [level_id, map_id, session_id] = visit.place.texts();
        let seconds_on_level = decimal::ratio(visit.ms().into(), 1_000, 3);
        let reason = format!(
            "player {player_id} has been on level {level_id} (map {map_id}) for {seconds_on_level} s \
             with {events} events and has not completed it",
        );
        Some(Detection {
            key: RecordKey::new(&[&game_id, &player_id, &level_id]),
            span: Window::instant(visit.since).join(Window::instant(visit.last)),
            output: StuckPlayers {
                game_id,
                player_id,
                level_id,
                map_id,
                session_id,
                since: visit.since,
                seconds_on_level,
                events,
                reason,
                min_seconds: self.0.min_seconds,
                min_events: self.0.min_events,
            },
            revision: 0,
        })
    }
}

impl Visit {
    fn new(place: LevelVisited, since: Timestamp) -> Self {
        Self {
            place,
            since,
            last: since,
            events: 0,
            is_reported: false,
        }
    }

    fn ms(&self) -> i64 {
        self.last.ms_since(self.since)
    }
}
