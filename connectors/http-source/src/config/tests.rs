//! Configurations that are accepted, and configurations that are refused with a message about what is wrong.

use super::*;

const GOOD: &str = "
apiVersion: 0.1.0
meta:
  version: 0.3.8
  name: facts
  type: http-source
  topic: facts
  create-topic: true
  secrets:
    - name: TOKEN
    - name: ADDRESS
http:
  endpoint: https://example.net/fact?key=${{ secrets.TOKEN }}
  interval: 150ms
  headers:
    - \"Authorization: Bearer ${{secrets.TOKEN}}\"
    - 'Accept: text/plain'
  body: ask
";

fn parse(yaml: &str) -> Result<Config, ConfigError> {
    let secrets = Secrets::from_file("# ours\nTOKEN = to=ken\n\nADDRESS=ws://example.net/live\n");
    Config::parse(yaml, &secrets.expect("secrets"))
}

#[test]
fn reads_the_official_form() {
    let config = parse(GOOD).expect("a good file");
    assert_eq!(config.name, "facts");
    assert_eq!(config.reading, Reading::Polling);
    assert_eq!(config.interval, Duration::from_millis(150));
    assert_eq!(config.url.as_str(), "https://example.net/fact?key=to=ken");
    assert_eq!(config.endpoint(), "https://example.net/fact");
    assert_eq!(config.headers["authorization"], "Bearer to=ken");
    assert!(config.headers["authorization"].is_sensitive());
    assert_eq!(config.headers["accept"], "text/plain");
    assert_eq!(config.body.as_ref().map(Filled::reveal), Some("ask"));
    assert!(config.notes.is_empty());
    let Target::One(topic) = config.target else {
        panic!("one topic");
    };
    assert_eq!((topic.name.as_str(), topic.partitions), ("facts", 1));
}

#[test]
fn reads_the_three_forms_of_a_topic() {
    let described =
        "topic: {version: 0.1.0, meta: {name: big}, partition: {count: 3}, retention: {time: 7d}}";
    let config = parse(&GOOD.replace("topic: facts", described)).expect("a description");
    let expected = TopicSettings {
        name: "big".to_owned(),
        partitions: 3,
        retention: Some(Duration::from_secs(7 * 86_400)),
        storage: None,
    };
    assert_eq!(config.target, Target::One(expected));
    let by_name = "topic: {player_action: player-events, transaction: purchase-events}";
    let config = parse(&GOOD.replace("topic: facts", by_name)).expect("a map");
    let topics = [
        ("player_action", "player-events"),
        ("transaction", "purchase-events"),
    ];
    let topics = topics.map(|(name, topic)| (name.to_owned(), topic.to_owned()));
    assert_eq!(config.target, Target::ByEventName(topics.into()));
}

#[test]
fn reads_streams_and_websockets() {
    let stream = GOOD.replace("body: ask", "stream: true\n  delimiter: \"\\n\\n\"");
    assert_eq!(
        parse(&stream).expect("a stream").reading,
        Reading::Streaming {
            delimiter: "\n\n".to_owned()
        }
    );
    let endpoint = "endpoint: https://example.net/fact?key=${{ secrets.TOKEN }}";
    let socket = GOOD
        .replace(endpoint, "endpoint: {secret: {name: ADDRESS}}")
        .replace(
            "body: ask",
            "websocket_config: {subscription_message: \"${{ secrets.TOKEN }}\", ping_interval_ms: 50}",
        );
    let config = parse(&socket).expect("a WebSocket");
    let Reading::WebSocket(socket) = &config.reading else {
        panic!("a WebSocket");
    };
    assert_eq!(socket.ping_every, Duration::from_millis(50));
    assert_eq!(
        socket.subscription.as_ref().map(Filled::reveal),
        Some("to=ken")
    );
    assert_eq!(config.endpoint(), "${{ secrets.ADDRESS }}");
    assert!(!format!("{config:?}").contains("to=ken"));
}

#[test]
fn keys_that_are_ignored_are_noted() {
    let producer = GOOD.replace(
        "  secrets:",
        "  producer: {linger: 5ms, batch-size: 1 MB}\n  secrets:",
    );
    let notes = parse(&producer).expect("a good file").notes;
    assert!(notes[0].contains("`meta.producer`"), "{notes:?}");
}

/// For each mistake: a text in the valid file, its replacement, and a text that the error contains.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("interval:", "intervall:", "did you mean `interval`?"),
    ("interval:", "intervall:", "line 14 column 3"),
    ("  name: facts", "  nmae: facts", "did you mean `name`?"),
    ("http:", "htpp:", "did you mean `http`?"),
    ("create-topic", "consumer", "unknown field `consumer`"),
    ("body: ask", "output_type: jsn", "did you mean `json`?"),
    ("150ms", "soon", "`soon` is not a duration such as `10s`"),
    (
        "type: http-source",
        "type: http-sink",
        "`meta.type` is `http-sink`",
    ),
    (
        "apiVersion: 0.1.0",
        "apiVersion: 3.0.0",
        "`apiVersion` is `3.0.0`",
    ),
    ("topic: facts", "topic: {}", "`meta.topic` is `{}`"),
    (
        "topic: facts",
        "topic: {meta: {name: a}, compression: {type: gzip}}",
        "unknown field `compression`",
    ),
    ("https://", "ftp://", "begin it with http://"),
    ("https://example.net", "example", "give an address such as"),
    ("body: ask", "method: \"G T\"", "`http.method` is `G T`"),
    (
        "body: ask",
        "stream: true\n  delimiter: \"\"",
        "`http.delimiter` is ``",
    ),
    (
        "body: ask",
        "idle-timeout: 0s",
        "`http.idle-timeout` is `0s`",
    ),
    (
        "'Accept: text/plain'",
        "'Accept text/plain'",
        "`http.headers[1]` is `Accept`: write `Name: value`",
    ),
    (
        "- name: TOKEN",
        "- name: TOKENS",
        "declare it in `meta.secrets`; did you mean `TOKENS`?",
    ),
    ("- name: TOKEN", "- name: 1", "`meta.secrets` is `1`"),
    (
        "body: ask",
        "body: ${{ env.TOKEN }}",
        "write `${{ secrets.NAME }}`",
    ),
    (
        "body: ask",
        "body: ${{ secrets.TOKEN",
        "write `${{ secrets.NAME }}`",
    ),
    (
        "body: ask",
        "ca-cert: no/such.pem",
        "`http.ca-cert` is `no/such.pem`: it cannot be read",
    ),
    (
        "body: ask",
        concat!("ca-cert: ", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        "/Cargo.toml`: it contains no certificate",
    ),
];

