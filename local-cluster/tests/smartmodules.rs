//! SmartModules: stored or sent with the request, in chains, with parameters and with look-back. Checks
//! their effect on offsets, on the size of answers and on the end of streams.

use std::collections::BTreeMap;

use fluvio::consumer::{ConsumerConfigExt, Record};
use fluvio::dataplane::link::ErrorCode;
use fluvio::metadata::smartmodule::{SmartModuleSpec, SmartModuleWasm};
use fluvio::{
    Compression, Fluvio, Offset, RecordKey, SmartModuleExtraParams, SmartModuleInvocation,
    SmartModuleInvocationWasm, SmartModuleKind, TopicProducerConfigBuilder,
};
use fluvio_smartmodule::dataplane::smartmodule::Lookback;

use crate::harness::{
    Node, bounded, consume_all, deadline, expected, live, next_error, produce, seen, take,
};
use crate::wasm;

/// Returns `count` values, each of which ends with its index. So the last byte is even if the index is even.
fn numbers(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{}{number}", "y".repeat(number % 40)))
        .collect()
}

fn of_parity(values: &[String], parity: usize) -> Vec<(i64, String)> {
    expected(values, 0)
        .into_iter()
        .filter(|(offset, _)| *offset as usize % 2 == parity)
        .collect()
}

fn ad_hoc(wasm: &[u8]) -> SmartModuleInvocation {
    SmartModuleInvocation {
        wasm: SmartModuleInvocationWasm::adhoc_from_bytes(wasm).unwrap(),
        kind: SmartModuleKind::Filter,
        ..Default::default()
    }
}

fn with_parameter(mut invocation: SmartModuleInvocation) -> SmartModuleInvocation {
    invocation.params =
        SmartModuleExtraParams::from(BTreeMap::from([("parity".to_owned(), "odd".to_owned())]));
    invocation
}

fn filtered(topic: &str, chain: Vec<SmartModuleInvocation>) -> ConsumerConfigExt {
    bounded(topic, Offset::beginning())
        .smartmodule(chain)
        .build()
        .unwrap()
}

