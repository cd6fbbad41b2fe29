//! Queries that join a table: how they are split, and what is refused.

use sql::{Catalog, Column, Source, SqlError, SqlType, Table, plan, plan_derived};

fn column(name: &str, ty: SqlType) -> Column {
    Column::new(name, name, ty).expect("a path")
}

fn sources() -> [Source; 1] {
    let columns = vec![
        column("item_id", SqlType::Text),
        column("kind", SqlType::Text),
        column("amount", SqlType::Bigint),
        column("at", SqlType::Timestamp),
    ];
    [Source::new("orders", "item_id", "at", columns).expect("a source")]
}

fn tables() -> [Table; 1] {
    let columns = vec![
        column("id", SqlType::Text),
        column("kind", SqlType::Text),
        column("price", SqlType::Bigint),
    ];
    [Table::new("items", "id", columns).expect("a table")]
}

fn planned(query: &str) -> Result<sql::Plan, SqlError> {
    plan_derived(
        query,
        Catalog {
            sources: &sources(),
            tables: &tables(),
        },
    )
}

const QUERY: &str =
    "SELECT upper(items.kind) AS kind, amount > price AS dear, orders.kind AS how, count(*) AS n
    FROM orders LEFT JOIN items ON item_id = items.id
    WHERE orders.kind <> 'gift' AND (price > 1 OR amount = 0) AND amount >= 0
    GROUP BY TUMBLE('10s'), upper(items.kind), amount > price, orders.kind
    HAVING n > 1";

#[test]
fn what_needs_the_table_runs_in_the_runner() {
    let plan = planned(QUERY).expect("a plan");
    let explained = plan.explain(&sources()[0]);
    let expected = "\
in the cluster, for each batch:
  read      item_id text at item_id, kind text at kind, amount bigint at amount, at timestamp at at
  keep      (kind <> 'gift' AND amount >= 0)
  window    tumbling, 10000 ms
  group by  item_id, amount, kind
  combine   count(*)
in the runner, for each window and group:
  merge     the states of all batches and partitions
  join      LEFT JOIN items ON item_id = items.id, as it was at window_start
  keep      (items.price > 1 OR amount = 0)
  group by  upper(items.kind), amount > items.price, kind
  keep      count(*) > 1
  column    window_start TIMESTAMP
  column    window_end TIMESTAMP
  column    kind TEXT = upper(items.kind)
  column    dear BOOLEAN = amount > items.price
  column    how TEXT = kind
  column    n BIGINT = count(*)";
    assert_eq!(explained, expected, "{explained}");
    let declared = plan.declarations(&sources()[0]);
    let table =
        "; of the table items by id: id text at id, kind text at kind, price bigint at price";
    assert!(declared.ends_with(table), "{declared}");
}

/// Asserts that a query is refused at a place in its first line, with this text in the message.
#[track_caller]
fn assert_refused(query: &str, place: &str, text: &str) {
    let at = query.find(place).expect("the place is in the query");
    assert_refused_at(query, at, text);
}

#[track_caller]
fn assert_refused_at(query: &str, at: usize, text: &str) {
    let error = planned(query).expect_err(query);
    let found = (error.line, usize::try_from(error.column).expect("is small"));
    assert_eq!(found, (1, at + 1), "{query}\n{error}");
    assert!(error.message.contains(text), "{query}\n{error}");
}

/// Parts of FROM that are refused: the join, the place of the error, and a part of its message.
const REFUSED: [[&str; 3]; 12] = [
    [
        "JOIN item ON item_id = item.id",
        "item ON",
        "unknown table `item`; did you mean `items`?",
    ],
    [
        "JOIN orders ON item_id = id",
        "orders ON",
        "`orders` is a source; a query can join only tables",
    ],
    [
        "JOIN items AS i ON item_id = i.id",
        "items AS",
        "only the name of a table",
    ],
    [
        "JOIN items ON item_id = id AND amount = 1",
        "item_id = id",
        "put other conditions into WHERE",
    ],
    [
        "JOIN items ON item_id = items.kind",
        "item_id =",
        "such as `column = items.id`",
    ],
    [
        "JOIN items ON amount = items.id",
        "amount =",
        "`amount` is BIGINT, but the key of `items` is TEXT",
    ],
    ["JOIN items ON TRUE", "TRUE", "the table's key"],
    [
        "RIGHT JOIN items ON item_id = id",
        "items ON",
        "or `LEFT JOIN`",
    ],
    [
        "JOIN items ON kind = items.id",
        "kind =",
        "both `orders` and `items` have a column `kind`",
    ],
    [
        "JOIN items ON item_id = item.id",
        "item.id",
        "the query does not read `item`; did you mean `items`?",
    ],
    [
        "JOIN items ON item_id = items.ids",
        "ids",
        "unknown column `ids` of `items`",
    ],
    [
        "JOIN items ON item_id = id JOIN items ON TRUE",
        "items ON TRUE",
        "can join one table",
    ],
];

#[test]
fn what_is_no_join_with_a_table_is_refused_with_its_place() {
    for [join, place, text] in REFUSED {
        let query = format!("SELECT count(*) AS n FROM orders {join} GROUP BY TUMBLE('1s')");
        // The name of the source is before the join.
        let at = query.rfind(place).expect("the place is in the query");
        assert_refused_at(&query, at, text);
    }
}

#[test]
fn what_needs_the_table_earlier_is_refused_with_the_reason() {
    let query = |select: &str, groups: &str| {
        format!("SELECT {select} FROM orders JOIN items ON item_id = id GROUP BY {groups}")
    };
    let sum = query("sum(price) AS p", "TUMBLE('1s')");
    assert_refused(&sum, "sum(price)", "before the table is joined");
    let price = query("price, count(*) AS n", "TUMBLE('1s')");
    assert_refused(&price, "price", "add it to GROUP BY");
    for groups in ["SESSION('1s'), item_id", "item_id"] {
        let windowless = query("count(*) AS n", groups);
        assert_refused(&windowless, "items ON", "JOIN needs TUMBLE or HOP");
    }
    let table = "SELECT count(*) AS n FROM items GROUP BY TUMBLE('1s')";
    assert_refused(table, "items", "`items` is a table");
}

#[test]
fn a_table_needs_a_key_of_exact_values_and_no_lists() {
    let refused = |key: &str, columns: Vec<Column>, text: &str| {
        let error = Table::new("items", key, columns).expect_err(text);
        assert!(error.contains(text), "{error}");
    };
    refused(
        "id",
        vec![column("price", SqlType::Bigint)],
        "declare the column of the key",
    );
    refused(
        "x",
        vec![column("x", SqlType::Double)],
        "rounded numbers are no keys",
    );
    let list = Column::new("tags", "tags[]", SqlType::Text).expect("a path");
    refused(
        "id",
        vec![column("id", SqlType::Text), list],
        "a table has no lists",
    );
}

#[test]
fn without_tables_no_query_can_join_one() {
    let error = plan(
        "SELECT count(*) AS n FROM orders JOIN items ON item_id = id",
        &sources(),
    );
    let error = error.expect_err("there is no table");
    assert!(
        error
            .message
            .contains("unknown table `items`; there are none"),
        "{error}"
    );
}
