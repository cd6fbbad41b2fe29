//! DuckDB, in a Python process that answers one query after another.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::{Texts, events};

const PROGRAM: &str = include_str!("oracle.py");

pub(crate) struct Oracle {
    process: Child,
    queries: ChildStdin,
    answers: BufReader<ChildStdout>,
    events: PathBuf,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        let events = write_events();
        let mut process = Command::new(python())
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let queries = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut oracle = Self {
            process,
            queries,
            answers,
            events,
        };
        let path = oracle.events.to_str().expect("a path in UTF-8").to_owned();
        oracle.send(&path);
        oracle
    }

    /// Returns the rows of a query.
    pub(crate) fn rows(&mut self, query: &str) -> Result<Vec<Texts>, String> {
        self.send(query);
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .map_err(|error| error.to_string())?;
        let answer: Value =
            serde_json::from_str(&answer).map_err(|error| format!("no answer: {error}"))?;
        if let Some(error) = answer.get("error") {
            return Err(format!("DuckDB: {error}"));
        }
        serde_json::from_value(answer).map_err(|error| error.to_string())
    }

    fn send(&mut self, text: &str) {
        writeln!(self.queries, "{}", Value::from(text)).expect("DuckDB reads");
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // Both fail if the process has already ended, or the file is missing.
        let _ended = self.process.kill();
        let _removed = std::fs::remove_file(&self.events);
        let _status = self.process.wait();
    }
}

/// Writes the valid events to a file of their own for each process and test.
fn write_events() -> PathBuf {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("sql-differential-{}-{number}.json", std::process::id());
    let path = std::env::temp_dir().join(name);
    let valid = events::records()
        .into_iter()
        .filter(|record| record.is_valid);
    let lines: Vec<String> = valid.map(|record| record.json).collect();
    std::fs::write(&path, lines.join("\n")).expect("the folder for temporary files is writable");
    path
}

/// Returns the Python interpreter that has DuckDB. `make test` installs it.
fn python() -> PathBuf {
    let set_up = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python");
    let python = std::env::var_os("PYTHON").map_or(PathBuf::from(set_up), PathBuf::from);
    assert!(
        python.exists(),
        "no Python with DuckDB at `{}`: run `make test`",
        python.display()
    );
    python
}
