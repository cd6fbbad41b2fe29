//! Generates the mixture of records, with their kinds, sources and contents.

use std::collections::VecDeque;

use super::dice::Dice;
use super::draft::{Draft, NO_TIME, time};
use super::mutate::mutated;
use super::oddities::{CHANGE, FOREIGN, NO_OBJECTS, NUMBERS, ODD_IDS, WRONG_TIMES};
use super::source::Source;

/// The number of different mutations that are in use at a time. After a million records, a maker switches to others.
/// This bounds the number of mutated ids (players, levels, currencies) that derivations have to keep in memory at a
/// time.
const MUTATIONS: usize = 8_192;
const MUTATIONS_OF_RECORDS: usize = 1_000_000;

/// What is special about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Good,
    Ahead,
    FarAhead,
    Behind,
    OddId,
    OddJson,
    Wrong,
    Foreign,
    SmallChange,
    Repeated,
    NoObject,
    Huge,
    Mutated,
}

/// The number of records of each kind in a thousand.
const SHARES: [(Kind, usize); 12] = [
    (Kind::Good, 520),
    (Kind::Ahead, 40),
    (Kind::FarAhead, 10),
    (Kind::Behind, 25),
    (Kind::OddId, 80),
    (Kind::OddJson, 80),
    (Kind::Wrong, 60),
    (Kind::Foreign, 20),
    (Kind::SmallChange, 50),
    (Kind::Repeated, 15),
    (Kind::NoObject, 20),
    (Kind::Mutated, 80),
];
/// Huge records are rarer: one record in this many is huge.
const HUGE_ONE_IN: usize = 5_000;

pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) source: Source,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Vec<u8>,
}

pub(super) struct Maker {
    pub(super) dice: Dice,
    seed: u64,
    made: usize,
    purchases: VecDeque<String>,
}

