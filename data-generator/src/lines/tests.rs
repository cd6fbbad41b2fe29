//! Reads the lines back, and compares them with the same world, generated again.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::catalogue::Catalogue;
use crate::event::Event;
use crate::pace::Pace;
use crate::run::{Options, write_lines};
use crate::sender::Summary;
use crate::world::{World, WorldOptions};

const WORLD: WorldOptions = WorldOptions {
    seed: 1,
    start_ms: 1_767_225_600_000,
    rate: 1_000.0,
    broken: 0.0,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: String,
    key: String,
    event: Option<Box<RawValue>>,
    text: Option<String>,
}

fn options(world: WorldOptions, events: u64) -> Options {
    Options {
        world,
        catalogue: Catalogue::built_in(),
        people: None,
        incidents: 0.0,
        truth: None,
        events: Some(events),
        pace: Pace::Unpaced,
        sent: Arc::default(),
    }
}

async fn written(world: WorldOptions, events: u64, out: impl Write) -> Summary {
    let never = std::future::pending();
    write_lines(options(world, events), out, never)
        .await
        .expect("written")
}

#[tokio::test]
async fn each_line_is_an_event_with_its_topic_and_key() {
    let broken = WorldOptions {
        broken: 0.2,
        ..WORLD
    };
    let mut out = Vec::new();
    let summary = written(broken, 3_000, &mut out).await;
    let text = str::from_utf8(&out).expect("UTF-8");
    let mut lines = text.lines();
    let mut not_json = 0;
    for event in World::new(broken).take(3_000) {
        let line: Line =
            serde_json::from_str(lines.next().expect("a line")).expect("a line's fields");
        assert_eq!(
            (line.topic.as_str(), line.key),
            (event.topic.name(), event.key.clone())
        );
        not_json += u64::from(line.text.is_some());
        assert_payload(&event, line.event.as_deref(), line.text);
    }
    assert_eq!(lines.next(), None);
    assert!(not_json > 20, "{not_json} of 3,000 lines are not JSON");
    assert!(summary.broken.values().sum::<u64>() > 400, "{summary:?}");
}

/// Checks that a line contains either the bytes of a JSON value or the text of another one.
fn assert_payload(event: &Event, json: Option<&RawValue>, text: Option<String>) {
    let expected = String::from_utf8_lossy(&event.value);
    if serde_json::from_slice::<Value>(&event.value).is_ok() {
        assert_eq!((json.map(RawValue::get), text), (Some(&*expected), None));
    } else {
        assert_eq!(
            (json.map(RawValue::get), text.as_deref()),
            (None, Some(&*expected))
        );
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_the_world_without_an_error() {
    let mut pipe = Pipe {
        left: 1_000_000,
        error: io::ErrorKind::BrokenPipe,
    };
    let summary = written(WORLD, 1_000_000, &mut pipe).await;
    let written = summary.total();
    assert!((2_000..20_000).contains(&written), "{written} events");
}

#[tokio::test]
async fn a_full_disk_is_an_error() {
    let pipe = Pipe {
        left: 1_000,
        error: io::ErrorKind::StorageFull,
    };
    let result = write_lines(options(WORLD, 10), pipe, std::future::pending()).await;
    let error = result.expect_err("an error").to_string();
    assert!(error.starts_with("cannot write the events: "), "{error}");
}

/// Takes a number of bytes, and then fails.
struct Pipe {
    left: usize,
    error: io::ErrorKind,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(self.error.into());
        }
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
