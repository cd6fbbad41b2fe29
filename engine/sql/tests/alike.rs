//! Records that differ from earlier ones only in their values are read without a scan. The values, and the reasons to
//! reject a record, are those of a reader that has seen no earlier record.

use model::Params;
use model::source::Source as _;
use proptest::prelude::*;
use proptest::sample::select;
use sql::{Column, DeclaredSource, Query, Source, SqlType};

/// Values of every kind, some of which only look like those of other records.
const VALUES: [&str; 18] = [
    r#""a""#,
    r#""""#,
    r#""b\"c""#,
    r#""\u00e9""#,
    r#""2025-03-30T10:00:00Z""#,
    r#""2025-03-30T10:00:0xZ""#,
    "1",
    "-2.5",
    "1e2",
    "01",
    "true",
    "nul",
    "null",
    "[]",
    r#"[{"x":1}]"#,
    "{}",
    r#"{"player_id":"p","x":{"y":7}}"#,
    r#"{"player_id":4,"x":null}"#,
];

/// Records with these parts in place of `$`. The last ones are player events.
const RECORDS: [&str; 9] = [
    r#"{"at":$,"a":{"n":$,"x":{"y":$}},"t":$}"#,
    r#"{"at":"2025-03-30T10:00:00Z","a":{"n":$},"a":{"x":$},"t":"u"}"#,
    r#"{"at":"2025-03-30T10:00:00Z","a":$,"t":$}"#,
    r#"{ "at" : "2025-03-30T10:00:00Z", "t":"u", "t":$, "l":$, "other":$ }"#,
    r#"{"at":"2025-03-30T10:00:00Z","l":[$,$],"t":"u"}$"#,
    r#"{"event_name":"e","event_timestamp":"2025-03-30T10:00:00Z","parameters":{"player_id":$,"session_id":$,
        "event_type":"move","level_id":"l","map_id":"m","n":$},"user_data":{"user_id":"u","platform":"PC"}}"#,
    r#"{"event_name":"e","event_timestamp":$,"parameters":{"player_id":"p","session_id":"s","event_type":"move",
        "level_id":"l","map_id":"m","game_id":$},"user_data":{"user_id":$,"platform":"PC"}}"#,
    r#"{"event_name":"e","event_timestamp":"2025-03-30T10:00:00Z","parameters":{"player_id":"p","session_id":"s",
        "event_type":"move","level_id":"l","map_id":"m"},"user_data":{"user_id":"u","platform":"PC"},"server_data":$}"#,
    r#"{"event_name":"e","event_timestamp":"2025-03-30T10:00:00Z","parameters":$,"parameters":{"player_id":"p",
        "session_id":"s","event_type":"move","level_id":"l","map_id":"m"},"user_data":{"user_id":"u","platform":$}}"#,
];

fn column(name: &str, path: &str, ty: SqlType) -> Column {
    Column::new(name, path, ty).expect("a path")
}

fn own_events() -> Source {
    let columns = vec![
        column("n", "a.n", SqlType::Bigint),
        column("amount", "a.n", SqlType::Decimal(2)),
        column("y", "a.x.y", SqlType::Double),
        column("t", "t", SqlType::Text),
        column("l", "l[]", SqlType::Bigint),
    ];
    Source::new("events", "t", "at", columns).expect("a source")
}

fn player_events() -> Source {
    let columns = vec![
        column("player_id", "parameters.player_id", SqlType::Text),
        column("session_id", "parameters.session_id", SqlType::Text),
        column("level_id", "parameters.level_id", SqlType::Text),
        column("game_id", "parameters.game_id", SqlType::Text),
        column("user_id", "user_data.user_id", SqlType::Text),
        column("platform", "user_data.platform", SqlType::Text),
        column("n", "parameters.n", SqlType::Bigint),
        column("region", "server_data.region", SqlType::Text),
    ];
    Source::new("player-events", "player_id", "event_timestamp", columns).expect("a source")
}

fn record() -> impl Strategy<Value = String> {
    let values = prop::collection::vec(select(&VALUES[..]), 3);
    (select(&RECORDS[..]), values).prop_map(|(record, values)| {
        let mut parts = record.split('$');
        let first = parts.next().unwrap_or_default().to_owned();
        let with_value = |text: String, (part, value): (&str, &&str)| text + value + part;
        parts.zip(values.iter().cycle()).fold(first, with_value)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn earlier_records_do_not_change_what_is_read(records in prop::collection::vec(record(), 1..40)) {
        for declared in [own_events(), player_events()] {
            let mut source = DeclaredSource::new(declared.clone());
            for record in records.iter().chain(&records) {
                let fresh = format!("{:?}", DeclaredSource::new(declared.clone()).parse(record.as_bytes()));
                let read = source.parse(record.as_bytes());
                prop_assert_eq!(format!("{read:?}"), fresh, "{}", record);
                source.reuse(read.into_iter());
            }
        }
    }

    #[test]
    fn columns_that_no_query_reads_are_still_checked(records in prop::collection::vec(record(), 1..40)) {
        const QUERY: &str = r#"SELECT level_id, min(game_id) AS game, count(*) AS events FROM "player-events"
            GROUP BY TUMBLE('1m'), level_id"#;
        let declared = player_events();
        let plan = sql::plan_derived(QUERY, std::slice::from_ref(&declared)).expect("a query");
        let params: Params = sql::parameters(&plan, &declared).into_iter().collect();
        let mut few = DeclaredSource::of_queries([&params]).expect("a source");
        let mut rows_of_few = Query::new(plan.clone(), None);
        let mut rows_of_all = Query::new(plan, None);
        for record in records.iter().chain(&records) {
            let all = DeclaredSource::new(declared.clone());
            match (few.parse(record.as_bytes()), { all }.parse(record.as_bytes())) {
                (Ok(few), Ok(all)) => {
                    rows_of_few.add(few).expect("few groups");
                    rows_of_all.add(all).expect("few groups");
                }
                (few, all) => prop_assert_eq!(few.err(), all.err(), "{}", record),
            }
        }
        prop_assert_eq!(rows_of_few.rows(), rows_of_all.rows());
    }
}
