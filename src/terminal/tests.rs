//! Checks how text with control characters is printed on a terminal.

use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn control_characters_are_escaped_and_all_others_are_unchanged() {
    for (text, shown) in [
        (
            "player_7 \"a\\b\" ключ 👩‍🚀",
            "player_7 \"a\\b\" ключ 👩\\u200d🚀",
        ),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m\x07\x7f\0", "\\u001b[31m\\u0007\\u007f\\u0000"),
        ("\u{85}\u{9b}2J", "\\u0085\\u009b2J"),
        (
            "\u{202e}txt\u{2066}\u{2028}\u{2029}",
            "\\u202etxt\\u2066\\u2028\\u2029",
        ),
        ("\u{200b}\u{feff}\u{61c}", "\\u200b\\ufeff\\u061c"),
        ("\u{e0041}", "\\u{e0041}"),
    ] {
        assert_eq!(visible(text), shown);
        assert_eq!(visible_bytes(text.as_bytes()), shown);
        assert!(!visible(text).chars().any(is_hidden));
    }
    assert_eq!(
        visible_bytes(b"a\xff\x9b\xe2\x80b"),
        "a\\xff\\x9b\\xe2\\x80b"
    );
}

/// Logs an event whose fields contain a hostile text, and a second event. Returns the log.
fn logged(has_colours: bool, hostile: &str) -> String {
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);
    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let memory = Memory::default();
    let out = memory.clone();
    let subscriber = tracing_subscriber::fmt()
        .fmt_fields(fields())
        .with_ansi(has_colours)
        .with_writer(move || out.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::warn_span!("part", of = %hostile).entered();
        tracing::warn!(error = %hostile, text = hostile, debug = ?hostile, "an event: {hostile}");
        tracing::warn!("the next");
    });
    let bytes = memory.0.lock().expect("one thread").clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn an_event_is_one_line_of_the_log_and_has_only_our_colours() {
    let hostile = "\x1b[2J\x1b[31m\u{9b}1m\r\nERROR forged\u{202e}\x1b]0;title\x07";
    for has_colours in [false, true] {
        let log = logged(has_colours, hostile);
        assert_eq!(log.lines().count(), 2, "{log:?}");
        assert_eq!(log.contains('\x1b'), has_colours);
        let without_ours = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[33m"]
            .into_iter()
            .fold(log.clone(), |log, ours| log.replace(ours, ""));
        let lines: Vec<&str> = without_ours.lines().collect();
        assert!(!lines.concat().chars().any(is_hidden), "{log:?}");
    }
}

#[test]
fn an_error_contains_each_reason_once() {
    let address = "127.0.0.1:9003".parse().expect("an address");
    let source = io::Error::from(ErrorKind::AddrInUse);
    let error = anyhow::Error::from(local_cluster::ListenError { address, source });
    let text = client::chain(&error.context("starting"));
    let reason = ErrorKind::AddrInUse.to_string();
    assert_eq!(text.matches(&reason).count(), 1, "{text}");
    assert!(
        text.starts_with("starting: cannot listen on `127.0.0.1:9003`"),
        "{text}"
    );
    let error = anyhow::anyhow!("inner").context("outer");
    assert_eq!(client::chain(&error), "outer: inner");
}
