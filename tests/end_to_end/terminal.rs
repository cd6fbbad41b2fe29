//! Checks that commands escape the control characters in text from outside, so that such text has no effect on a
//! terminal and does not begin new lines.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use client::{Cluster, TopicSettings};
use tempfile::TempDir;

use crate::dataflow_file::DataflowFile;
use crate::harness::{self, LocalCluster, path};

/// Clears the screen, sets the window title, begins a new line, reverses the direction of reading, changes the colour,
/// and ends with a zero byte.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\r\nversion 9: forged\u{202e}\u{9b}31m\0";
const SHOWN: &str =
    "\\u001b[2J\\u001b]0;title\\u0007\\r\\nversion 9: forged\\u202e\\u009b31m\\u0000";

const DATAFLOW: &str = "
sources:
  purchase-events: { key: user_data.user_id, partitions: 1 }
derivations:
  fraud-alerts:
    from: purchase-events
    lateness: 500ms
    idle_timeout: 2s
    rules: fraud-rules
    parameters: { velocity_n: 4 }
";

/// Returns the whole output of a command. Checks that the output contains no control characters except line feeds, and
/// that no line is forged.
fn seen(output: &Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(bytes).unwrap();
    let takes_effect = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.chars().any(takes_effect), "{text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("version 9")),
        "{text}"
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_escaped_for_people_and_exact_for_machines() {
    let node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let topic = TopicSettings {
        name: "hostile".to_owned(),
        partitions: 1,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&topic).await.unwrap();
    let producer = cluster.producer("hostile").await.unwrap();
    let values = [
        HOSTILE.as_bytes(),
        b"\xff\x9b[2J",
        b"{\"plain\": \"\\u001b\"}",
    ];
    for value in values {
        let sent = producer.send(HOSTILE.to_owned(), value.to_vec()).await;
        sent.unwrap().wait().await.unwrap();
    }
    let consume = |output| {
        let address = node.address.as_str();
        let output = ["--beginning", "--output", output, "--cluster", address];
        harness::run(&[&["consume", "hostile"][..], &output].concat())
    };
    let expected = format!(
        "0:0 {SHOWN} {SHOWN}\n0:1 {SHOWN} \\xff\\x9b[2J\n0:2 {SHOWN} {{\"plain\": \"\\u001b\"}}\n"
    );
    assert_eq!(seen(&consume("pretty")), expected);
    let exact = values.map(|value| [value, b"\n"].concat()).concat();
    assert_eq!(consume("json").stdout, exact);
}

#[test]
fn a_comment_of_rules_stays_on_its_line() {
    let node = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let dataflow = DataflowFile::of(DATAFLOW);
    let (dataflow, address) = (dataflow.path(), node.address.as_str());
    let place = ["--cluster", address, "--dataflow", &dataflow];
    harness::run(&[&["provision"][..], &place].concat());
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, "velocity_n: 5\n").unwrap();
    // An argument of a command cannot contain a zero byte.
    let comment = HOSTILE.trim_end_matches('\0');
    let set = [
        "rules",
        "set",
        path(&file),
        "--comment",
        comment,
        "--wait",
        "0s",
    ];
    seen(&harness::run(&[&set[..], &place].concat()));
    let listed = seen(&harness::run(&[&["rules", "list"][..], &place].concat()));
    assert!(
        listed.contains(SHOWN.trim_end_matches("\\u0000")),
        "{listed}"
    );
}

#[test]
fn a_file_of_keys_lists_one_key_a_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys.json");
    let key = serde_json::json!({"id": HOSTILE, "sha256": "00", "game_id": HOSTILE, "topics": ["player-events"],
        "events_per_second": 1, "created": "2026-01-31T12:00:00Z"});
    std::fs::write(&file, serde_json::json!({"keys": [key]}).to_string()).unwrap();
    let listed = seen(&harness::run(&["keys", "list", "--keys", path(&file)]));
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(
        listed.starts_with(&format!("{SHOWN}: game {SHOWN}, topics")),
        "{listed}"
    );
}

/// Starts a server that sends one of these responses on each connection, in order, and then repeats the last one.
fn server(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 8192]);
            let _short = stream.read(&mut request).unwrap();
            let answer = &answers[number.min(answers.len() - 1)];
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn an_answer_of_a_server_forges_no_line_of_an_error() {
    let answer = format!("HTTP/1.1 503 Busy\r\n\r\nwell{HOSTILE}");
    let address = server(vec![answer]);
    let output = harness::try_run(&["health", "--addr", &address]);
    assert!(!output.status.success());
    let shown = seen(&output);
    assert!(
        shown.starts_with("error: ") && shown.contains("\n  version 9: forged\\u202e"),
        "{shown}"
    );
}

#[test]
fn an_answer_of_a_server_forges_no_line_of_the_log() {
    let node = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    // A header value cannot contain a line feed, but it can contain the other control characters.
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n";
    let unknown = format!("{head}content-encoding: \u{9b}2J\u{2028}x\r\n\r\nx");
    let address = server(vec![unknown, format!("{head}\r\nx")]);
    let yaml = format!(
        "apiVersion: 0.1.0\nmeta: {{name: hostile, type: http-source, topic: answers}}\nhttp: {{endpoint: \
         \"http://{address}/\", interval: 10ms}}\n"
    );
    let file = folder.path().join("hostile.yaml");
    std::fs::write(&file, yaml).unwrap();
    let source = [
        "http-source",
        path(&file),
        "--once",
        "--cluster",
        &node.address,
    ];
    let shown = seen(&harness::run(&source));
    assert!(
        shown.contains("2j") && shown.contains("supported encodings are"),
        "{shown}"
    );
}
