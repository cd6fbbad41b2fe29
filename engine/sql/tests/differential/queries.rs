//! Whole queries in both languages.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::expressions::{Pair, condition, decimal, integer, text, time};

/// A query in both forms.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// Whether doubles of the result are estimates.
    pub(crate) estimates: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Window {
    None,
    Tumble(i64),
    /// The slide, and how many times as long the window is.
    Hop(i64, i64),
    Session(i64),
}

/// The parts of a query.
#[derive(Clone, Debug)]
struct Parts {
    window: Window,
    filter: Option<Pair>,
    keys: Vec<Pair>,
    aggregates: Vec<Pair>,
    having: Option<Pair>,
    top: Option<(u64, bool)>,
    unnest: bool,
    estimates: bool,
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let aggregates = prop_oneof![
        3 => vec(aggregate(), 1..4).prop_map(|aggregates| (aggregates, false)),
        1 => vec(quantile(), 1..2).prop_map(|aggregates| (aggregates, true)),
    ];
    (
        window(),
        option::of(condition(2)),
        vec(key(), 0..3),
        aggregates,
        option::weighted(0.3, having()),
        option::weighted(0.3, (1_u64..5, any::<bool>())),
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            |(window, filter, keys, (aggregates, estimates), having, top, unnest)| {
                // The order by an estimate or by a rounded number is not determined.
                let is_rounded = |text: &str| {
                    ["avg(", "sum(x", "sum(floor"]
                        .iter()
                        .any(|part| text.contains(part))
                };
                let top = top.filter(|_| !estimates && !is_rounded(&aggregates[0].ours));
                Parts {
                    window,
                    filter,
                    keys,
                    aggregates,
                    having,
                    top,
                    unnest,
                    estimates,
                }
                .case()
            },
        )
}

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![
        Just(Window::None),
        select(&[1_000, 10_000, 60_000, 7_000, 86_400_000][..]).prop_map(Window::Tumble),
        (select(&[1_000, 10_000, 30_000][..]), 1_i64..7)
            .prop_map(|(slide, times)| Window::Hop(slide, times)),
        select(&[1, 500, 3_000, 20_000][..]).prop_map(Window::Session),
    ]
}

pub(crate) fn key() -> impl Strategy<Value = Pair> {
    prop_oneof![
        text(1),
        integer(1),
        decimal(0),
        condition(1),
        time(1),
        text(0)
    ]
}

fn filtered(aggregate: impl Strategy<Value = Pair> + 'static) -> BoxedStrategy<Pair> {
    (aggregate, option::weighted(0.3, condition(1)))
        .prop_map(|(aggregate, filter)| match filter {
            None => aggregate,
            Some(filter) => Pair {
                ours: format!("{} FILTER (WHERE {})", aggregate.ours, filter.ours),
                theirs: format!("{} FILTER (WHERE {})", aggregate.theirs, filter.theirs),
            },
        })
        .boxed()
}

pub(crate) fn aggregate() -> impl Strategy<Value = Pair> {
    let of = |inner: BoxedStrategy<Pair>, forms: &'static [&'static str]| {
        (inner, select(forms)).prop_map(|(inner, form)| inner.map(|text| form.replace('@', text)))
    };
    const ANY: &[&str] = &[
        "count(@)",
        "count(DISTINCT @)",
        "min(@)",
        "max(@)",
        "arg_min(@, seq)",
        "arg_max(@, seq)",
    ];
    let whole = filtered(prop_oneof![
        Just(Pair {
            ours: "count(*)".to_owned(),
            theirs: "count(*)".to_owned()
        }),
        of(integer(2), ANY),
        of(decimal(2), ANY),
        of(text(2), ANY),
        of(time(1), ANY),
        of(condition(1), ANY),
        of(integer(1), &["sum(@)"]),
        of(decimal(1), &["sum(@)"]),
    ]);
    let doubles = filtered(prop_oneof![
        of(decimal(1), &["avg(@)"]),
        of(
            prop_oneof![Just(same("seq")), Just(same("length(player)"))].boxed(),
            &["avg(@)"]
        ),
        of(
            prop_oneof![Just(same("x")), Just(same("floor(x)"))].boxed(),
            &["sum(@)", "avg(@)", "min(@)"]
        ),
    ]);
    prop_oneof![
        3 => of(whole, &["@", "@", "@", "(@ IS NULL)", "COALESCE(CAST(@ AS TEXT), 'none')"]),
        1 => of(doubles, &["@", "(@ IS NULL)", "round(@, -1)"]),
    ]
}

