//! Generates random purchase records from a seed, each with its expected outcome.

use std::collections::HashSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

/// The reasons for which broken records are rejected.
pub(super) const BROKEN: [&str; 7] = [
    "not_json",
    "missing_field",
    "wrong_type",
    "invalid_timestamp",
    "future_timestamp",
    "out_of_range",
    "too_large",
];

/// The size of an oversized record: above the limit of a record (256 KiB), and below the limit of a batch.
const OVERSIZE_BYTES: usize = 300_000;

/// The expected outcome of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Accepted,
    Duplicate,
    Late,
    Rejected(&'static str),
}

pub(super) struct Purchase {
    pub(super) user: String,
    pub(super) value: Vec<u8>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event { time_ms: i64 },
    Broken(&'static str),
}

/// Generates records around one base time.
pub(super) struct Maker {
    dice: ChaCha8Rng,
    base_ms: i64,
    transactions: u64,
    seen: HashSet<Vec<u8>>,
}

impl Maker {
    pub(super) fn new(seed: u64, base_ms: i64) -> Self {
        Self {
            dice: ChaCha8Rng::seed_from_u64(seed),
            base_ms,
            transactions: 0,
            seen: HashSet::new(),
        }
    }

    /// Generates an event of one of these users. `seconds` is its time relative to the base time; negative
    /// values are before it.
    pub(super) fn event(&mut self, users: &[String], seconds: std::ops::Range<i64>) -> Purchase {
        let milliseconds = (seconds.end - seconds.start) as u64 * 1000;
        let time_ms = self.base_ms + seconds.start * 1000 + self.below(milliseconds) as i64;
        let user = self.pick(users);
        let value = self.purchase(&user, time_ms).to_string().into_bytes();
        Purchase {
            user,
            value,
            kind: Kind::Event { time_ms },
        }
    }

    /// Returns a copy of one of these events.
    pub(super) fn again(&mut self, sent: &[Purchase]) -> Purchase {
        loop {
            let original = &sent[self.below(sent.len() as u64) as usize];
            if matches!(original.kind, Kind::Event { .. }) {
                return Purchase {
                    user: original.user.clone(),
                    value: original.value.clone(),
                    kind: original.kind,
                };
            }
        }
    }

    /// Generates a record that must be rejected for `reason`, and for no other reason.
    pub(super) fn broken(&mut self, users: &[String], reason: &'static str) -> Purchase {
        let user = self.pick(users);
        let mut value = self.purchase(&user, self.base_ms - 205_000);
        let variant = self.below(2) == 0;
        match reason {
            "missing_field" if variant => drop(value["parameters"]["amount"].take()),
            "missing_field" => drop(value.as_object_mut().unwrap().remove("user_data")),
            "wrong_type" if variant => value["parameters"]["amount"] = json!("4.99"),
            "wrong_type" => value["user_data"] = json!([]),
            "invalid_timestamp" if variant => {
                value["event_timestamp"] = json!("2025-02-30T10:15:30Z");
            }
            "invalid_timestamp" => value["event_timestamp"] = json!("yesterday"),
            "future_timestamp" => {
                value["event_timestamp"] = json!(timestamp(self.base_ms + 3_600_000));
            }
            "out_of_range" if variant => value["parameters"]["amount"] = json!(-0.01),
            "out_of_range" => value["parameters"]["transaction_type"] = json!("gift"),
            "too_large" => value["comment"] = json!("\u{e9}".repeat(OVERSIZE_BYTES / 2)),
            _ => {}
        }
        let value = match value.to_string().into_bytes() {
            whole if reason != "not_json" => whole,
            whole if variant => whole[..whole.len() / 2].to_vec(),
            whole => [&[0xff, 0xfe, 0x00], &whole[..]].concat(),
        };
        Purchase {
            user,
            value,
            kind: Kind::Broken(reason),
        }
    }

    pub(super) fn shuffle(&mut self, purchases: &mut [Purchase]) {
        for index in (1..purchases.len()).rev() {
            purchases.swap(index, self.below(index as u64 + 1) as usize);
        }
    }

    /// Returns the expected outcome of a record that is sent next, if events before `late_ms` are late.
    pub(super) fn label(&mut self, purchase: &Purchase, late_ms: i64) -> Label {
        match purchase.kind {
            Kind::Broken(reason) => Label::Rejected(reason),
            Kind::Event { time_ms } if time_ms < late_ms => Label::Late,
            Kind::Event { .. } if self.seen.insert(purchase.value.clone()) => Label::Accepted,
            Kind::Event { .. } => Label::Duplicate,
        }
    }

    fn purchase(&mut self, user: &str, time_ms: i64) -> Value {
        self.transactions += 1;
        let (currency, unit) =
            [("USD", 100.0), ("JPY", 1.0), ("BHD", 1000.0)][self.below(3) as usize];
        let kind = ["purchase", "purchase", "refund"][self.below(3) as usize];
        json!({
            "event_name": "transaction", "event_timestamp": timestamp(time_ms),
            "parameters": {
                "transaction_id": format!("t{}", self.transactions), "transaction_type": kind,
                "amount": self.below(100_000) as f64 / unit, "currency": currency,
                "item_id": format!("item {}", self.below(4)),
                "item_type": (["potion", "scroll"][self.below(2) as usize]),
            },
            "user_data": {"user_id": user, "platform": (["PC", "Console"][self.below(2) as usize])},
        })
    }

    fn pick(&mut self, users: &[String]) -> String {
        users[self.below(users.len() as u64) as usize].clone()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice.next_u64() % bound
    }
}

fn timestamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}
