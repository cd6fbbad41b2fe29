//! Kills a process with `kill -9` while it appends.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

/// The environment variable that passes the folder to the second process.
const DIR_VARIABLE: &str = "LOCAL_CLUSTER_TEST_KILLED_DIR";
const NAME: &str = "log::tests::killed::an_answered_append_survives_the_end_of_the_process";

/// The number of acknowledged appends after which the process is killed. By then it has filled some segments
/// and is in the middle of one.
const ANSWERS: usize = 500;

#[test]
fn an_answered_append_survives_the_end_of_the_process() {
    if let Some(dir) = env::var_os(DIR_VARIABLE) {
        append_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(DIR_VARIABLE, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answered = answers.filter_map(|line| line.unwrap().parse::<i64>().ok());
    let last = answered
        .nth(ANSWERS)
        .expect("the process appends until it is killed");
    child.kill().unwrap();
    child.wait().unwrap();
    let last = answered.last().unwrap_or(last);

    let log = PartitionLog::open(dir.path(), config(50_000)).unwrap();
    assert!(log.end_offset() > last, "{} of {last}", log.end_offset());
    let batches = split_checked(read_all(&log, 1 << 20).into()).unwrap();
    assert_eq!(batches.len() as i64, log.end_offset());
    for (batch, number) in batches.iter().zip(0..) {
        assert_eq!(batch.bytes()[..], placed(&numbered(number), number));
    }
}

fn numbered(number: i64) -> CheckedBatch {
    checked(&[vec![number as u8; 300]], Compression::None)
}

fn append_until_killed(dir: &Path) -> ! {
    let log = PartitionLog::open(dir, config(50_000)).unwrap();
    loop {
        let number = log.end_offset();
        log.append(&[numbered(number)]).unwrap();
        writeln!(std::io::stdout(), "\n{number}").unwrap();
    }
}
