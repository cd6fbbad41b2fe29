//! Endpoints that fail in many ways, and the records that must arrive nevertheless.

use std::sync::atomic::Ordering;

use super::*;
use crate::config::Secrets;
use crate::testing::{Act, CHUNKED, Endpoint, chunk, config, send, values, written};

/// A configuration that reads the endpoint as a stream, with a short idle timeout.
fn streaming(endpoint: &Endpoint) -> Config {
    let address = &endpoint.address;
    config(
        "records",
        &format!("endpoint: http://{address}/\nstream: true\nidle-timeout: 300ms\ninterval: 10ms"),
    )
}

#[tokio::test]
async fn every_record_that_came_whole_arrives_once_and_no_half_one_does() {
    let length = |bytes: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
    let scripts = vec![
        vec![send("HTTP/1.1 500 Oh\r\ncontent-length: 3\r\n\r\nno\n")],
        vec![Act::Stall],
        vec![send(
            "HTTP/1.1 302 There\r\nlocation: /there\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )],
        vec![send(CHUNKED), chunk("r0\nr1\n"), chunk("r2\nhalf-3")],
        vec![
            send(CHUNKED),
            chunk("r4\n"),
            chunk("r5\nhalf-6"),
            Act::Stall,
        ],
        vec![
            send(CHUNKED),
            send("5;odd=yes\r\nr7\nr8\r\n"),
            send("1\r\n\n\r\n1\r\nr\r\n1\r\n9\r\n0\r\n\r\n"),
        ],
        vec![send(length(100)), send("r10\nhalf-11")],
        vec![send("HTTP/1.1 200 OK\r\n\r\nr12\nhalf-13")],
        vec![send("this is no HTTP\r\n\r\n")],
        vec![send(CHUNKED), send("zz\r\nr14\n\r\n")],
        vec![send(CHUNKED), chunk("\n\nr15\r\n\n  \nr16\n"), Act::Stall],
    ];
    let endpoint = Endpoint::start(scripts).await;
    let (written, counted) = written(streaming(&endpoint), 11).await;
    let expected = [
        "r0", "r1", "r2", "r4", "r5", "r7", "r8", "r9", "r10", "r12", "r15\r", "r16",
    ];
    assert_eq!(values(&written), expected);
    assert_eq!(counted.received, expected.len() as u64);
    assert_eq!(counted.cut, 4, "halves 3, 6, 11 and 13: {counted:?}");
    assert_eq!(counted.rejected, 0);
}

#[tokio::test]
async fn records_cut_at_any_byte_are_whole_or_absent() {
    let text = "alpha\n\nbeta\n\ngamma\n\n";
    // Each connection delivers a whole record before the cut, which resets the growing pauses.
    let first = "alpha\n\n".len();
    let scripts = (first..=text.len()).map(|end| vec![send(CHUNKED), chunk(&text[..end])]);
    let mut scripts: Vec<_> = scripts.collect();
    scripts.push(vec![send(CHUNKED), chunk("last\n\n"), Act::Stall]);
    let complete = |end: usize| {
        let whole = text[..end].matches("\n\n").count();
        ["alpha", "beta", "gamma"].into_iter().take(whole)
    };
    let mut expected: Vec<&str> = (first..=text.len()).flat_map(complete).collect();
    expected.push("last");
    let endpoint = Endpoint::start(scripts).await;
    let address = &endpoint.address;
    let http = format!(
        "endpoint: http://{address}/\nstream: true\ndelimiter: \"\\n\\n\"\nidle-timeout: 5s"
    );
    let (written, _) = written(config("records", &http), expected.len()).await;
    assert_eq!(values(&written), expected);
}

#[tokio::test]
async fn a_record_that_is_too_large_is_kept_in_part_and_the_next_one_arrives() {
    let large = "x".repeat(3_000_000);
    let script = vec![
        send(CHUNKED),
        chunk("small\n"),
        chunk(&large),
        chunk("\nnext\n"),
        Act::Stall,
    ];
    let endpoint = Endpoint::start(vec![script]).await;
    let (written, counted) = written(streaming(&endpoint), 3).await;
    let topics: Vec<&str> = written.iter().map(|record| record.topic.as_str()).collect();
    assert_eq!(topics, ["records", "rejected-events", "records"]);
    assert_eq!(written[2].value, "next");
    let row: serde_json::Value = serde_json::from_str(&written[1].value).expect("JSON");
    assert_eq!(row["reason"], "too_large");
    assert_eq!(
        row["detail"],
        "record: 3000000 bytes, of which the first 65536 are kept"
    );
    assert_eq!(row["payload"].as_str().map(str::len), Some(65_536));
    assert_eq!((counted.received, counted.rejected), (3, 1));
}

#[tokio::test]
async fn event_names_choose_topics_and_what_has_none_is_kept_with_its_reason() {
    let records = [
        r#"{"key":"k1","event":{"event_name":"a","n":1}}"#,
        r#"{"event_name":"b","n":2}"#,
        r#"{"event_name":"c"}"#,
        "no JSON",
    ];
    let script = vec![
        send(CHUNKED),
        chunk(&(records.join("\n") + "\n")),
        Act::Stall,
    ];
    let endpoint = Endpoint::start(vec![script]).await;
    let http = format!("endpoint: http://{}/\nstream: true", endpoint.address);
    let (written, counted) = written(config("{a: first, b: second}", &http), 4).await;
    let ways: Vec<_> = written
        .iter()
        .map(|record| (record.topic.as_str(), record.key.as_deref()))
        .collect();
    assert_eq!(ways[..2], [("first", Some("k1")), ("second", None)]);
    assert_eq!(written[0].value, r#"{"event_name":"a","n":1}"#);
    for (record, (reason, payload)) in written[2..]
        .iter()
        .zip([("out_of_range", records[2]), ("not_json", records[3])])
    {
        let row: serde_json::Value = serde_json::from_str(&record.value).expect("JSON");
        assert_eq!(record.topic, "rejected-events");
        assert_eq!(
            (&row["reason"], &row["payload"]),
            (&reason.into(), &payload.into())
        );
    }
    assert_eq!(counted.rejected, 2);
}

#[tokio::test]
async fn polling_takes_whole_answers_alone() {
    let whole = |body: &str| {
        vec![send(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))]
    };
    let refused = |status: &str| {
        vec![send(format!(
            "HTTP/1.1 {status}\r\ncontent-length: 3\r\nconnection: close\r\n\r\nno\n"
        ))]
    };
    let scripts = vec![
        whole("p0"),
        refused("503 Busy"),
        refused("404 Gone"),
        vec![send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")],
        vec![
            send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
            Act::Stall,
        ],
        // The end of the connection does not show that a response is complete, unless the response has no body.
        vec![send("HTTP/1.1 200 OK\r\n\r\nhalf")],
        vec![send(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: odd\r\n\r\nhalf",
        )],
        vec![send("HTTP/1.1 204 None\r\nconnection: close\r\n\r\n")],
        whole(" \n"),
        whole("p1\nline 2"),
        refused("429 Slower"),
        vec![send(CHUNKED), chunk("p"), chunk("2"), send("0\r\n\r\n")],
        vec![Act::Stall],
    ];
    let endpoint = Endpoint::start(scripts).await;
    let http = format!(
        "endpoint: http://{}/\nidle-timeout: 300ms\ninterval: 10ms",
        endpoint.address
    );
    let (written, counted) = written(config("records", &http), 3).await;
    assert_eq!(values(&written), ["p0", "p1\nline 2", "p2"]);
    assert_eq!(counted.failures, 7);
}

#[tokio::test]
async fn redirects_in_a_circle_come_to_an_end() {
    let circle = vec![send(
        "HTTP/1.1 307 Again\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )];
    let mut scripts = vec![circle; 6];
    scripts.push(vec![send(CHUNKED), chunk("r\n"), Act::Stall]);
    let endpoint = Endpoint::start(scripts).await;
    let (written, counted) = written(streaming(&endpoint), 1).await;
    assert_eq!(values(&written), ["r"]);
    assert_eq!(counted.failures, 1, "one request of six answers");
}

#[tokio::test]
async fn secrets_are_neither_sent_to_another_server_nor_shown() {
    let elsewhere = Endpoint::start(vec![vec![send(CHUNKED), chunk("r\n"), Act::Stall]]).await;
    let redirect = format!(
        "HTTP/1.1 302 There\r\nlocation: http://{}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        elsewhere.address
    );
    let here = vec![
        vec![send(redirect)],
        vec![send(CHUNKED), chunk("here\n"), Act::Stall],
    ];
    let endpoint = Endpoint::start(here).await;
    let yaml = format!(
        "meta: {{name: t, type: http-source, topic: records, secrets: [{{name: TOKEN}}]}}\nhttp:\n  endpoint: \
         http://{}/${{{{ secrets.TOKEN }}}}\n  stream: true\n  interval: 10ms\n  \
         headers: [\"X-Key: ${{{{ secrets.TOKEN }}}}\"]\n",
        endpoint.address
    );
    let secrets = Secrets::from_file("TOKEN=hush-hush").expect("secrets");
    let config = Config::parse(&yaml, &secrets).expect("a configuration");
    let shown = format!("{config:?} {}", config.endpoint());
    assert!(!shown.contains("hush"), "{shown}");
    let (written, counted) = written(config, 1).await;
    assert_eq!(values(&written), ["here"]);
    assert_eq!(counted.failures, 1);
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn errors_contain_no_secrets() {
    let endpoint = Endpoint::start(vec![vec![send("hush-hush is no HTTP\r\n\r\n")]]).await;
    for scheme in ["http", "https"] {
        let yaml = format!(
            "meta: {{name: t, type: http-source, topic: records, secrets: [{{name: TOKEN}}]}}\nhttp: {{endpoint: \
             \"{scheme}://user:${{{{ secrets.TOKEN }}}}@{}/?key=${{{{ secrets.TOKEN }}}}\"}}\n",
            endpoint.address
        );
        let secrets = Secrets::from_file("TOKEN=hush-hush").expect("secrets");
        let config = Config::parse(&yaml, &secrets).expect("a configuration");
        let http = crate::http::Http::new(config.into()).expect("a client");
        let error = http.request().await.expect_err("no answer");
        let text = format!("{error:?}");
        assert!(matches!(error, FetchError::Temporary { .. }), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