pub(crate) fn same(text: &str) -> Pair {
    Pair {
        ours: text.to_owned(),
        theirs: text.to_owned(),
    }
}

/// The value at ⌊q · (n − 1)⌋ of all in ascending order. The values span less than 17 powers of ten, over which the
/// error of an estimate holds.
fn quantile() -> impl Strategy<Value = Pair> {
    const VALUES: &[&str] = &[
        "seq",
        "(seq % 7 - 3)",
        "floor(x)",
        "length(player)",
        "(NULLIF(seq, 3) / 7.5)",
    ];
    (
        select(VALUES).prop_map(same),
        select(&["0", "0.5", "0.95", "1"][..]),
    )
        .prop_map(|(value, fraction)| Pair {
            ours: format!("quantile({}, {fraction})", value.ours),
            theirs: format!(
                "list_sort(list({0}) FILTER (WHERE {0} IS NOT NULL))\
             [1 + CAST(floor({fraction} * (count({0}) - 1)) AS BIGINT)]",
                value.theirs
            ),
        })
}

pub(crate) fn having() -> impl Strategy<Value = Pair> {
    select(
        &[
            "count(*) > 2",
            "count(DISTINCT player) > 1",
            "max(n) IS NOT NULL",
            "min(seq) % 2 = 0",
        ][..],
    )
    .prop_map(same)
}

impl Parts {
    fn case(&self) -> Case {
        Case {
            ours: self.ours(),
            theirs: self.theirs(),
            estimates: self.estimates,
        }
    }

    fn ours(&self) -> String {
        let named = |pairs: &[Pair], name: &str| {
            let pairs = pairs.iter().enumerate();
            pairs
                .map(|(number, pair)| format!("{} AS {name}{number}", pair.ours))
                .collect::<Vec<_>>()
        };
        let mut outputs = named(&self.keys, "k");
        outputs.extend(named(&self.aggregates, "a"));
        // A literal is refused in GROUP BY, where other languages take a number for a position.
        let is_literal = |text: &str| {
            let is_text = text.starts_with('\'') && text.ends_with('\'');
            is_text || text.parse::<f64>().is_ok() || ["TRUE", "FALSE"].contains(&text)
        };
        let in_group_by = |(number, key): (usize, &Pair)| {
            if is_literal(&key.ours) {
                format!("k{number}")
            } else {
                key.ours.clone()
            }
        };
        let mut groups: Vec<String> = self.keys.iter().enumerate().map(in_group_by).collect();
        match self.window {
            Window::None => {}
            Window::Tumble(size) => groups.push(format!("TUMBLE(INTERVAL '{size} ms')")),
            Window::Hop(slide, times) => {
                groups.push(format!(
                    "HOP(INTERVAL '{slide} ms', '{} ms')",
                    slide * times
                ));
            }
            Window::Session(gap) => groups.push(format!("SESSION('{gap} ms')")),
        }
        let unnest = if self.unnest {
            " CROSS JOIN unnest(tags) AS t(tag)"
        } else {
            ""
        };
        let clause = |name: &str, text: Option<String>| {
            text.map_or(String::new(), |text| format!(" {name} {text}"))
        };
        let order = self.top.map(|(count, descending)| {
            format!("a0{} LIMIT {count}", if descending { " DESC" } else { "" })
        });
        format!(
            "SELECT {} FROM events{unnest}{}{}{}{}",
            outputs.join(", "),
            clause(
                "WHERE",
                self.filter.as_ref().map(|filter| filter.ours.clone())
            ),
            clause("GROUP BY", (!groups.is_empty()).then(|| groups.join(", "))),
            clause(
                "HAVING",
                self.having.as_ref().map(|having| having.ours.clone())
            ),
            clause("ORDER BY", order),
        )
    }

