//! `player-events`: the actions of players.

use std::borrow::Cow;

use super::field::Field;
use super::layout::Layouts;
use super::{DEFAULT_GAME_ID, Event, TypedEvent};
use crate::json::Value;
use crate::reject::Rejection;
use crate::time::Timestamp;

/// One action of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerEvent<'e> {
    /// The game; [`DEFAULT_GAME_ID`] if the event names none.
    pub game_id: Cow<'e, str>,
    /// The player.
    pub player_id: Cow<'e, str>,
    /// The player's session.
    pub session_id: Cow<'e, str>,
    /// The action: `move`, `interaction`, `level_complete` or any other name.
    pub event_type: Cow<'e, str>,
    /// The level of the action.
    pub level_id: Cow<'e, str>,
    /// The map, within the level, of the action.
    pub map_id: Cow<'e, str>,
    /// The player's platform: `PC`, `Console`, …
    pub platform: Cow<'e, str>,
    /// The event time.
    pub time: Timestamp,
}

impl PlayerEvent<'_> {
    /// Returns whether the player leaves the game with this event.
    pub fn ends_session(&self) -> bool {
        matches!(self.event_type.as_ref(), "session_end" | "logout")
    }
}

const FIELDS: [&str; 10] = [
    "event_name",
    "event_timestamp",
    "parameters.game_id",
    "parameters.player_id",
    "parameters.session_id",
    "parameters.event_type",
    "parameters.level_id",
    "parameters.map_id",
    "user_data.user_id",
    "user_data.platform",
];

impl<'e> TypedEvent<'e> for PlayerEvent<'e> {
    const TOPIC: &'static str = "player-events";

    const PATHS: &'static [&'static str] = &FIELDS;

    fn from_values(values: &[Option<Value<'e>>]) -> Result<Self, Rejection> {
        let values = values.first_chunk().unwrap_or(&[None; FIELDS.len()]);
        Self::from_fields(Field::all(values, &FIELDS))
    }

    #[inline]
    fn time_if_plain(values: &[Option<Value<'e>>]) -> Option<Timestamp> {
        let [name, time, game_id, ids @ ..] = Field::all(values.first_chunk()?, &FIELDS);
        let are_plain = name.is_plain_id()
            && game_id.is_plain_optional_id()
            && ids.iter().all(Field::is_plain_id);
        are_plain.then(|| time.timestamp().ok()).flatten()
    }

    #[inline]
    fn parse_alike(record: &'e [u8], layouts: &mut Layouts) -> Result<Self, Rejection> {
        Field::read(record, &FIELDS, layouts).and_then(Self::from_fields)
    }
}

impl<'e> PlayerEvent<'e> {
    #[inline(always)]
    fn from_fields(fields: [Field<'e>; FIELDS.len()]) -> Result<Self, Rejection> {
        let [
            name,
            time,
            game_id,
            player_id,
            session_id,
            event_type,
            level_id,
            map_id,
            user_id,
            platform,
        ] = fields;
        name.id()?;
        user_id.id()?;
        Ok(Self {
            game_id: game_id
                .optional_id()?
                .unwrap_or(Cow::Borrowed(DEFAULT_GAME_ID)),
            player_id: player_id.id()?,
            session_id: session_id.id()?,
            event_type: event_type.id()?,
            level_id: level_id.id()?,
            map_id: map_id.id()?,
            platform: platform.id()?,
            time: time.timestamp()?,
        })
    }
}

impl Event for PlayerEvent<'_> {
    #[inline]
    fn time(&self) -> Timestamp {
        self.time
    }

    #[inline]
    fn sender(&self) -> &str {
        &self.player_id
    }
}
