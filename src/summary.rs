//! Prints the summary of a run: one line per derivation, when the run stops.

use crate::terminal::say;
use dataflow::{Counts, DerivationStatus, StatusBoard};

pub(crate) fn print(board: &StatusBoard) {
    for (name, status) in board.snapshot() {
        say!("{name}: {}", line(&status));
    }
}

/// Formats a line, for example
/// `read 10, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, duplicate 1, written 3`.
fn line(status: &DerivationStatus) -> String {
    format!("{}, written {}", counts(&status.counts()), status.written)
}

/// Formats counts, for example
/// `read 10, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, duplicate 1`.
fn counts(counts: &Counts) -> String {
    format!(
        "read {}, accepted {}, rejected {}, late {}, duplicate {}",
        counts.read,
        counts.accepted,
        rejected(counts),
        counts.late,
        counts.duplicate
    )
}

/// Formats counts as an equation, for example
/// `read 10 = accepted 7 + rejected 2 (not_json 1, wrong_type 1) + late 0 + duplicate 1`.
pub(crate) fn identity(counts: &Counts) -> String {
    format!(
        "read {} = accepted {} + rejected {} + late {} + duplicate {}",
        counts.read,
        counts.accepted,
        rejected(counts),
        counts.late,
        counts.duplicate
    )
}

/// Formats the number of rejected records, for example `2 (not_json 1, wrong_type 1)`.
fn rejected(counts: &Counts) -> String {
    let reasons: Vec<_> = counts
        .rejected
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let total = counts.rejected_total();
    if reasons.is_empty() {
        return total.to_string();
    }
    format!("{total} ({})", reasons.join(", "))
}