async fn node_with(topic: &str, values: &[String]) -> (Node, Fluvio) {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic(topic, 1).await;
    produce(&client, topic, values, Compression::Gzip).await;
    (node, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_true_offsets_keys_and_times() {
    let values = numbers(1_000);
    let (_node, client) = node_with("filtered", &values).await;
    let plain = consume_all(
        &client,
        bounded("filtered", Offset::beginning()).build().unwrap(),
    )
    .await;
    let records = consume_all(
        &client,
        filtered("filtered", vec![ad_hoc(&wasm::parity_filter())]),
    )
    .await;
    assert_eq!(seen(&records), of_parity(&values, 0));
    for record in records {
        let original = &plain[record.offset as usize];
        assert_eq!(record.get_key(), original.get_key());
        assert_eq!(record.timestamp(), original.timestamp());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_reach_the_module_and_chains_apply_in_turn() {
    let values = numbers(500);
    let (_node, client) = node_with("chained", &values).await;
    let even = || ad_hoc(&wasm::parity_filter());
    let odd = || with_parameter(even());
    assert_eq!(
        seen(&consume_all(&client, filtered("chained", vec![odd()])).await),
        of_parity(&values, 1)
    );
    assert_eq!(
        seen(&consume_all(&client, filtered("chained", vec![even(), even()])).await),
        of_parity(&values, 0)
    );
    assert!(
        consume_all(&client, filtered("chained", vec![even(), odd()]))
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_read_that_finds_nothing_ends() {
    let values = numbers(500);
    let (_node, client) = node_with("nothing", &values).await;
    for max_bytes in [1, 1_000_000] {
        let config = bounded("nothing", Offset::beginning())
            .smartmodule(vec![ad_hoc(&wasm::pass_nothing())])
            .max_bytes(max_bytes)
            .build()
            .unwrap();
        assert!(consume_all(&client, config).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_read_may_start_anywhere() {
    let values = numbers(300);
    let (_node, client) = node_with("midway", &values).await;
    for start in (1..300).step_by(37) {
        let config = bounded("midway", Offset::absolute(start).unwrap())
            .smartmodule(vec![ad_hoc(&wasm::parity_filter())])
            .max_bytes(1)
            .build()
            .unwrap();
        let mut wanted = of_parity(&values, 0);
        wanted.retain(|(offset, _)| *offset >= start);
        assert_eq!(
            seen(&consume_all(&client, config).await),
            wanted,
            "from {start}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_module_is_listed_used_by_name_and_deleted() {
    let values = numbers(100);
    let (node, client) = node_with("by-name", &values).await;
    let admin = node.admin().await;
    let wasm = SmartModuleWasm::from_raw_wasm_bytes(&wasm::parity_filter()).unwrap();
    let spec = SmartModuleSpec {
        wasm,
        ..Default::default()
    };
    deadline(admin.create("parity".to_owned(), false, spec))
        .await
        .unwrap();
    let listed = deadline(admin.all::<SmartModuleSpec>()).await.unwrap();
    assert_eq!(listed[0].name, "parity");
    let by_name = || SmartModuleInvocation {
        wasm: SmartModuleInvocationWasm::Predefined("parity".to_owned()),
        ..Default::default()
    };
    assert_eq!(
        seen(&consume_all(&client, filtered("by-name", vec![by_name()])).await),
        of_parity(&values, 0)
    );
    deadline(admin.delete::<SmartModuleSpec>("parity"))
        .await
        .unwrap();
    let error = deadline(admin.delete::<SmartModuleSpec>("parity"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not found"), "{error}");
    assert_eq!(
        first_error(&client, filtered("by-name", vec![by_name()])).await,
        ErrorCode::SmartModuleNotFound {
            name: "parity".to_owned()
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_modules_are_errors_and_the_connection_lives_on() {
    let values = numbers(50);
    let (_node, client) = node_with("broken", &values).await;
    let error = first_error(&client, filtered("broken", vec![ad_hoc(b"not wasm")])).await;
    assert!(
        matches!(error, ErrorCode::SmartModuleChainInitError(_)),
        "{error}"
    );
    let error = first_error(&client, filtered("broken", vec![ad_hoc(&wasm::trap())])).await;
    assert!(
        matches!(error, ErrorCode::Other(ref text) if text.starts_with("SmartModule err ")),
        "{error}"
    );
    let all = consume_all(
        &client,
        bounded("broken", Offset::beginning()).build().unwrap(),
    )
    .await;
    assert_eq!(seen(&all), expected(&values, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_runs_once_whatever_the_answers_size() {
    let values = numbers(2_000);
    let (_node, client) = node_with("once", &values).await;
    for max_bytes in [1, 250_000, 10_000_000] {
        let config = bounded("once", Offset::beginning())
            .smartmodule(vec![ad_hoc(&wasm::batch_summary())])
            .max_bytes(max_bytes)
            .build()
            .unwrap();
        let records = consume_all(&client, config).await;
        let calls: Vec<i32> = records.iter().map(|record| number(record, 0)).collect();
        assert!(
            calls.iter().copied().eq(1..=calls.len() as i32),
            "{max_bytes}: {calls:?}"
        );
        assert_eq!(
            records.iter().map(|record| number(record, 1)).sum::<i32>(),
            2_000,
            "{max_bytes}"
        );
        assert!(records.is_sorted_by(|one, next| one.offset < next.offset));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_filter_goes_on_with_its_state() {
    let values = numbers(100);
    let (_node, client) = node_with("lively", &values).await;
    let chain = vec![ad_hoc(&wasm::batch_summary())];
    let config = live("lively", Offset::end())
        .smartmodule(chain)
        .build()
        .unwrap();
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    for call in 1..=5 {
        produce(&client, "lively", &numbers(1), Compression::None).await;
        let records = take(&mut stream, 1).await;
        assert_eq!(
            (number(&records[0], 0), records[0].offset),
            (call, 99 + i64::from(call))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn look_back_shows_the_last_records() {
    let values = numbers(300);
    let (_node, client) = node_with("remembered", &values).await;
    for (last, shown) in [(10, 10), (1_000, 300)] {
        let mut invocation = ad_hoc(&wasm::batch_summary());
        invocation.params.set_lookback(Some(Lookback::last(last)));
        let records = consume_all(&client, filtered("remembered", vec![invocation])).await;
        assert_eq!(number(&records[0], 2), shown);
    }
    let mut invocation = ad_hoc(&wasm::batch_summary());
    invocation.params.set_lookback(Some(Lookback::age(
        std::time::Duration::from_secs(3_600),
        Some(20),
    )));
    assert_eq!(
        number(
            &consume_all(&client, filtered("remembered", vec![invocation])).await[0],
            2
        ),
        20
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producers_module_changes_what_is_stored() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("made", 1).await;
    let config = TopicProducerConfigBuilder::default()
        .linger(std::time::Duration::from_millis(20))
        .compression(Compression::Zstd)
        .smartmodules(vec![ad_hoc(&wasm::parity_filter())])
        .build()
        .unwrap();
    let producer = deadline(client.topic_producer_with_config("made", config))
        .await
        .unwrap();
    let values = numbers(101);
    for value in &values {
        deadline(producer.send(RecordKey::NULL, value.as_str()))
            .await
            .unwrap();
    }
    deadline(producer.flush()).await.unwrap();
    let stored = seen(
        &consume_all(
            &client,
            bounded("made", Offset::beginning()).build().unwrap(),
        )
        .await,
    );
    let texts: Vec<_> = stored.iter().map(|(_, text)| text.clone()).collect();
    let wanted: Vec<_> = of_parity(&values, 0)
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(texts, wanted);
    assert!(stored.iter().map(|(offset, _)| *offset).eq(0..51));
}

async fn first_error(client: &Fluvio, config: ConsumerConfigExt) -> ErrorCode {
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    next_error(&mut stream).await
}

fn number(record: &Record, index: usize) -> i32 {
    let bytes = &record.get_value().as_ref()[index * 4..index * 4 + 4];
    i32::from_le_bytes(bytes.try_into().unwrap())
}
