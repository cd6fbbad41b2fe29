//! Tests the pages *Explore* and *Pinned*: their responses are compared with a second computation from the records of
//! the topic.

use std::collections::BTreeMap;

use dashboard::{Explore, ExploredColumn, ExploredTopic, PinnedChart};
use model::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Node, Page, window};
use crate::http::request;

const TOPIC: &str = "store-revenue";
/// The hundredth digit of the revenue of each row is 1, and its integer part is beyond the integers of a double.
const GREAT: u64 = 9_007_199_254_740_993;

fn explore() -> Explore {
    let column = |name: &str, kind: &str, is_additive| ExploredColumn {
        name: name.to_owned(),
        kind: kind.to_owned(),
        is_additive,
    };
    let topic = ExploredTopic {
        name: TOPIC.to_owned(),
        columns: vec![
            column("region", "TEXT", false),
            column("orders", "BIGINT", true),
            column("revenue", "DECIMAL(38,2)", true),
            column("mean", "DOUBLE", false),
        ],
        additive: Vec::new(),
    };
    let other = ExploredTopic {
        name: "server-health".to_owned(),
        ..ExploredTopic::default()
    };
    let pinned = PinnedChart {
        title: "Orders by region".to_owned(),
        topic: TOPIC.to_owned(),
        measures: vec!["orders".to_owned()],
        split: Some("region".to_owned()),
        has_bars: true,
        minutes: 60,
    };
    Explore {
        topics: vec![topic, other],
        pinned: vec![pinned],
    }
}

/// Writes rows of ten windows with nine regions each. Some are corrected, one is withdrawn, and two are unreadable.
async fn write(node: &Node) {
    let first = window(20);
    let mut records = Vec::new();
    for index in 0..10 {
        for region in 0..9 {
            let (orders, revision) = (region * region * 10 + index, 0);
            records.push(row(first + index * 10_000, region, orders, revision, false));
        }
        records.push(row(first + index * 10_000, 3, 1_000 + index, 1, false));
    }
    records.push(row(first, 4, 0, 1, true));
    records.push(("bad".to_owned(), "no JSON".to_owned()));
    records.push(("bad".to_owned(), "{\"revision\":0}".to_owned()));
    send(node, &records).await;
}

fn row(start: i64, region: i64, orders: i64, revision: u32, withdrawn: bool) -> (String, String) {
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let mut row = json!({"window_start": time(start), "window_end": time(start + 10_000),
        "region": format!("r{region}"), "orders": orders, "revenue": format!("{}.01", GREAT + orders as u64),
        "mean": 0.5, "revision": revision});
    if withdrawn {
        row["withdrawn"] = true.into();
    }
    (format!("r{region}"), row.to_string())
}

async fn send(node: &Node, records: &[(String, String)]) {
    let producer = node.cluster().await.producer(TOPIC).await.unwrap();
    for (key, value) in records {
        let delivery = producer.send(key.clone(), value.clone()).await.unwrap();
        producer.flush().await.unwrap();
        delivery.wait().await.unwrap();
    }
}

/// The latest revision of each row that is not withdrawn, by window and region, computed from all records of the topic.
async fn expected(node: &Node) -> BTreeMap<(String, String), Value> {
    let mut latest: BTreeMap<(String, String), Value> = BTreeMap::new();
    for record in node.records(TOPIC).await {
        let Ok(value) = serde_json::from_slice::<Value>(&record.value) else {
            continue;
        };
        let (Some(start), Some(region)) =
            (value["window_start"].as_str(), value["region"].as_str())
        else {
            continue;
        };
        let place = (start.to_owned(), region.to_owned());
        let known = latest.get(&place).map(|row| row["revision"].as_u64());
        if known < Some(value["revision"].as_u64()) {
            latest.insert(place, value);
        }
    }
    latest.retain(|_, row| row["withdrawn"] != true);
    latest
}

async fn start() -> (Node, Page) {
    let node = Node::start([(TOPIC, 3), ("server-health", 1), ("accounting", 1)]).await;
    write(&node).await;
    let page = Page::exploring(&node, explore()).await;
    (node, page)
}

