//! Functions of text. Positions and lengths are in characters (Unicode code points).

/// Returns the text in lower case, character by character.
pub(crate) fn lower(text: &str) -> String {
    text.chars()
        .map(|character| character.to_lowercase().next().unwrap_or(character))
        .collect()
}

/// Returns the text in upper case, character by character.
pub(crate) fn upper(text: &str) -> String {
    let upper_of = |character: char| match character {
        'ß' => 'ẞ', // its other upper case has two letters
        other => {
            let mut upper = other.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => other,
            }
        }
    };
    text.chars().map(upper_of).collect()
}

/// Returns `length` characters from position `start`, or all that follow. The first character has position 1; a
/// negative position counts from the end; a negative length takes the characters before the position.
pub(crate) fn substr(text: &str, start: i128, length: Option<i128>) -> &str {
    let count = text.chars().count() as i128;
    let from = match start {
        0 => -1,
        positive if positive > 0 => positive - 1,
        negative => count.saturating_add(negative),
    };
    let to = length.map_or(count, |length| from.saturating_add(length));
    let (from, to) = (from.min(to), from.max(to));
    let (from, to) = (from.clamp(0, count), to.clamp(0, count));
    let byte = |position: i128| {
        let at = usize::try_from(position).unwrap_or_default();
        text.char_indices()
            .nth(at)
            .map_or(text.len(), |(byte, _)| byte)
    };
    &text[byte(from)..byte(to)]
}

/// Returns the part with this number between separators, or an empty text. The first part is 1, the last -1. An empty
/// separator makes each character a part.
pub(crate) fn split_part<'a>(text: &'a str, separator: &str, part: i128) -> &'a str {
    let characters = || {
        text.char_indices()
            .map(|(at, found)| &text[at..at + found.len_utf8()])
    };
    let parts: Vec<&str> = if separator.is_empty() {
        characters().collect()
    } else {
        text.split(separator).collect()
    };
    let count = parts.len() as i128;
    let at = if part < 0 {
        count.saturating_add(part)
    } else {
        part - 1
    };
    usize::try_from(at)
        .ok()
        .and_then(|at| parts.get(at).copied())
        .unwrap_or("")
}
