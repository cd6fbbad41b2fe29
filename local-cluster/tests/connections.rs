//! The limit on a node's connections, and what happens to connections above it.

use std::net::SocketAddr;

use fluvio::{Compression, Offset};
use local_cluster::{Options, open_files_max};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::harness::{
    Node, bounded, consume_all, deadline, expected, produce, seen, start_with, values,
};

/// More connections than a process can usually have: the default limit of open files is 1,024.
const CONNECTIONS: usize = 1_100;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_leave_room_for_other_clients() {
    let node = Node::start().await;
    let max = node.handle.connections_max();
    assert!(max > CONNECTIONS, "{} open files", open_files_max());
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(connect(node.handle.spu_addr()).await);
    }
    node.create_topic("busy", 1).await;
    let client = node.client().await;
    let values = values(100);
    produce(&client, "busy", &values, Compression::None).await;
    let read = consume_all(
        &client,
        bounded("busy", Offset::beginning()).build().unwrap(),
    )
    .await;
    assert_eq!(seen(&read), expected(&values, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_hung_up_at_once_and_the_next_is_served() {
    let dir = TempDir::new().unwrap();
    let options = Options {
        connections_max: Some(2),
        ..Options::new(dir.path())
    };
    let (node, stop) = start_with(options).await.unwrap();
    let served = [
        connect(node.spu_addr()).await,
        connect(node.spu_addr()).await,
    ];
    let mut one_too_many = connect(node.spu_addr()).await;
    let mut byte = [0];
    // If the connection was reset, reading fails, which is allowed too.
    let read = deadline(one_too_many.read(&mut byte)).await.unwrap_or(0);
    assert_eq!(read, 0);
    drop(served);
    let served_again = async {
        loop {
            let mut next = connect(node.spu_addr()).await;
            let answer = next.read(&mut byte);
            // On a connection that is served, the node sends nothing before the client does, so a timeout means
            // that this one is served.
            let hung_up = tokio::time::timeout(std::time::Duration::from_millis(50), answer).await;
            if hung_up.is_err() {
                return;
            }
        }
    };
    deadline(served_again).await;
    drop(stop);
    node.stopped().await.unwrap();
}

async fn connect(address: SocketAddr) -> TcpStream {
    deadline(TcpStream::connect(address)).await.unwrap()
}
