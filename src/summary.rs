//! What a run came to: one line per derivation, printed when it stops.

use dataflow::{Counts, DerivationStatus, StatusBoard};

/// Prints the summary of every derivation.
pub(crate) fn print(board: &StatusBoard) {
    for (name, status) in board.snapshot() {
        println!("{name}: {}", line(&status));
    }
}

/// `read 10, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, duplicate 1, written 3`
fn line(status: &DerivationStatus) -> String {
    format!("{}, written {}", counts(&status.counts()), status.written)
}

/// `read 10, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, duplicate 1`
pub(crate) fn counts(counts: &Counts) -> String {
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
        "read {}, accepted {}, rejected {}{reasons}, late {}, duplicate {}",
        counts.read,
        counts.accepted,
        counts.rejected_total(),
        counts.late,
        counts.duplicate
    )
}
