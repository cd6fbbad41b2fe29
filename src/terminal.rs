//! Prints output for people, on standard output and standard error. Control characters in text from outside
//! (keys and values of records, names, responses of servers) are escaped, so that such text cannot move the
//! cursor, change a colour or forge a line.
//!
//! Output for programs (`consume --output json` and `dataflow`) is not escaped.

use std::borrow::Cow;
use std::fmt::{Debug, Display, Write as _};
use std::io::{self, ErrorKind, Write};

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// Prints a line to standard output. Takes arguments like `println!`, and escapes control characters.
macro_rules! say {
    ($($text:tt)*) => { $crate::terminal::print_line(&format!($($text)*)) };
}
pub(crate) use say;

/// Escapes control characters and prints a line to standard output. A closed pipe is not an error.
pub(crate) fn print_line(text: &str) {
    print(&format!("{}\n", visible(text)));
}

/// Prints trusted text to standard output without escaping it.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tracing::error!(%error, "cannot write to standard output");
        }
        _ => {}
    }
}

/// Escapes control characters and prints a line to standard error.
pub(crate) fn note(text: &str) {
    // A failure to write to standard error cannot be reported anywhere.
    let _ignored = io::stderr().write_all(format!("{}\n", visible(text)).as_bytes());
}

/// Prints the error that ends the program. All lines but the first are indented, so that quoted text cannot
/// look like a separate message.
pub(crate) fn print_error(error: &anyhow::Error) {
    let text = format!("error: {}", client::chain(error));
    for (number, line) in text.lines().enumerate() {
        let indent = if number > 0 { "  " } else { "" };
        note(&format!("{indent}{line}"));
    }
}

/// Escapes every character that is invisible, moves the cursor, ends the line or changes the reading
/// direction.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hidden) {
        Cow::Owned(text.chars().map(code).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Does the same as [`visible`] for bytes. Bytes that are not valid UTF-8 are escaped one by one, as `\xff`.
pub(crate) fn visible_bytes(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _written = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Escapes a hidden character as in JSON, but writes `\u{e0041}` where JSON would need two escapes. Returns any other
/// character unchanged.
fn code(character: char) -> Cow<'static, str> {
    match character {
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        _ if !is_hidden(character) => character.to_string().into(),
        _ if character > '\u{ffff}' => character.escape_unicode().to_string().into(),
        _ => format!("\\u{:04x}", u32::from(character)).into(),
    }
}

/// Formats the fields of log events and spans with control characters escaped, so that each event is one line. By
/// default, the subscriber does not escape line breaks. If it prints in colour, it does not escape colour codes either.
pub(crate) fn fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    let field = |out: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => out.write_str(&visible(&value)),
            name => write!(out, "{name}={}", visible(&value)),
        }
    };
    debug_fn(field).delimited(" ")
}

/// Formats a measure with three decimals; `-` if there was nothing to measure.
pub(crate) fn measured(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}

/// Prints several lines to standard output. Line breaks are kept; all other control characters are escaped.
pub(crate) fn print_lines(text: impl Display) {
    text.to_string().lines().for_each(print_line);
}

#[cfg(test)]
mod tests;
