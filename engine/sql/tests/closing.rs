//! Windows are closed while records arrive. Their rows must equal those of a slow computation that keeps every record
//! and every closed window.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use serde_json::Value as Json;
use sql::{Query, Reader, Source, plan};

/// A window of a key: its start, its end, the key, and the number of its records.
type Counted = (i64, i64, i64, u64);

/// A record at a time in milliseconds, with a key; or a watermark.
#[derive(Clone, Copy, Debug)]
enum Step {
    Record(i64, i64),
    Watermark(i64),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Hopping { slide: i64, size: i64 },
    Session { gap: i64 },
}

impl Kind {
    fn sql(self) -> String {
        match self {
            Self::Hopping { slide, size } => format!("HOP('{slide}ms', '{size}ms')"),
            Self::Session { gap } => format!("SESSION('{gap}ms')"),
        }
    }
}

/// All records that count, and the windows that have been closed.
struct Slow {
    kind: Kind,
    counted: Vec<(i64, i64)>,
    closed: Vec<Counted>,
    watermark: i64,
    late: u64,
}

impl Slow {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            counted: Vec::new(),
            closed: Vec::new(),
            watermark: i64::MIN,
            late: 0,
        }
    }

    fn record(&mut self, time: i64, key: i64) {
        let is_late = match self.kind {
            Kind::Hopping { slide, size } => {
                let last = time.div_euclid(slide) * slide;
                (0..size / slide).any(|hops| last - hops * slide + size <= self.watermark)
            }
            Kind::Session { gap } => {
                let is_printed = |(start, end, other, _): &Counted| {
                    *other == key && start - gap <= time && time <= end - 1 + gap
                };
                let is_in = |(other_time, other): &(i64, i64)| {
                    *other == key
                        && (0..=gap).contains(&(time - other_time))
                        && !self.is_closed(*other_time, key)
                };
                let is_over = time + 1 + gap <= self.watermark;
                self.closed.iter().any(is_printed) || (is_over && !self.counted.iter().any(is_in))
            }
        };
        self.late += u64::from(is_late);
        if !(is_late && matches!(self.kind, Kind::Session { .. })) {
            self.counted.push((time, key));
        }
    }

    fn is_closed(&self, time: i64, key: i64) -> bool {
        let mut closed = self.closed.iter();
        closed.any(|(start, end, other, _)| *other == key && (*start..*end).contains(&time))
    }

    /// Returns the windows that are over now and were not before.
    fn watermark(&mut self, watermark: i64) -> Vec<Counted> {
        let (before, now) = (self.watermark, watermark.div_euclid(1_000) * 1_000);
        if now <= before {
            return Vec::new();
        }
        self.watermark = now;
        let mut windows = match self.kind {
            Kind::Hopping { slide, size } => self.hopping(slide, size, before..now),
            Kind::Session { gap } => self.sessions(gap, now),
        };
        windows.sort_unstable();
        self.closed.extend(&windows);
        windows
    }

    fn hopping(&self, slide: i64, size: i64, over: Range<i64>) -> Vec<Counted> {
        let mut windows = BTreeMap::new();
        for (time, key) in &self.counted {
            let last = time.div_euclid(slide) * slide;
            for start in (0..size / slide).map(|hops| last - hops * slide) {
                let is_over = over.start < start + size && start + size <= over.end;
                if is_over {
                    *windows.entry((start, start + size, *key)).or_insert(0) += 1;
                }
            }
        }
        let counted = windows.into_iter();
        counted
            .map(|((start, end, key), count)| (start, end, key, count))
            .collect()
    }

    fn sessions(&self, gap: i64, now: i64) -> Vec<Counted> {
        let mut open: Vec<_> = self.counted.clone();
        open.retain(|(time, key)| !self.is_closed(*time, *key));
        open.sort_unstable_by_key(|(time, key)| (*key, *time));
        let joined = open.chunk_by(|a, b| a.1 == b.1 && b.0 - a.0 <= gap);
        let session = |events: &[(i64, i64)]| {
            let (first, last) = (events[0], events[events.len() - 1]);
            (first.0, last.0 + 1, first.1, events.len() as u64)
        };
        let sessions = joined.map(session);
        sessions.filter(|(_, end, ..)| end + gap <= now).collect()
    }
}

