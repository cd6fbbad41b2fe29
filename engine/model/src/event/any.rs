//! Reads events of any kind, for code that accepts records of every source topic.

use super::{Layouts, PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use crate::params::{ParamError, Params};

const KIND: &str = "kind";
const ANY: &str = "any";

/// An event of one of the three source topics.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyEvent<'e> {
    /// An event of `player-events`.
    Player(PlayerEvent<'e>),
    /// An event of `purchase-events`.
    Purchase(PurchaseEvent<'e>),
    /// An event of `server-metrics`.
    Server(ServerMetric<'e>),
}

/// Reads events of the source topic that the parameter `kind` names, or of all three topics (`any`, the
/// default). A record that is valid for several topics is read as an event of the first of them, in the order
/// of [`AnyEvent`].
#[derive(Clone, Debug, Default)]
pub struct EventReader {
    only: Option<EventKind>,
    player: Layouts,
    purchase: Layouts,
    server: Layouts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventKind {
    Player,
    Purchase,
    Server,
}

impl EventReader {
    /// Creates a reader from its parameters. `kind` is the only parameter.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        params.refuse_unknown(&[KIND])?;
        let expected = "player-events, purchase-events, server-metrics or any";
        let Choice(only) = params.get(KIND, expected, Choice(None))?;
        Ok(Self {
            only,
            ..Self::default()
        })
    }

    /// Reads a record's value. Returns `None` if the value is not an event of the accepted kinds.
    pub fn read<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        self.player(record)
            .or_else(|| self.purchase(record))
            .or_else(|| self.server(record))
    }

    fn player<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        let event = self
            .wants(EventKind::Player)
            .then(|| PlayerEvent::parse_alike(record, &mut self.player));
        event?.ok().map(AnyEvent::Player)
    }

    fn purchase<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        let event = self
            .wants(EventKind::Purchase)
            .then(|| PurchaseEvent::parse_alike(record, &mut self.purchase));
        event?.ok().map(AnyEvent::Purchase)
    }

    fn server<'e>(&mut self, record: &'e [u8]) -> Option<AnyEvent<'e>> {
        let event = self
            .wants(EventKind::Server)
            .then(|| ServerMetric::parse_alike(record, &mut self.server));
        event?.ok().map(AnyEvent::Server)
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.only.is_none_or(|only| only == kind)
    }
}

/// The value of the parameter `kind`; `None` means `any`.
struct Choice(Option<EventKind>);

impl std::str::FromStr for Choice {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(Self(Some(match name {
            PlayerEvent::TOPIC => EventKind::Player,
            PurchaseEvent::TOPIC => EventKind::Purchase,
            ServerMetric::TOPIC => EventKind::Server,
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
    fn a_record_valid_for_several_kinds_is_read_as_the_first() {
        assert!(matches!(read("any"), Some(AnyEvent::Player(_))));
        assert!(matches!(read("player-events"), Some(AnyEvent::Player(_))));
        assert!(matches!(
            read("purchase-events"),
            Some(AnyEvent::Purchase(_))
        ));
        assert_eq!(read("server-metrics"), None);
    }
}
