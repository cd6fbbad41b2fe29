//! Events of every kind, for those who read topics whatever these carry.

use super::{Event, Layouts, PlayerEvent, PurchaseEvent, ServerMetric};
use crate::params::{ParamError, Params};

const KIND: &str = "kind";
const ANY: &str = "any";

/// An event of one of the three kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyEvent<'e> {
    /// Of `player-events`.
    Player(PlayerEvent<'e>),
    /// Of `purchase-events`.
    Purchase(PurchaseEvent<'e>),
    /// Of `server-metrics`.
    Server(ServerMetric<'e>),
}

/// Tries the kinds that its parameter `kind` names: a source topic, or `any` (the default) for each
/// of them. A record that would do for several kinds is of the first in the order of [`AnyEvent`].
#[derive(Clone, Debug, Default)]
pub struct EventReader {
    only: Option<Kind>,
    player: Layouts,
    purchase: Layouts,
    server: Layouts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Player,
    Purchase,
    Server,
}

impl EventReader {
    /// The reader that `params` ask for, which may hold `kind` and nothing else.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        params.refuse_unknown(&[KIND])?;
        let expected = "player-events, purchase-events, server-metrics or any";
        let Choice(only) = params.get(KIND, expected, Choice(None))?;
        Ok(Self {
            only,
            ..Self::default()
        })
    }

    /// The event that a record's value is; `None` where it is none of the kinds asked for.
    pub fn read<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        self.player(record)
            .or_else(|| self.purchase(record))
            .or_else(|| self.server(record))
    }

    fn player<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        let event = self
            .wants(Kind::Player)
            .then(|| PlayerEvent::parse_alike(record, &mut self.player));
        event?.ok().map(AnyEvent::Player)
    }

    fn purchase<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        let event = self
            .wants(Kind::Purchase)
            .then(|| PurchaseEvent::parse_alike(record, &mut self.purchase));
        event?.ok().map(AnyEvent::Purchase)
    }

    fn server<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        let event = self
            .wants(Kind::Server)
            .then(|| ServerMetric::parse_alike(record, &mut self.server));
        event?.ok().map(AnyEvent::Server)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.only.is_none_or(|only| only == kind)
    }
}

/// The kind that a parameter names; none for `any`.
struct Choice(Option<Kind>);

impl std::str::FromStr for Choice {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(Self(Some(match name {
            PlayerEvent::TOPIC => Kind::Player,
            PurchaseEvent::TOPIC => Kind::Purchase,
            ServerMetric::TOPIC => Kind::Server,
            ANY => return Ok(Self(None)),
            _ => return Err(()),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[u8] = br#"{"event_name":"e","event_timestamp":"2024-11-12T10:15:30Z","parameters":{
        "player_id":"p","session_id":"s","event_type":"move","level_id":"l","map_id":"m",
        "transaction_id":"t","transaction_type":"refund","currency":"USD","amount":1,"item_id":"i","item_type":"x"},
        "user_data":{"user_id":"p","platform":"PC"}}"#;

    fn read(kind: &str) -> Option<AnyEvent<'static>> {
        let params = [("kind", kind)].into_iter().collect();
        let mut reader = EventReader::from_params(&params).expect("valid parameters");
        reader.read(BOTH)
    }

    #[test]
    fn a_record_of_several_kinds_is_of_the_first_that_is_asked_for() {
        assert!(matches!(read("any"), Some(AnyEvent::Player(_))));
        assert!(matches!(read("player-events"), Some(AnyEvent::Player(_))));
        assert!(matches!(
            read("purchase-events"),
            Some(AnyEvent::Purchase(_))
        ));
        assert_eq!(read("server-metrics"), None);
    }
}