/// Runs the query, and returns the windows of each watermark, and the number of late records.
fn run(kind: Kind, steps: &[Step]) -> (Vec<Vec<Counted>>, u64) {
    let column = sql::Column::new("k", "k", sql::SqlType::Bigint).expect("a path");
    let source = Source::new("events", "k", "at", vec![column]).expect("a source");
    let text = format!(
        "SELECT epoch_ms(window_start) AS s, epoch_ms(window_end) AS e, k, count(*) AS n FROM events GROUP BY {}, k",
        kind.sql()
    );
    let plan = plan(&text, std::slice::from_ref(&source)).expect("a query");
    let reader = Reader::new(source);
    let mut query = Query::new(plan, None);
    let mut closed = Vec::new();
    for step in steps {
        match step {
            Step::Record(time, key) => {
                let at = model::Timestamp::from_millis(*time);
                let record = format!(r#"{{"at":"{at}","k":{key}}}"#);
                let record = reader.read(record.as_bytes()).expect("it fits");
                query.add(record).expect("few groups");
            }
            Step::Watermark(time) => {
                let rows = query.close(model::Timestamp::from_millis(*time));
                closed.push(rows.iter().map(counted).collect());
            }
        }
    }
    (closed, query.late())
}

fn counted(row: &sql::Row) -> Counted {
    let number = |value: &sql::Value<'_>| {
        let mut text = String::new();
        value.write_json(sql::SqlType::Bigint, &mut text);
        let json: Json = serde_json::from_str(&text).expect("JSON");
        json.as_i64().expect("an integer")
    };
    // The bounds of the window come first, because the query does not select them by their names.
    let [.., start, end, key, count] = &row.values[..] else {
        panic!("{row:?}");
    };
    let (start, end, key) = (number(start), number(end), number(key));
    (start, end, key, number(count).unsigned_abs())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (-3_000_i64..6_000, 0_i64..3).prop_map(|(time, key)| Step::Record(time, key)),
        1 => (-4_000_i64..6_000).prop_map(Step::Watermark),
    ];
    // Time goes on, so that records are late by a few windows at most.
    prop::collection::vec((step, 0_i64..600), 0..120).prop_map(|steps| {
        let mut now = 0;
        let forward = |(step, pause): (Step, i64)| {
            now += pause;
            match step {
                Step::Record(time, key) => Step::Record(now + time, key),
                Step::Watermark(time) => Step::Watermark(now + time),
            }
        };
        let mut steps: Vec<_> = steps.into_iter().map(forward).collect();
        steps.push(Step::Watermark(1_000_000));
        steps
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (1_i64..4, 1_i64..4).prop_map(|(slide, times)| Kind::Hopping {
            slide: slide * 500,
            size: slide * 500 * times
        }),
        (1_i64..3_000).prop_map(|gap| Kind::Session { gap }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn closed_windows_equal_those_of_a_slow_computation(kind in kind(), steps in steps()) {
        let (closed, late) = run(kind, &steps);
        let mut slow = Slow::new(kind);
        let mut expected = Vec::new();
        for step in &steps {
            match *step {
                Step::Record(time, key) => slow.record(time, key),
                Step::Watermark(time) => expected.push(slow.watermark(time)),
            }
        }
        prop_assert_eq!(&closed, &expected);
        prop_assert_eq!(late, slow.late);
    }
}

#[test]
fn closed_windows_are_dropped() {
    // Each record has a key of its own and is in 100 windows, so without closing there would be too many groups.
    let records = sql::GROUPS_MAX as i64 / 100 + 1_000;
    let record = |number: i64| Step::Record(number * 100, number);
    let steps: Vec<_> = (0..records)
        .flat_map(|number| {
            let watermark = (number % 100 == 0).then_some(Step::Watermark(number * 100));
            [Some(record(number)), watermark].into_iter().flatten()
        })
        .chain([Step::Watermark(records * 100 + 200_000)])
        .collect();
    let (slide, size) = (1_000, 100_000);
    let (closed, late) = run(Kind::Hopping { slide, size }, &steps);
    let rows: i64 = closed.iter().map(|rows| rows.len() as i64).sum();
    assert_eq!((rows, late), (records * 100, 0));
}
