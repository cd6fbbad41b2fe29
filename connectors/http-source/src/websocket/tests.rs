//! Servers that close, vanish and fall silent, and the messages that must arrive regardless.

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async;

use super::*;
use crate::testing::{Act, Endpoint, config, send, values, written};

/// A step of a server on one connection after the handshake.
#[derive(Clone, Debug)]
enum Move {
    Say(Message),
    /// Sends a message that the client may stop reading before its end.
    Flood(Message),
    Close,
    Vanish,
    /// Answers this many pings and sends nothing else.
    Answer(usize),
    /// Neither sends nor reads.
    Freeze,
}

/// Starts a WebSocket server with one script for each connection. Returns its address, and a channel that gets
/// the first message of each connection.
async fn server(scripts: Vec<Vec<Move>>) -> (String, mpsc::UnboundedReceiver<Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (received, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for script in scripts {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(play(stream, script, received.clone()));
        }
    });
    (address, receiver)
}

async fn play(stream: TcpStream, script: Vec<Move>, received: mpsc::UnboundedSender<Message>) {
    let mut socket = accept_async(stream).await.expect("a handshake");
    let subscription = socket.next().await.expect("a message").expect("a message");
    received.send(subscription).expect("the test listens");
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
    // Reads until the client closes the connection. If the server closed it first, sent messages could be lost.
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
    let (address, mut received) = server(scripts).await;
    let http = format!(
        "endpoint: ws://{address}/\nidle-timeout: 400ms\nwebsocket_config:\n  \
         subscription_message: hello\n  ping_interval_ms: 50"
    );
    let (written, counted) = written(config("records", &http), 6).await;
    let (rejected, records): (Vec<_>, Vec<_>) = written
        .into_iter()
        .partition(|record| record.topic == "rejected-events");
    assert_eq!(values(&records), ["m0", "m1", "m2\nline 2", "m3", "m4"]);
    assert!(rejected[0].value.contains("too_large"));
    assert_eq!((counted.received, counted.rejected), (6, 1));
    for _ in 0..4 {
        assert_eq!(received.recv().await, Some(Message::text("hello")));
    }
}

#[tokio::test]
async fn a_server_that_answers_pings_is_not_silent() {
    let patient = vec![text("m0"), Move::Answer(40), text("m1")];
    let (address, _received) = server(vec![patient, vec![text("connected again")]]).await;
    let http = format!(
        "endpoint: ws://{address}/\nidle-timeout: 200ms\nwebsocket_config:\n  \
         subscription_message: hello\n  ping_interval_ms: 20"
    );
    let (written, counted) = written(config("records", &http), 2).await;
    assert_eq!(values(&written), ["m0", "m1"]);
    assert_eq!(counted.failures, 0);
}

#[tokio::test]
async fn a_message_that_is_too_large_to_be_read_is_reported_and_the_next_connection_continues() {
    let huge = Message::binary(vec![b'x'; MESSAGE_BYTES_MAX + 1]);
    let (address, _received) =
        server(vec![vec![text("m0"), Move::Flood(huge)], vec![text("m1")]]).await;
    let http = format!(
        "endpoint: ws://{address}/\nwebsocket_config:\n  \
         subscription_message: hello"
    );
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
    let (address, _received) = server(scripts).await;
    let http = format!(
        "endpoint: ws://{address}/\nwebsocket_config:\n  \
         subscription_message: hello"
    );
    let began = Instant::now();
    let (written, counted) = written(config("records", &http), 6).await;
    // Five growing pauses, of at least half of 250 ms, 500 ms, 1 s, 2 s and 4 s, take at least 3.875 s. Pauses
    // that do not grow take at most 1.25 s.
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
    assert!(matches!(refused, FetchError::Permanent(_)), "{refused:?}");
    for seconds in [0, 0, 2] {
        let passing = websocket.connect().await.expect_err("502, 408, 429");
        let FetchError::Temporary { pause, .. } = passing else {
            panic!("{passing:?}");
        };
        assert_eq!(pause.as_secs(), seconds);
    }
}

#[tokio::test]
async fn packed_messages_are_refused_by_their_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut socket = accept_async(stream).await.expect("a handshake");
        // A complete text message of one byte, with the bit that marks it as compressed by an extension.
        let frame = [0xc1, 0x01, 0x00];
        tokio::io::AsyncWriteExt::write_all(socket.get_mut(), &frame)
            .await
            .expect("sent");
        while let Some(Ok(_)) = socket.next().await {}
    });
    let config = config("records", &format!("endpoint: ws://{address}/"));
    let outcome = crate::testing::first_outcome(config).await;
    let ReadOutcome::Failed(FetchError::Permanent(reason)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("permessage-deflate"), "{reason}");
}
