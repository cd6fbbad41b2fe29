//! The totals: what they count, how large they may become, how they travel.

use std::collections::BTreeMap;

use model::event::{
    AnyEvent, EventReader, PlayerEvent, PurchaseEvent, ServerMetric, TransactionType,
};
use model::{Event, ParamError, Params};
use serde::{Deserialize, Serialize};

use crate::Ledger;

/// Names of one kind that are counted apart: the totals are written anew for every record, so each
/// name costs its bytes again and again. Currencies of a game and types of events are fewer.
const NAMES_MAX: usize = 32;

/// Bytes of a name that is counted apart, for the same reason.
const NAME_BYTES_MAX: usize = 64;

/// Where the rest is counted.
const OTHER: &str = "other";

/// Totals that were handed in and are larger than these can grow by themselves are not totals of ours.
const TOTALS_BYTES_MAX: usize = 64 * 1024;

/// What a stream has carried so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Records, invalid ones included.
    pub records: u64,
    /// Records that are no valid events.
    pub invalid: u64,
    /// Events by source topic and type: a player event's `event_type`, a purchase event's
    /// `transaction_type`, a server metric's `server_type`.
    pub events: BTreeMap<String, BTreeMap<String, u64>>,
    /// Money by currency.
    pub money: BTreeMap<String, Ledger>,
}

impl Totals {
    fn add(&mut self, event: Option<&AnyEvent<'_>>) {
        self.records = self.records.saturating_add(1);
        match event {
            None => self.invalid = self.invalid.saturating_add(1),
            Some(AnyEvent::Player(event)) => self.count(PlayerEvent::TOPIC, &event.event_type),
            Some(AnyEvent::Server(event)) => self.count(ServerMetric::TOPIC, &event.server_type),
            Some(AnyEvent::Purchase(event)) => {
                self.count(PurchaseEvent::TOPIC, name_of(event.transaction_type));
                let name = name_within(&self.money, &event.currency);
                let make = if name == OTHER {
                    Ledger::default
                } else {
                    Ledger::with_sums
                };
                self.money
                    .entry(name.to_owned())
                    .or_insert_with(make)
                    .add(event);
            }
        }
    }

    fn count(&mut self, topic: &str, name: &str) {
        let types = self.events.entry(topic.to_owned()).or_default();
        let name = name_within(types, name).to_owned();
        let count = types.entry(name).or_default();
        *count = count.saturating_add(1);
    }
}

fn name_of(transaction_type: TransactionType) -> &'static str {
    match transaction_type {
        TransactionType::Purchase => "purchase",
        TransactionType::Refund => "refund",
    }
}

/// `name` where it has a place of its own among `names`, or gets one; else [`OTHER`].
fn name_within<'n, T>(names: &BTreeMap<String, T>, name: &'n str) -> &'n str {
    let taken = names.len() - usize::from(names.contains_key(OTHER));
    let has_place = names.contains_key(name) || taken < NAMES_MAX;
    if has_place && name.len() <= NAME_BYTES_MAX {
        name
    } else {
        OTHER
    }
}

/// Adds records to totals that come and go as bytes.
#[derive(Clone, Debug, Default)]
pub struct RunningTotals {
    reader: EventReader,
}

impl RunningTotals {
    /// The totals that `params` ask for: of `kind`, and nothing else.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        EventReader::from_params(params).map(|reader| Self { reader })
    }

    /// `totals` (JSON) and one record more. Bytes that are no totals, no bytes among them, are zero.
    pub fn add(&mut self, totals: &[u8], record: &[u8]) -> Vec<u8> {
        let mut totals = read(totals).unwrap_or_default();
        totals.add(self.reader.read(record).as_ref());
        serde_json::to_vec(&totals).unwrap_or_default() // texts and integers are always JSON
    }
}

fn read(totals: &[u8]) -> Option<Totals> {
    let is_ours = totals.len() <= TOTALS_BYTES_MAX;
    is_ours.then(|| serde_json::from_slice(totals).ok())?
}
