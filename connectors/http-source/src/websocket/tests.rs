//! Servers that close, vanish and fall silent, and the messages that must arrive all the same.

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async;

use super::*;
use crate::testing::{Act, Endpoint, config, send, values, written};

/// What a server does on one connection after the handshake.
#[derive(Clone, Debug)]
enum Move {
    Say(Message),
    /// Sends this, whether or not the other side takes it all.
    Flood(Message),
    Close,
    Vanish,
    /// Answers so many pings and says nothing else meanwhile.
    Answer(usize),
    /// Does not even read.
    Freeze,
}

/// A WebSocket server that plays one script for each connection, and what it is told first on each.
async fn server(scripts: Vec<Vec<Move>>) -> (String, mpsc::UnboundedReceiver<Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (told, telling) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for script in scripts {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(play(stream, script, told.clone()));
        }
    });
    (address, telling)
}

async fn play(stream: TcpStream, script: Vec<Move>, told: mpsc::UnboundedSender<Message>) {
    let mut socket = accept_async(stream).await.expect("a handshake");
    let subscription = socket.next().await.expect("a message").expect("a message");
    told.send(subscription).expect("the test listens");
    for step in script {
        match step {
            Move::Say(message) => socket.send(message).await.expect("sent"),
            Move::Flood(message) => {
                let _cut = socket.send(message).await;
            }
            Move::Close => socket.close(None).await.expect("closed"),
            Move::Vanish => return,
            Move::Answer(pings) => {
                for _ in 0..pings {
                    let ping = socket.next().await.expect("a ping").expect("a ping");
                    assert!(ping.is_ping(), "{ping}");
                }
            }
            Move::Freeze => std::future::pending().await,
        }
    }
    // Reads to the end, so that what was sent is not lost with the connection.
    while let Some(Ok(_)) = socket.next().await {}
}

fn text(text: &str) -> Move {
    Move::Say(Message::text(text))
}

#[tokio::test]
async fn messages_of_all_connections_arrive_once_and_in_order() {
    let binary = |bytes: &[u8]| Move::Say(Message::binary(bytes.to_vec()));
    let scripts = vec![
        vec![text("m0"), binary(b"m1"), Move::Close],
        vec![text("m2\nline 2"), Move::Vanish],
        vec![text("m3"), text(" "), Move::Freeze],
        vec![text(&"x".repeat(1_000_000)), text("m4")],
    ];
    let (address, mut told) = server(scripts).await;
    let http = format!(
        "endpoint: ws://{address}/\nidle-timeout: 400ms\nwebsocket_config:\n  subscription_message: hello\n  ping_interval_ms: 50"
    );
    let (written, counted) = written(config("records", &http), 6).await;
    let (rejected, records): (Vec<_>, Vec<_>) = written
        .into_iter()
        .partition(|record| record.topic == "rejected-events");
    assert_eq!(values(&records), ["m0", "m1", "m2\nline 2", "m3", "m4"]);
    assert!(rejected[0].value.contains("too_large"));
    assert_eq!((counted.received, counted.rejected), (6, 1));
    for _ in 0..4 {
        assert_eq!(told.recv().await, Some(Message::text("hello")));
    }
}

#[tokio::test]
async fn a_server_that_answers_pings_is_not_silent() {
    let patient = vec![text("m0"), Move::Answer(40), text("m1")];
    let (address, _told) = server(vec![patient, vec![text("connected anew")]]).await;
    let http = format!(
        "endpoint: ws://{address}/\nidle-timeout: 200ms\nwebsocket_config:\n  subscription_message: hello\n  ping_interval_ms: 20"
    );
    let (written, counted) = written(config("records", &http), 2).await;
    assert_eq!(values(&written), ["m0", "m1"]);
    assert_eq!(counted.failures, 0);
}

#[tokio::test]
async fn a_message_that_is_not_even_read_is_told_and_the_next_connection_goes_on() {
    let huge = Message::binary(vec![b'x'; MESSAGE_BYTES_MAX + 1]);
    let (address, _told) =
        server(vec![vec![text("m0"), Move::Flood(huge)], vec![text("m1")]]).await;
    let http =
        format!("endpoint: ws://{address}/\nwebsocket_config:\n  subscription_message: hello");
    let (written, counted) = written(config("records", &http), 3).await;
    assert_eq!((values(&written)[0], values(&written)[2]), ("m0", "m1"));
    let row: serde_json::Value = serde_json::from_str(&written[1].value).expect("JSON");
    assert_eq!(written[1].topic, "rejected-events");
    assert_eq!(row["reason"], "too_large");
    let detail =
        "record, a message above what is read: 16777217 bytes, of which the first 0 are kept";
    assert_eq!(
        (&row["detail"], &row["payload"]),
        (&detail.into(), &"".into())
    );
    assert_eq!((counted.received, counted.rejected, counted.cut), (3, 1, 0));
}

#[tokio::test]
async fn a_server_that_always_sends_too_much_is_tried_again_after_growing_pauses() {
    let huge = Message::binary(vec![b'x'; MESSAGE_BYTES_MAX + 1]);
    let mut scripts = vec![vec![Move::Flood(huge)]; 5];
    scripts.push(vec![text("m0")]);
    let (address, _told) = server(scripts).await;
    let http =
        format!("endpoint: ws://{address}/\nwebsocket_config:\n  subscription_message: hello");
    let began = Instant::now();
    let (written, counted) = written(config("records", &http), 6).await;
    // Half of 250 ms, 500 ms, 1 s, 2 s and 4 s at least; pauses that do not grow come to 1.25 s at most.
    assert!(
        began.elapsed() > Duration::from_millis(3_800),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        (counted.received, counted.rejected, counted.failures),
        (6, 5, 5)
    );
    assert_eq!(values(&written)[5], "m0");
}

#[tokio::test]
async fn a_handshake_that_is_refused_is_tried_again() {
    let answers = [
        "403 No",
        "502 Oh",
        "408 Late",
        "429 Slower\r\nretry-after: 2",
    ];
    let mut scripts: Vec<_> = answers
        .map(|answer| {
            vec![send(format!(
                "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n"
            ))]
        })
        .into();
    scripts.push(vec![Act::Stall]);
    let endpoint = Endpoint::start(scripts).await;
    let http = format!("endpoint: ws://{}/\ninterval: 10ms", endpoint.address);
    let config = Arc::new(config("records", &http));
    let socket = Socket {
        subscription: None,
        ping_every: Duration::from_secs(1),
    };
    let websocket = WebSocket::new(Arc::clone(&config), socket).expect("a reader");
    let refused = websocket.connect().await.expect_err("403");
    assert!(matches!(refused, Failure::Refused(_)), "{refused:?}");
    for seconds in [0, 0, 2] {
        let passing = websocket.connect().await.expect_err("502, 408, 429");
        let Failure::Passing { pause, .. } = passing else {
            panic!("{passing:?}");
        };
        assert_eq!(pause.as_secs(), seconds);
    }
}