fn texts(list: &Value) -> Vec<Option<String>> {
    let list = list.as_array().unwrap().iter();
    list.map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// The text of each row from the column `orders` on, by window and region.
type Cells = BTreeMap<(String, String), String>;

fn shown_cells(rows: &[Value]) -> Cells {
    let cells = rows.iter().map(|row| {
        let cells: Vec<_> = texts(row).into_iter().map(Option::unwrap).collect();
        ((cells[0].clone(), cells[2].clone()), cells[3..].join(" "))
    });
    cells.collect()
}

fn expected_cells(rows: BTreeMap<(String, String), Value>) -> Cells {
    let cells = rows.into_iter().map(|(place, row)| {
        let (orders, revenue) = (&row["orders"], row["revenue"].as_str().unwrap());
        let cells = format!("{orders} {revenue} 0.5 {}", row["revision"]);
        (place, cells)
    });
    cells.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_contains_the_latest_revisions_with_their_exact_texts() {
    let (node, page) = start().await;
    let path = format!("/api/explore/rows?topic={TOPIC}&last=60");
    let answer = page.get(&path).await.json().await;
    let rows = answer["data"]["explored"]["rows"].as_array().unwrap();
    let (shown, expected) = (shown_cells(rows), expected_cells(expected(&node).await));
    assert_eq!(rows.len(), shown.len());
    assert_eq!(shown, expected);
    assert_eq!(expected.len(), 89);
    let mut cells = shown.values();
    assert!(cells.any(|cells| cells.contains("9007199254740993.01")));
    let times: Vec<_> = rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|left, right| left >= right));
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_records_are_counted_and_columns_have_the_types_of_the_query() {
    let (_node, page) = start().await;
    let answer = page.view(&format!("explore?topic={TOPIC}")).await;
    let explored = &answer["data"]["explored"];
    let counts = (&explored["unreadable"], &explored["records"]);
    assert_eq!(counts, (&json!(2), &json!(103)));
    let reason = explored["last_unreadable"].as_str().unwrap();
    assert!(reason.contains("window_start"), "{reason}");
    let columns = explored["columns"].as_array().unwrap().iter();
    let types: Vec<_> = columns
        .map(|column| (&column["name"], &column["type"]))
        .collect();
    let expected = [
        ("region", "text"),
        ("orders", "bigint"),
        ("revenue", "decimal(38,2)"),
        ("mean", "double"),
    ];
    assert_eq!(json!(types), json!(expected));
    page.stop().await;
}

/// Returns the exact sum of the revenues of these regions in the window that starts at `start`; `None` if it has none.
fn revenue(
    rows: &BTreeMap<(String, String), Value>,
    regions: &[&str],
    start: i64,
) -> Option<String> {
    let start = Timestamp::from_millis(start).to_string();
    let revenues = regions.iter().filter_map(|region| {
        let row = rows.get(&(start.clone(), (*region).to_owned()))?;
        let text = row["revenue"].as_str().unwrap().replace('.', "");
        Some(text.parse::<i128>().unwrap())
    });
    let sum: i128 = revenues.sum();
    (sum > 0).then(|| format!("{}.{:02}", sum / 100, sum % 100))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_chart_has_the_greatest_lines_and_the_exact_sum_of_the_others() {
    let (node, page) = start().await;
    let query = format!("explore?topic={TOPIC}&measure=revenue&measure=mean&split=region&last=15");
    let answer = page.view(&query).await;
    let explored = &answer["data"]["explored"];
    let times = explored["times"].as_array().unwrap().iter();
    let times: Vec<i64> = times.map(|time| time.as_i64().unwrap()).collect();
    let rows = expected(&node).await;
    let series = explored["charts"][0]["series"].as_array().unwrap().iter();
    let name = |line: &Value| line["name"].as_str().unwrap().to_owned();
    let series: BTreeMap<_, _> = series
        .map(|line| (name(line), texts(&line["values"])))
        .collect();
    let names: Vec<_> = series.keys().map(String::as_str).collect();
    // Region 4 has one row less than the others, so it is the least. Of those with equally many rows, 0 and 1 are.
    assert_eq!(names, ["other (3)", "r2", "r3", "r5", "r6", "r7", "r8"]);
    for (name, values) in &series {
        let regions = match name.as_str() {
            "other (3)" => &["r0", "r1", "r4"][..],
            name => &[name],
        };
        let sums = times.iter().map(|start| revenue(&rows, regions, *start));
        assert_eq!(*values, sums.collect::<Vec<_>>(), "{name}");
        assert_eq!(values.iter().flatten().count(), 10, "{name}");
    }
    let mean = &explored["charts"][1];
    assert_eq!(mean["series"].as_array().unwrap().len(), 6);
    let note = mean["notes"][0].as_str().unwrap();
    assert!(note.starts_with("3 further lines are left out"), "{note}");
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select_rows_and_sums_without_a_split_cover_all_keys() {
    let (node, page) = start().await;
    let query = format!("explore?topic={TOPIC}&measure=orders&filter=region%3Dr3&last=15");
    let filtered = page.view(&query).await;
    let expected = expected(&node).await;
    let orders = |rows: &mut dyn Iterator<Item = &Value>| {
        rows.map(|row| row["orders"].as_i64().unwrap()).sum::<i64>()
    };
    let plotted = |answer: &Value| -> i64 {
        let values = texts(&answer["data"]["explored"]["charts"][0]["series"][0]["values"]);
        values
            .iter()
            .flatten()
            .map(|text| text.parse::<i64>().unwrap())
            .sum()
    };
    let of_r3 = orders(
        &mut expected
            .iter()
            .filter(|(place, _)| place.1 == "r3")
            .map(|(_, row)| row),
    );
    assert_eq!(plotted(&filtered), of_r3);
    assert_eq!(filtered["data"]["explored"]["matching"], 10);
    let all = page
        .view(&format!("explore?topic={TOPIC}&measure=orders&last=15"))
        .await;
    assert_eq!(plotted(&all), orders(&mut expected.values()));
    // Means cannot be added, so each key has its own line.
    let means = page
        .view(&format!("explore?topic={TOPIC}&measure=mean&last=15"))
        .await;
    let chart = &means["data"]["explored"]["charts"][0];
    assert_eq!(chart["series"].as_array().unwrap().len(), 6);
    assert!(
        chart["notes"][0]
            .as_str()
            .unwrap()
            .contains("each key has a line of its own")
    );
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_and_corrections_are_streamed() {
    let (node, page) = start().await;
    let mut stream = page
        .live_at(&format!("/api/views/explore/live?topic={TOPIC}&last=60"))
        .await;
    let matching = |answer: &Value| answer["data"]["explored"]["matching"].as_u64();
    stream
        .wait_for("view", |answer| matching(answer) == Some(89))
        .await;
    let start = window(3);
    send(&node, &[row(start, 1, 5, 0, false)]).await;
    stream
        .wait_for("view", |answer| matching(answer) == Some(90))
        .await;
    send(&node, &[row(start, 1, 77, 1, false)]).await;
    let corrected = |answer: &Value| answer["data"]["explored"]["rows"][0][3] == "77";
    let last = stream.wait_for("view", corrected).await;
    assert_eq!(matching(&last.data), Some(90));
    let mut pinned = page.live_at("/api/views/pinned/live").await;
    let filled = |answer: &Value| answer["data"]["charts"][0]["explored"]["filling"] == false;
    let pinned = pinned.wait_for("view", filled).await.data["data"]["charts"][0].clone();
    assert_eq!(
        (&pinned["title"], &pinned["bars"]),
        (&json!("Orders by region"), &json!(true))
    );
    let direct = page
        .view(&format!(
            "explore?topic={TOPIC}&measure=orders&split=region&last=60"
        ))
        .await;
    assert_eq!(
        pinned["explored"]["charts"],
        direct["data"]["explored"]["charts"]
    );
    page.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_without_a_topic_in_the_dataflow_file_are_not_offered() {
    let (_node, page) = start().await;
    let mut stream = page.live("explore", None).await;
    let status = stream.wait_for("status", |_| true).await.data;
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(status["views"], json!(["overview", "servers", "quality"]));
    let topics = [
        "accounting",
        "late-events",
        "rejected-events",
        "server-health",
    ];
    assert_eq!(names(&status["topics"]), topics);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_topics_and_bad_queries_are_refused_and_empty_topics_are_empty() {
    let (_node, page) = start().await;
    let catalog = page.get("/api/explore").await.json().await;
    let known = json!({"topics": [TOPIC, "server-health"], "pinned": ["Orders by region"]});
    assert_eq!(catalog, known);
    assert_eq!(
        page.view("explore").await["data"],
        json!({"topics": known["topics"], "explored": null})
    );
    let empty = page
        .view("explore?topic=server-health&measure=samples")
        .await;
    let explored = &empty["data"]["explored"];
    assert_eq!(
        (&explored["rows"], &explored["filling"]),
        (&json!([]), &json!(false))
    );
    for (query, status) in [
        ("topic=player-events", 404),
        (&*format!("topic={TOPIC}&filter=x"), 400),
        (&*format!("topic={TOPIC}&last=x"), 400),
    ] {
        for path in [
            "/api/views/explore",
            "/api/views/explore/live",
            "/api/explore/rows",
        ] {
            let answer = request(page.address, "GET", &format!("{path}?{query}"), &[]).await;
            assert_eq!(answer.status, status, "{path} {query}");
        }
    }
    page.stop().await;
}
