//! The totals: their content, limits and encoding.

use std::collections::BTreeMap;

use model::event::{
    AnyEvent, EventReader, PlayerEvent, PurchaseEvent, ServerMetric, TransactionType, TypedEvent,
};
use model::{ParamError, Params};
use serde::{Deserialize, Serialize};

use crate::Ledger;

/// The largest number of types of one topic, and of currencies, with their own entry. It is limited because the
/// totals are written again for every record, including the bytes of every name. A game usually has fewer.
const NAMES_MAX: usize = 32;

/// The largest length in bytes of a name with its own entry, limited for the same reason as the number of names.
const NAME_BYTES_MAX: usize = 64;

/// The entry that counts all names without their own entry.
const OTHER: &str = "other";

/// The largest accepted size of the previous totals in bytes. The totals that this module writes never reach it;
/// larger input is ignored.
const TOTALS_BYTES_MAX: usize = 64 * 1024;

/// The totals of a stream so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// The number of records, including invalid ones.
    pub records: u64,
    /// The number of records that are not valid events.
    pub invalid: u64,
    /// The number of events by source topic and type. The type is a player event's `event_type`, a purchase
    /// event's `transaction_type`, or a server metric's `server_type`.
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

/// Returns `name` if it is short enough and `names` has an entry for it or room for one; otherwise [`OTHER`].
fn name_within<'n, T>(names: &BTreeMap<String, T>, name: &'n str) -> &'n str {
    let taken = names.len() - usize::from(names.contains_key(OTHER));
    let has_place = names.contains_key(name) || taken < NAMES_MAX;
    if has_place && name.len() <= NAME_BYTES_MAX {
        name
    } else {
        OTHER
    }
}

/// Adds records to encoded totals.
#[derive(Clone, Debug, Default)]
pub struct RunningTotals {
    reader: EventReader,
}

impl RunningTotals {
    /// Creates the aggregate from its parameters. `kind` is the only parameter.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        EventReader::from_params(params).map(|reader| Self { reader })
    }

    /// Adds one record to `totals` (JSON) and returns the new totals. If `totals` is empty, too large or not valid
    /// JSON of [`Totals`], all totals start at zero.
    pub fn add(&mut self, totals: &[u8], record: &[u8]) -> Vec<u8> {
        let mut totals = read(totals).unwrap_or_default();
        totals.add(self.reader.read(record).as_ref());
        serde_json::to_vec(&totals).unwrap_or_default() // cannot fail: texts and integers can be written as JSON
    }
}

fn read(totals: &[u8]) -> Option<Totals> {
    let is_ours = totals.len() <= TOTALS_BYTES_MAX;
    is_ours.then(|| serde_json::from_slice(totals).ok())?
}