impl Maker {
    /// Creates a maker. Makers with the same seed and different numbers generate different records.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self {
            dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(number)),
            seed,
            made: 0,
            purchases: VecDeque::new(),
        }
    }

    pub(super) fn item(&mut self) -> Item {
        self.made += 1;
        let kind = self.kind();
        let source = match kind {
            Kind::SmallChange | Kind::Repeated => Source::Purchases,
            _ => *self.dice.pick(&[
                Source::Players,
                Source::Players,
                Source::Purchases,
                Source::Servers,
            ]),
        };
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let dice = &mut self.dice;
        let (prefix, time_ms) = match kind {
            Kind::Ahead => ("fast", now_ms + dice.between(1_000, 290_000)),
            Kind::FarAhead => ("faster", now_ms + 600_000),
            Kind::Behind => ("slow", now_ms - dice.between(1_000, 3_600_000)),
            Kind::OddId | Kind::OddJson => ("odd", now_ms - dice.between(0, 2_000)),
            _ => ("healthy", now_ms - dice.between(0, 200)),
        };
        let mut draft = Draft::new(source, prefix, time_ms, dice);
        let value = self.value(kind, source, &mut draft);
        Item {
            kind,
            source,
            key: self.key(kind, &draft),
            value,
        }
    }

    fn kind(&mut self) -> Kind {
        if self.dice.is_one_in(HUGE_ONE_IN) {
            return Kind::Huge;
        }
        let mut number = self.dice.below(SHARES.iter().map(|(_, share)| share).sum());
        let of_number = |(_, share): &&(Kind, usize)| {
            let is_it = number < *share;
            number = number.wrapping_sub(*share);
            is_it
        };
        SHARES
            .iter()
            .find(of_number)
            .map(|(kind, _)| *kind)
            .unwrap()
    }

    /// Returns a record key. Producers may use any key, or none.
    fn key(&mut self, kind: Kind, draft: &Draft) -> Option<Vec<u8>> {
        match (kind, self.dice.below(8)) {
            (Kind::Good | Kind::Ahead | Kind::Behind, _) | (_, 0..6) => {
                Some(draft.sender.clone().into())
            }
            (_, 6) => None,
            _ => Some((0..self.dice.below(40)).map(|_| self.dice.byte()).collect()),
        }
    }

    fn value(&mut self, kind: Kind, source: Source, draft: &mut Draft) -> Vec<u8> {
        match kind {
            Kind::Good => {
                draft.more.push(super::HEALTHY.to_owned());
                draft.text("").into()
            }
            Kind::Ahead | Kind::FarAhead | Kind::Behind => draft.text("").into(),
            Kind::OddId => self.odd_id(draft),
            Kind::OddJson => self.odd_json(source, draft),
            Kind::Wrong => self.wrong(source, draft),
            Kind::Foreign => (*self.dice.pick(&FOREIGN)).into(),
            Kind::SmallChange => self.small_change(draft),
            Kind::Repeated => self.repeated(draft),
            Kind::NoObject => self.dice.pick(&NO_OBJECTS).to_vec(),
            Kind::Huge => self.huge(draft),
            Kind::Mutated => self.mutated(source, &draft.fields[1].2.clone()),
        }
    }

    fn odd_id(&mut self, draft: &mut Draft) -> Vec<u8> {
        let ids: Vec<&str> = draft
            .fields
            .iter()
            .filter(|field| is_id(field.1))
            .map(|field| field.1)
            .collect();
        for _ in 0..1 + self.dice.below(3) {
            let long = format!("\"{}\"", "\u{e9}".repeat(128));
            let raw = match self.dice.is_one_in(12) {
                true => long.as_str(),
                false => self.dice.pick(&ODD_IDS),
            };
            let name = *self.dice.pick(&ids);
            draft.set(name, raw);
        }
        draft.text("").into()
    }

    fn odd_json(&mut self, source: Source, draft: &mut Draft) -> Vec<u8> {
        let number = *self.dice.pick(&NUMBERS);
        match self.dice.below(8) {
            0 => return [super::reading::BYTE_ORDER_MARK, draft.text("").as_bytes()].concat(),
            1 => draft
                .more
                .push(format!("\"event_timestamp\":{}", draft.fields[1].2)),
            2 => draft
                .more
                .push("\"parameters\":{\"game_id\":\"twice\",\"game_id\":\"thrice\"}".to_owned()),
            3 => draft.more.push(nested(100)),
            4 => draft
                .more
                .push(format!("\"unknown\":[{number},{{\"n\":{number}}}]")),
            5 => draft
                .more
                .push(r#""nickname":"cut \ud83d","\ud83d":1"#.to_owned()),
            6 => return draft.text([" ", "\n", "\r\n\t"][self.dice.below(3)]).into(),
            _ => match source {
                Source::Players => draft.set("level_id", "\"x\",\"level_id\":\"level 1\""),
                Source::Purchases => draft.set("amount", number),
                Source::Servers => draft.set("latency", number),
            },
        }
        draft.text("").into()
    }

    fn wrong(&mut self, source: Source, draft: &mut Draft) -> Vec<u8> {
        let at = self.dice.below(draft.fields.len());
        let field = &mut draft.fields[at];
        match self.dice.below(8) {
            0 => drop(draft.fields.remove(at)),
            1 => field.2 = "null".to_owned(),
            2 => field.2 = (*self.dice.pick(&["[]", "{}", "true", "7.5", "\"7.5\""])).to_owned(),
            3 => draft.set("event_timestamp", *self.dice.pick(&WRONG_TIMES)),
            4 => field.2 = "\"\"".to_owned(),
            5 => field.2 = format!("\"{}\"", "x".repeat(257)),
            6 => draft.more.push(nested(130)),
            _ => match source {
                Source::Players => draft.more.push("\"parameters\":[]".to_owned()),
                Source::Purchases => draft.set(
                    "amount",
                    *self.dice.pick(&["-0.01", "1e17", "\"4.99\"", "null"]),
                ),
                Source::Servers => draft.set(
                    "cpu_load",
                    *self.dice.pick(&["100.1", "-1e-9", "NaN", "\"50\""]),
                ),
            },
        }
        draft.text("").into()
    }

    fn small_change(&mut self, draft: &mut Draft) -> Vec<u8> {
        let (currency, amounts) = self.dice.pick(&CHANGE);
        draft.set("currency", format!("\"{currency}\""));
        draft.set("amount", *self.dice.pick(amounts));
        let text = draft.text("");
        if self.purchases.len() == 64 {
            self.purchases.pop_front();
        }
        self.purchases.push_back(text.clone());
        text.into()
    }

    /// Repeats a transaction: unchanged, with an additional field, with another item type, or as a refund.
    fn repeated(&mut self, draft: &Draft) -> Vec<u8> {
        if self.purchases.is_empty() {
            return draft.text("").into();
        }
        let at = self.dice.below(self.purchases.len());
        let text = &self.purchases[at];
        match self.dice.below(4) {
            0 => text
                .replace(":\"purchase\"", ":\"refund\"")
                .replace("item_type 1", "item_type 2")
                .into(),
            1 => text.replacen('{', "{\"again\": [1, {}] , ", 1).into(),
            2 => text.replace("item_type 3", "item_type 4").into(),
            _ => text.clone().into(),
        }
    }

    fn huge(&mut self, draft: &mut Draft) -> Vec<u8> {
        let bytes = 100_000 + self.dice.below(200_000);
        match self.dice.below(4) {
            0 => draft
                .more
                .push(format!("\"comment\":\"{}\"", "x".repeat(300_000))),
            1 => draft
                .more
                .push(format!("\"comment\":\"{}\"", "\u{e9}".repeat(bytes / 2))),
            2 => return "[".repeat(bytes).into(),
            _ => draft
                .more
                .push(format!("\"deep\":{}", "{\"a\":".repeat(bytes / 5))),
        }
        draft.text("").into()
    }

    fn mutated(&mut self, source: Source, now: &str) -> Vec<u8> {
        let round = (self.made / MUTATIONS_OF_RECORDS) as u64;
        let number = (self.dice.below(MUTATIONS) as u64) << 32 | round;
        let mut dice = Dice::new(self.seed.wrapping_add(number));
        let of = |source, dice: &mut Dice| {
            let mut draft = Draft::new(source, "m", 0, dice);
            draft.set("event_timestamp", format!("\"{NO_TIME}\""));
            draft.text("").into_bytes()
        };
        let text = of(source, &mut dice);
        let other = of(*dice.pick(&Source::ALL), &mut dice);
        let mutated = mutated(&text, &other, &mut dice);
        with_time(mutated, now.trim_matches('"'))
    }
}

/// Replaces every placeholder [`NO_TIME`] with the time `now`.
fn with_time(mut text: Vec<u8>, now: &str) -> Vec<u8> {
    let open = NO_TIME.as_bytes();
    while let Some(at) = text.windows(open.len()).position(|window| window == open) {
        text.splice(at..at + open.len(), now.bytes());
    }
    text
}

fn nested(depth: usize) -> String {
    let depth = depth - 1; // the record's own object is one level
    format!("\"nested\":{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn is_id(name: &str) -> bool {
    name.ends_with("_id")
        || [
            "event_type",
            "platform",
            "region",
            "server_type",
            "item_type",
        ]
        .contains(&name)
}

/// Returns the current time, for the field `sent_at`.
pub(super) fn sent_at() -> String {
    time(jiff::Timestamp::now().as_millisecond())
}
