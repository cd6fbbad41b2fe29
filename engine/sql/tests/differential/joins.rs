//! Queries that join a table, in both languages. The table changes between the windows: DuckDB gets a list of its
//! changes, and joins the last one before each window.

use model::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sql::{Column, SqlType, Table, TableVersions};

use crate::events::{GAMES, Numbers, START_MS};
use crate::expressions::{Pair, condition};
use crate::queries::{Case, aggregate, having, hopping, key, same};

const CHANGES: i64 = 60;
/// The time from one change to the next. The changes cover the time of the events.
const PAUSE_MS: i64 = 20_000;

/// A change of the table; without values, the key is deleted.
struct Change {
    at: i64,
    id: &'static str,
    values: Option<(String, i64)>,
}

pub(crate) fn table() -> Table {
    let column = |name: &str, ty| Column::new(name, name, ty).expect("a path");
    let columns = vec![
        column("studio", SqlType::Text),
        column("id", SqlType::Text),
        column("price", SqlType::Bigint),
    ];
    Table::new("games", "id", columns).expect("a table")
}

/// The changes, in the order in which they were written. Their times are not in order.
fn changes() -> Vec<Change> {
    let mut numbers = Numbers(7);
    let change = |number: i64| Change {
        at: START_MS - 60_000 + number * PAUSE_MS - numbers.below(50_000) as i64,
        id: GAMES[numbers.below(3) as usize],
        values: (numbers.below(5) > 0).then(|| {
            let studio = *numbers.choose(&["one", "two", "ß"]);
            (studio.to_owned(), numbers.below(4) as i64)
        }),
    };
    (0..CHANGES).map(change).collect()
}

