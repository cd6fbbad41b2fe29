//! What a record's columns are, and why a record does not fit.

use model::Reason;
use sql::{Column, ColumnSpec, Query, Reader, Source, SqlType, plan};

fn source() -> Source {
    let column = |name: &str, path: &str, ty| Column::new(name, path, ty).expect("a path");
    let columns = vec![
        column("n", "m.n", SqlType::Bigint),
        column("t", "m.deep.t", SqlType::Text),
        column("l", "l[]", SqlType::Bigint),
        column("h", "o.teams[].hero.name", SqlType::Text),
    ];
    Source::new("events", "id", "meta.sent_at", columns).expect("a source")
}

/// Returns the values of columns in a record as JSON, or the reason and the column at fault.
fn read(fields: &str, query: &str) -> Result<String, (Reason, String)> {
    let record = format!(r#"{{"meta":{{"sent_at":"2025-01-01T00:00:00Z"}},{fields}}}"#);
    let reader = Reader::new(source());
    let record = reader
        .read(record.as_bytes())
        .map_err(|misfit| (misfit.reason, misfit.subject.into_owned()))?;
    let plan = plan(query, &[source()]).expect("a query");
    let types: Vec<SqlType> = plan.outputs.iter().map(|output| output.ty).collect();
    let mut query = Query::new(plan, None);
    query.add(record).expect("fits");
    let mut json = String::new();
    for (value, ty) in query
        .rows()
        .iter()
        .flat_map(|row| row.values.iter().zip(&types))
    {
        value.write_json(*ty, &mut json);
        json.push(' ');
    }
    Ok(json.trim_end().to_owned())
}

fn scalars(fields: &str) -> Result<String, (Reason, String)> {
    read(fields, "SELECT max(n) AS n, max(t) AS t FROM events")
}

fn elements(fields: &str, list: &str) -> Result<String, (Reason, String)> {
    let query = "SELECT e, count(*) AS c FROM events CROSS JOIN unnest(@) AS x(e) GROUP BY e";
    read(fields, &query.replace('@', list))
}

#[test]
fn values_are_found_by_path() {
    let found = |fields: &str| scalars(fields).expect("fits");
    assert_eq!(
        found(r#""m":{"x":[{"n":9}],"n":1,"deep":{"t":"a"}}"#),
        r#"1 "a""#
    );
    assert_eq!(found(r#""m":{"n":null}"#), "null null");
    assert_eq!(found(r#""m":null"#), "null null");
    assert_eq!(found(r#""other":1"#), "null null");
}

#[test]
fn of_fields_with_the_same_name_the_last_counts() {
    let found = |fields: &str| scalars(fields).expect("fits");
    assert_eq!(found(r#""m":{"n":1,"n":2}"#), "2 null");
    assert_eq!(found(r#""m":{"n":1,"deep":{"t":"a"}},"m":{}"#), "null null");
    assert_eq!(found(r#""m":{"n":"x","n":3}"#), "3 null");
    assert_eq!(found(r#""m":7,"m":{"n":3}"#), "3 null");
    assert_eq!(elements(r#""l":[1,2],"l":[3]"#, "l").expect("fits"), "3 1");
    assert_eq!(elements(r#""l":[1,2],"l":null"#, "l").expect("fits"), "");
}

#[test]
fn each_element_is_a_row() {
    let found = |fields: &str, list: &str| elements(fields, list).expect("fits");
    assert_eq!(found(r#""l":[1,null,1]"#, "l"), "1 2 null 1");
    let teams = r#""o":{"teams":[{"hero":{"name":"a"}},{},null,{"hero":{"name":"b","name":"a"}}]}"#;
    assert_eq!(found(teams, "h"), r#""a" 2 null 2"#);
    assert_eq!(found(r#""o":{"teams":[]}"#, "h"), "");
}

#[test]
fn what_does_not_fit_is_named() {
    let refused = |fields: &str| scalars(fields).expect_err("is refused");
    let fault = |reason, column: &str| (reason, column.to_owned());
    assert_eq!(refused(r#""m":1"#), fault(Reason::WrongType, "n"));
    assert_eq!(refused(r#""m":{"n":"1"}"#), fault(Reason::WrongType, "n"));
    assert_eq!(refused(r#""m":{"n":1.5}"#), fault(Reason::WrongType, "n"));
    assert_eq!(refused(r#""m":{"n":1e30}"#), fault(Reason::OutOfRange, "n"));
    assert_eq!(
        refused(r#""m":{"deep":{"t":[]}}"#),
        fault(Reason::WrongType, "t")
    );
    assert_eq!(refused(r#""l":[1,"2"]"#), fault(Reason::WrongType, "l"));
    assert_eq!(refused(r#""l":["1",2]"#), fault(Reason::WrongType, "l"));
    assert_eq!(refused(r#""l":1"#), fault(Reason::WrongType, "l"));
    assert_eq!(
        refused(r#""meta":{"sent_at":"soon"}"#),
        fault(Reason::InvalidTimestamp, "sent_at")
    );
    assert_eq!(
        refused(r#""meta":{}"#),
        fault(Reason::MissingField, "sent_at")
    );
    assert_eq!(refused(r#""m":{"n":}"#), fault(Reason::NotJson, "record"));
}

#[test]
fn decimals_keep_every_digit_or_do_not_fit() {
    let price = ColumnSpec {
        path: None,
        ty: "decimal(5,2)".to_owned(),
        required: true,
        min: Some(-100.0),
        max: Some(100.0),
    };
    let columns = vec![price.column("price").expect("a column")];
    let reader = Reader::new(Source::new("events", "id", "at", columns).expect("a source"));
    let reason = |price: &str| {
        let record = format!(r#"{{"at":"2025-01-01T00:00:00Z","price":{price}}}"#);
        reader
            .read(record.as_bytes())
            .err()
            .map(|misfit| misfit.reason)
    };
    for fits in ["1", "12.30", "\"-0.05\"", "1e1", "0.100000", "\"1e-2\""] {
        assert_eq!(reason(fits), None, "{fits}");
    }
    for (price, expected) in [
        ("0.001", Reason::OutOfRange),
        ("100.01", Reason::OutOfRange),
        ("-100.5", Reason::OutOfRange),
        ("1e40", Reason::OutOfRange),
        ("null", Reason::MissingField),
        ("true", Reason::WrongType),
        ("\"NaN\"", Reason::WrongType),
        ("\"12,5\"", Reason::WrongType),
    ] {
        assert_eq!(reason(price), Some(expected), "{price}");
    }
}

#[test]
fn columns_that_exclude_each_other_are_refused() {
    let refused = |paths: [&str; 2], event_time: &str| {
        let columns = paths.into_iter().zip(["a", "b"]);
        let columns =
            columns.map(|(path, name)| Column::new(name, path, SqlType::Text).expect("a path"));
        Source::new("events", "id", event_time, columns.collect()).is_err()
    };
    for paths in [
        ["m", "m.n"],
        ["x.y.z", "x.y"],
        ["l", "l[]"],
        ["l.a", "l[].a"],
    ] {
        assert!(refused(paths, "at"), "{paths:?}");
    }
    assert!(!refused(["m.a", "m.b"], "m.at") && !refused(["l[].a", "l[].b"], "at"));
    assert!(refused(["m", "n"], "x.rank") && refused(["m", "n"], "sent-at"));
    assert!(refused(["m", "n"], "at[]") && refused(["m", "n"], "m") && refused(["m", "n"], "m.at"));
}
