//! The three event schemas, for encoding: each event is one JSON object, with the fields in the schema's
//! order.

use model::time::Timestamp;
use serde::Serialize;

/// An event of `player-events`.
#[derive(Serialize)]
pub(crate) struct PlayerAction<'a> {
    pub(crate) event_name: &'static str,
    pub(crate) parameters: Action<'a>,
    pub(crate) event_timestamp: Timestamp,
    pub(crate) user_data: User<'a>,
}

#[derive(Serialize)]
pub(crate) struct Action<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) game_id: Option<&'a str>,
    pub(crate) player_id: &'a str,
    pub(crate) session_id: &'a str,
    pub(crate) event_type: &'static str,
    pub(crate) level_id: &'a str,
    pub(crate) map_id: &'a str,
}

#[derive(Serialize)]
pub(crate) struct User<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) platform: &'a str,
}

/// An event of `purchase-events`.
#[derive(Serialize)]
pub(crate) struct Transaction<'a> {
    pub(crate) event_name: &'static str,
    pub(crate) parameters: Payment<'a>,
    pub(crate) event_timestamp: Timestamp,
    pub(crate) user_data: User<'a>,
}

#[derive(Serialize)]
pub(crate) struct Payment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) game_id: Option<&'a str>,
    pub(crate) transaction_id: &'a str,
    pub(crate) transaction_type: &'static str,
    pub(crate) currency: &'a str,
    pub(crate) amount: Amount,
    pub(crate) item_id: &'a str,
    pub(crate) item_type: &'a str,
}

/// An event of `server-metrics`.
#[derive(Serialize)]
pub(crate) struct ServerMetric<'a> {
    pub(crate) event_name: &'static str,
    pub(crate) parameters: Reading<'a>,
    pub(crate) event_timestamp: Timestamp,
    pub(crate) server_data: Site<'a>,
}

#[derive(Serialize)]
pub(crate) struct Reading<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) cpu_load: i64,
    pub(crate) memory_usage: i64,
    pub(crate) latency: i64,
}

#[derive(Serialize)]
pub(crate) struct Site<'a> {
    pub(crate) region: &'a str,
    pub(crate) server_type: &'a str,
}

/// An amount of money, written as a JSON number with at most the currency's number of decimals.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Amount {
    Whole(i64),
    /// The binary fraction closest to the amount. JSON contains the shortest decimal that parses to this fraction.
    /// This decimal is the exact amount.
    Decimal(f64),
}

impl Amount {
    pub(crate) fn new(minor: i64, minor_digits: u32) -> Self {
        let unit = 10_i64.pow(minor_digits);
        match minor % unit {
            0 => Self::Whole(minor / unit),
            _ => Self::Decimal(minor as f64 / unit as f64),
        }
    }
}

/// More than the usual number of bytes of an event.
const EVENT_BYTES: usize = 384;

pub(crate) fn encode(event: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::with_capacity(EVENT_BYTES);
    serde_json::to_writer(&mut text, event)
        .expect("structs of strings and finite numbers always have a JSON form");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_exactly_their_digits() {
        for (minor, digits, text) in [
            (499, 2, "4.99"),
            (500, 2, "5"),
            (510, 2, "5.1"),
            (1_500, 0, "1500"),
            (375, 3, "0.375"),
            (0, 2, "0"),
        ] {
            assert_eq!(encode(&Amount::new(minor, digits)), text.as_bytes());
        }
    }
}