pub(crate) fn versions() -> TableVersions {
    let mut versions = TableVersions::new(table());
    for Change { at, id, values } in changes() {
        let value = values.map(|(studio, price)| {
            format!(r#"{{"id":"{id}","studio":"{studio}","price":{price}}}"#)
        });
        let value = value.unwrap_or_default();
        let at = Some(Timestamp::from_millis(at));
        let added = versions.add(at, Some(id.as_bytes()), value.as_bytes());
        added.expect("a record of the table");
    }
    versions
}

/// The statement that creates the changes in DuckDB. A change counts at the latest time of it and of those before it.
pub(crate) fn create() -> String {
    let rows = changes().into_iter().enumerate().map(|(number, change)| {
        let (id, at, is_deleted) = (change.id, change.at, change.values.is_none());
        let (studio, price) = change.values.unwrap_or_default();
        format!("({number}, {at}, '{id}', '{studio}', {price}, {is_deleted})")
    });
    format!(
        "CREATE TABLE changes AS SELECT * FROM (SELECT *, max(at_ms) OVER (ORDER BY number) AS from_ms \
         FROM (VALUES {}) AS t(number, at_ms, id, studio, price, deleted)) \
         QUALIFY row_number() OVER (PARTITION BY id, from_ms ORDER BY number DESC) = 1",
        rows.collect::<Vec<_>>().join(", ")
    )
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    (
        select(
            &[
                (10_000, 1),
                (60_000, 1),
                (7_000, 1),
                (10_000, 3),
                (20_000, 2),
            ][..],
        ),
        any::<bool>(),
        vec(prop_oneof![key(), of_table()], 0..4),
        vec(aggregate(), 1..3),
        vec(prop_oneof![condition(1), condition_of_table()], 0..3),
        option::weighted(0.2, having()),
    )
        .prop_map(|(window, is_inner, keys, aggregates, conditions, having)| {
            Parts {
                window,
                is_inner,
                keys,
                aggregates,
                conditions,
                having,
            }
            .case()
        })
}

/// Expressions over the table, and over the table and the source.
fn of_table() -> impl Strategy<Value = Pair> {
    select(
        &[
            ("games.studio", "studio"),
            ("price", "price"),
            ("games.id", "gid"),
            ("COALESCE(studio, player)", "COALESCE(studio, player)"),
            (
                "games.price + length(events.player)",
                "price + length(player)",
            ),
            ("upper(studio)", "upper(studio)"),
            ("studio IS NULL", "studio IS NULL"),
        ][..],
    )
    .prop_map(|(ours, theirs)| Pair {
        ours: ours.to_owned(),
        theirs: theirs.to_owned(),
    })
}

fn condition_of_table() -> impl Strategy<Value = Pair> {
    select(
        &[
            "price > 1",
            "studio IS NOT NULL",
            "studio = 'one' OR ok",
            "NOT (studio = 'two' AND price = 0)",
            "price < length(player) AND ok IS NOT NULL",
        ][..],
    )
    .prop_map(same)
}

/// The parts of a query.
struct Parts {
    /// The slide, and how many times as long the window is.
    window: (i64, i64),
    is_inner: bool,
    keys: Vec<Pair>,
    aggregates: Vec<Pair>,
    conditions: Vec<Pair>,
    having: Option<Pair>,
}

impl Parts {
    fn case(&self) -> Case {
        Case {
            ours: self.ours(),
            theirs: self.theirs(),
            estimates: false,
        }
    }

    fn ours(&self) -> String {
        let mut outputs = named(&self.keys, "k", |pair| &pair.ours);
        outputs.extend(named(&self.aggregates, "a", |pair| &pair.ours));
        let (slide, times) = self.window;
        let mut groups = vec![format!("HOP('{slide} ms', '{} ms')", slide * times)];
        groups.extend(self.key_names());
        let kind = if self.is_inner { "JOIN" } else { "LEFT JOIN" };
        format!(
            "SELECT {} FROM events {kind} games ON game = games.id{} GROUP BY {}{}",
            outputs.join(", "),
            conditions(
                self.conditions
                    .iter()
                    .map(|pair| pair.ours.clone())
                    .collect()
            ),
            groups.join(", "),
            self.having(|pair| &pair.ours)
        )
    }

    fn theirs(&self) -> String {
        let (slide, times) = self.window;
        let rows = hopping("SELECT * FROM events", slide, slide * times);
        let joined = format!(
            "SELECT e.*, CASE WHEN NOT c.deleted THEN c.studio END AS studio, \
             CASE WHEN NOT c.deleted THEN c.price END AS price, CASE WHEN NOT c.deleted THEN c.id END AS gid \
             FROM ({rows}) e ASOF LEFT JOIN changes c ON e.game = c.id AND epoch_ms(e.window_start) >= c.from_ms"
        );
        let mut all: Vec<String> = self
            .conditions
            .iter()
            .map(|pair| pair.theirs.clone())
            .collect();
        if self.is_inner {
            all.push("gid IS NOT NULL".to_owned());
        }
        let keys = named(&self.keys, "k", |pair| &pair.theirs);
        let keys: String = keys.iter().map(|key| format!(", {key}")).collect();
        let mut outputs = vec!["window_start".to_owned(), "window_end".to_owned()];
        outputs.extend(self.key_names());
        let groups = outputs.join(", ");
        outputs.extend(named(&self.aggregates, "a", |pair| &pair.theirs));
        format!(
            "SELECT {} FROM (SELECT *{keys} FROM ({joined}){}) GROUP BY {groups}{}",
            outputs.join(", "),
            conditions(all),
            self.having(|pair| &pair.theirs)
        )
    }

    fn key_names(&self) -> impl Iterator<Item = String> {
        (0..self.keys.len()).map(|number| format!("k{number}"))
    }

    fn having(&self, form: impl Fn(&Pair) -> &String) -> String {
        let having = self.having.as_ref();
        having.map_or(String::new(), |pair| format!(" HAVING {}", form(pair)))
    }
}

fn named(pairs: &[Pair], name: &str, form: impl Fn(&Pair) -> &String) -> Vec<String> {
    let pairs = pairs.iter().enumerate();
    let named = pairs.map(|(number, pair)| format!("{} AS {name}{number}", form(pair)));
    named.collect()
}

fn conditions(all: Vec<String>) -> String {
    if all.is_empty() {
        return String::new();
    }
    let all: Vec<String> = all
        .iter()
        .map(|condition| format!("({condition})"))
        .collect();
    format!(" WHERE {}", all.join(" AND "))
}
