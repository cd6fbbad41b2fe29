//! Sends requests over a real socket and compares the responses with the same world, generated again.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;

const WORLD: WorldOptions = WorldOptions {
    seed: 7,
    start_ms: 1_700_000_000_000,
    rate: 500.0,
    broken: 0.0,
};

struct Running {
    address: String,
    served: Arc<Served>,
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start(options: ServeOptions) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let served = Arc::new(Served::default());
    let shutdown = async {
        let _asked = stopped.await;
    };
    let task = tokio::spawn(serve(listener, options, Arc::clone(&served), shutdown));
    Running {
        address,
        served,
        stop,
        task,
    }
}

async fn ask(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // HTTP/1.0, so that the body is not chunked and ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Sends a request. Returns the headers of the response in lower case, and its body.
async fn answer(address: &str, path: &str) -> (String, String) {
    let mut text = String::new();
    let mut stream = ask(address, path).await;
    stream.read_to_string(&mut text).await.expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_lowercase(), body.to_owned())
}

fn expected(world: WorldOptions, events: usize) -> String {
    let wrap = |event: crate::event::Event| {
        let value = String::from_utf8(event.value).expect("text");
        format!("{{\"key\":{:?},\"event\":{value}}}\n\n", event.key)
    };
    World::new(world).take(events).map(wrap).collect()
}

fn unpaced(events: u64) -> ServeOptions {
    ServeOptions {
        world: WORLD,
        catalogue: Catalogue::built_in(),
        incidents: 0.0,
        events: Some(events),
        pace: Pace::Unpaced,
    }
}

#[tokio::test]
async fn an_unpaced_stream_is_the_world_byte_for_byte_and_ends() {
    let running = start(unpaced(2_000)).await;
    for _ in 0..2 {
        let (head, body) = answer(&running.address, "/stream_events").await;
        assert!(head.contains("x-world-start-ms: 1700000000000"), "{head}");
        assert_eq!(body, expected(WORLD, 2_000));
    }
    assert_eq!(running.served.now().values().sum::<u64>(), 4_000);
}

#[tokio::test]
async fn a_paced_stream_can_be_made_again_from_its_headers() {
    let options = ServeOptions {
        pace: Pace::WallClock,
        ..unpaced(200)
    };
    let running = start(options).await;
    let (head, body) = answer(&running.address, "/stream_events").await;
    let start = head
        .lines()
        .find_map(|line| line.strip_prefix("x-world-start-ms: "))
        .expect("the start");
    let world = WorldOptions {
        start_ms: start.parse().expect("a number"),
        ..WORLD
    };
    assert_eq!(body, expected(world, 200));
}

#[tokio::test]
async fn single_events_are_of_their_kind_and_given_once() {
    let running = start(unpaced(1)).await;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        for (path, name) in [
            ("/player_event", "player_action"),
            ("/purchase_event", "transaction"),
            ("/server_metric", "server_metric"),
        ] {
            let (_, body) = answer(&running.address, path).await;
            let envelope: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(envelope["event"]["event_name"], name);
            assert!(envelope["key"].is_string());
            assert!(seen.insert(body), "given twice");
        }
    }
    let three = Topic::TELEMETRY.map(|topic| (topic, 3));
    assert_eq!(running.served.now(), three.into());
}

#[tokio::test]
async fn broken_events_that_are_no_json_come_without_an_envelope() {
    let world = WorldOptions {
        broken: 1.0,
        ..WORLD
    };
    let options = ServeOptions {
        world,
        ..unpaced(300)
    };
    let running = start(options).await;
    let mut bytes = Vec::new();
    let mut stream = ask(&running.address, "/stream_events").await;
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let expected: Vec<u8> = World::new(world)
        .take(300)
        .flat_map(|event| {
            let is_json = serde_json::from_slice::<Value>(&event.value).is_ok();
            let value = match is_json {
                true => {
                    let head = format!("{{\"key\":{:?},\"event\":", event.key).into_bytes();
                    [head, event.value, b"}".to_vec()].concat()
                }
                false => event.value,
            };
            [value, b"\n\n".to_vec()].concat()
        })
        .collect();
    assert!(bytes.ends_with(&expected));
}

#[tokio::test]
async fn a_stop_ends_streams_between_two_events() {
    let options = ServeOptions {
        events: None,
        pace: Pace::WallClock,
        ..unpaced(0)
    };
    let running = start(options).await;
    let mut stream = ask(&running.address, "/stream_events").await;
    let mut bytes = vec![0; 4_096];
    stream.read_exact(&mut bytes).await.expect("some events");
    running.stop.send(()).expect("it runs");
    stream.read_to_end(&mut bytes).await.expect("an end");
    assert!(bytes.ends_with(b"}}\n\n"));
    running.task.await.expect("no panic").expect("a good end");
}