    fn theirs(&self) -> String {
        let keys: Vec<String> = (0..self.keys.len())
            .map(|number| format!("k{number}"))
            .collect();
        let aggregates = self.aggregates.iter().enumerate();
        let mut outputs: Vec<String> = keys.clone();
        outputs.extend(aggregates.map(|(number, pair)| format!("{} AS a{number}", pair.theirs)));
        let mut groups = keys.clone();
        let rows = self.rows();
        let rows = match self.window {
            Window::None => rows,
            Window::Tumble(size) => hopping(&rows, size, size),
            Window::Hop(slide, times) => hopping(&rows, slide, slide * times),
            Window::Session(gap) => sessions(&rows, &keys, gap),
        };
        if matches!(self.window, Window::Session(_)) {
            groups.push("session".to_owned());
            outputs.insert(0, "min(event_timestamp) AS window_start".to_owned());
            outputs.insert(
                1,
                "max(event_timestamp) + INTERVAL 1 MILLISECOND AS window_end".to_owned(),
            );
        } else if !matches!(self.window, Window::None) {
            groups.extend(["window_start".to_owned(), "window_end".to_owned()]);
            outputs.splice(0..0, ["window_start".to_owned(), "window_end".to_owned()]);
        }
        let group = if groups.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", groups.join(", "))
        };
        let having = self
            .having
            .as_ref()
            .map_or(String::new(), |having| format!(" HAVING {}", having.theirs));
        let query = format!("SELECT {} FROM ({rows}){group}{having}", outputs.join(", "));
        self.ranked(&query, &keys)
    }

    /// The records with the keys as columns.
    fn rows(&self) -> String {
        let keys = self
            .keys
            .iter()
            .enumerate()
            .map(|(number, key)| format!(", {} AS k{number}", key.theirs));
        let unnest = if self.unnest {
            ", unnest(tags) AS t(tag)"
        } else {
            ""
        };
        let filter = self
            .filter
            .as_ref()
            .map_or(String::new(), |filter| format!(" WHERE {}", filter.theirs));
        format!(
            "SELECT *{} FROM events{unnest}{filter}",
            keys.collect::<String>()
        )
    }

    fn ranked(&self, query: &str, keys: &[String]) -> String {
        let Some((count, descending)) = self.top else {
            return query.to_owned();
        };
        let mut order = vec![format!("a0{}", if descending { " DESC" } else { "" })];
        order.extend(keys.iter().cloned());
        let partition = if matches!(self.window, Window::None) {
            ""
        } else {
            "PARTITION BY window_start, window_end "
        };
        format!(
            "SELECT *, row_number() OVER ({partition}ORDER BY {}) AS rank FROM ({query}) QUALIFY rank <= {count}",
            order
                .iter()
                .map(|expr| format!("{expr} NULLS LAST"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    }
}

pub(crate) fn hopping(rows: &str, slide: i64, size: i64) -> String {
    format!(
        "SELECT *, make_timestamp_ms((epoch_ms(event_timestamp) // {slide} - back) * {slide}) AS window_start, \
         make_timestamp_ms((epoch_ms(event_timestamp) // {slide} - back) * {slide} + {size}) AS window_end \
         FROM ({rows}) CROSS JOIN range({}) AS hops(back)",
        size / slide
    )
}

/// A session of a key begins where the time since the key's last event is longer than the gap.
fn sessions(rows: &str, keys: &[String], gap: i64) -> String {
    let partition = if keys.is_empty() {
        String::new()
    } else {
        format!("PARTITION BY {} ", keys.join(", "))
    };
    format!(
        "SELECT *, sum(begins) OVER ({partition}ORDER BY event_timestamp, seq) AS session FROM (SELECT *, \
         CASE WHEN epoch_ms(event_timestamp) \
         - epoch_ms(lag(event_timestamp) OVER ({partition}ORDER BY event_timestamp, seq)) \
         <= {gap} THEN 0 ELSE 1 END AS begins FROM ({rows}))"
    )
}