#[test]
fn errors_name_place_and_value_and_what_was_meant() {
    for (old, new, message) in MISTAKES {
        let yaml = GOOD.replace(old, new);
        assert_ne!(yaml, GOOD, "{old}");
        let error = parse(&yaml).expect_err(new).to_string();
        assert!(error.contains(message), "`{new}`: {error}");
        assert!(!error.contains("to=ken"), "`{new}`: {error}");
    }
}

#[test]
fn forms_of_records_that_cannot_be_are_refused() {
    let by_name = "topic: {a: b}";
    let map = GOOD
        .replace("topic: facts", by_name)
        .replace("body: ask", "output_parts: full");
    let error = parse(&map).expect_err("a map").to_string();
    assert!(
        error.contains("`http.output_parts` is `full`: with a map"),
        "{error}"
    );
    let socket = GOOD
        .replace("https://", "wss://")
        .replace("body: ask", "output_type: json");
    let error = parse(&socket).expect_err("a socket").to_string();
    assert!(
        error.contains("`http.output_type` is `json`: WebSocket messages"),
        "{error}"
    );
}

#[test]
fn errors_about_secrets_and_their_file_contain_no_values() {
    let empty = Secrets::from_file("OTHER=1").expect("secrets");
    let error = Config::parse(GOOD, &empty)
        .expect_err("no value")
        .to_string();
    assert!(
        error.contains("http.endpoint names secret `TOKEN`: the file of secrets"),
        "{error}"
    );
    let none = Secrets::from_environment();
    let absent = GOOD.replace("TOKEN", "HTTP_SOURCE_TEST_ABSENT");
    let error = Config::parse(&absent, &none)
        .expect_err("no value")
        .to_string();
    assert!(error.contains("set the environment variable"), "{error}");
    for (file, message) in [
        (
            "A=1\nhush\n",
            "line 2 of the secrets file: write NAME=value",
        ),
        ("hush hush=1", "line 1 of the secrets file: before `=`"),
    ] {
        let error = Secrets::from_file(file).expect_err(file).to_string();
        assert!(
            error.starts_with(message) && !error.contains("hush"),
            "{error}"
        );
    }
    let line_break = Secrets::from_file("TOKEN=a\u{7}b\nADDRESS=x").expect("secrets");
    let error = Config::parse(GOOD, &line_break)
        .expect_err("no header")
        .to_string();
    assert!(
        error.contains("`http.headers[0]` is `Authorization`") && !error.contains('\u{7}'),
        "{error}"
    );
}

#[test]
fn every_file_that_comes_with_it_can_be_read() {
    let secrets = Secrets::from_file("API_TOKEN=1").expect("secrets");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let config = Config::parse(&text, &secrets);
        let config = config.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_marked = text.contains("only this connector accepts it");
        let is_extended = matches!(config.target, Target::ByEventName(_))
            || ["idle-timeout:", "ca-cert:"]
                .iter()
                .any(|key| text.contains(key));
        assert_eq!(
            is_marked,
            is_extended,
            "{}: marks what the official connector does not accept",
            path.display()
        );
        files += 1;
    }
    assert!(files > 0);
}

const DURATIONS: [&str; 12] = [
    "0s",
    "1ns",
    "1ms",
    "1s",
    "366d",
    "1000000000y",
    "584942417355y",
    "18446744073709551615s",
    "99999999999999999999s",
    "-1s",
    "1e30s",
    "10",
];

const NUMBERS: [&str; 10] = [
    "-1",
    "0",
    "1",
    "256",
    "257",
    "1e30",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    ".nan",
];

#[test]
fn numbers_and_durations_at_their_extremes_are_read_or_refused_with_their_place() {
    let topic = |field: &str| format!("topic: {{meta: {{name: a}}, {field}}}");
    let mut files = Vec::new();
    for value in DURATIONS {
        files.push(GOOD.replace("150ms", value));
        files.push(GOOD.replace("body: ask", &format!("idle-timeout: {value}")));
        let retention = topic(&format!("retention: {{time: {value}}}"));
        files.push(GOOD.replace("topic: facts", &retention));
    }
    for value in NUMBERS {
        let partitions = topic(&format!("partition: {{count: {value}}}"));
        files.push(GOOD.replace("topic: facts", &partitions));
        let pings = format!("websocket_config: {{ping_interval_ms: {value}}}");
        let socket = GOOD
            .replace("https://", "wss://")
            .replace("body: ask", &pings);
        files.push(socket);
    }
    let within = Duration::from_millis(1)..=Duration::from_secs(366 * 86_400);
    for file in &files {
        match parse(file) {
            Ok(config) => {
                assert!(within.contains(&config.interval), "{file}");
                assert!(within.contains(&config.idle_timeout), "{file}");
            }
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains(" line ") || text.contains("` is `"),
                    "{text}: {file}"
                );
            }
        }
    }
}
