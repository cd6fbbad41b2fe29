//! What a run came to: one line per derivation, printed when it stops.

use dataflow::{DerivationStatus, StatusBoard};

/// Prints the summary of every derivation.
pub(crate) fn print(board: &StatusBoard) {
    for (name, status) in board.snapshot() {
        println!("{name}: {}", line(&status));
    }
}

/// `read 10, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, duplicate 1, written 3`
fn line(status: &DerivationStatus) -> String {
    let counts = status.counts();
    let reasons: Vec<_> = counts
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
        "read {}, accepted {}, rejected {}{reasons}, late {}, duplicate {}, written {}",
        counts.read,
        counts.accepted,
        counts.rejected_total(),
        counts.late,
        counts.duplicate,
        status.written
    )
}
