//! What a run came to: one line per derivation, printed when it stops.

use dataflow::{DerivationStatus, StatusBoard};

/// Prints the summary of every derivation.
pub(crate) fn print(board: &StatusBoard) {
    for (name, status) in board.snapshot() {
        println!("{name}: {}", line(&status));
    }
}

/// `read 10, accepted 8, rejected 2 (not_json 1, wrong_type 1), late 0, written 3`
fn line(status: &DerivationStatus) -> String {
    let rejected: u64 = status.rejected.values().sum();
    let reasons: Vec<_> = status
        .rejected
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join(", "))
    };
    format!(
        "read {}, accepted {}, rejected {rejected}{reasons}, late {}, written {}",
        status.read, status.accepted, status.late, status.written
    )
}
