//! Formats an error with its causes in one line.

/// Formats an error and its causes as one line, separated by `: `. A cause whose text is already in the line is left
/// out.
#[must_use]
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
