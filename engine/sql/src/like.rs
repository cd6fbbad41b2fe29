//! `LIKE`: `%` matches any text, `_` any one character.

/// Returns whether all of `text` matches the pattern; `None` if the pattern ends in its escape character.
pub(crate) fn matches(
    text: &str,
    pattern: &str,
    escape: Option<char>,
    ignore_case: bool,
) -> Option<bool> {
    let pattern = parse(pattern, escape)?;
    let text: Vec<char> = text.chars().collect();
    Some(search(&text, &pattern, ignore_case))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    AnyText,
    AnyCharacter,
    Character(char),
}

fn parse(pattern: &str, escape: Option<char>) -> Option<Vec<Piece>> {
    let mut characters = pattern.chars();
    let mut pieces = Vec::new();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            _ if Some(character) == escape => Piece::Character(characters.next()?),
            '%' => Piece::AnyText,
            '_' => Piece::AnyCharacter,
            other => Piece::Character(other),
        });
    }
    Some(pieces)
}

/// At a mismatch, goes back to the last `%`, which then matches one character more. So the time is at most the product
/// of both lengths.
fn search(text: &[char], pattern: &[Piece], ignore_case: bool) -> bool {
    let (mut at, mut piece) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(piece) {
            Some(Piece::AnyText) => {
                piece += 1;
                retry = Some((at, piece));
            }
            Some(found) if fits(*found, text[at], ignore_case) => {
                at += 1;
                piece += 1;
            }
            _ => {
                let Some((from, after)) = retry else {
                    return false;
                };
                retry = Some((from + 1, after));
                (at, piece) = (from + 1, after);
            }
        }
    }
    pattern[piece..]
        .iter()
        .all(|piece| *piece == Piece::AnyText)
}

fn fits(piece: Piece, character: char, ignore_case: bool) -> bool {
    match piece {
        Piece::AnyText => false,
        Piece::AnyCharacter => true,
        Piece::Character(expected) if ignore_case => {
            expected.to_lowercase().next() == character.to_lowercase().next()
        }
        Piece::Character(expected) => expected == character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_must_match() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("a", "", false),
            ("abc", "a%c", true),
            ("abcbc", "a%bc", true),
            ("aé", "a_", true),
            ("a", "a_", false),
            ("ABC", "abc", false),
            ("xaay", "%a_y", true),
        ] {
            assert_eq!(
                matches(text, pattern, None, false),
                Some(expected),
                "{text} {pattern}"
            );
        }
        assert_eq!(matches("ÄB", "äb", None, true), Some(true));
        assert_eq!(matches("a%b", r"a\%b", Some('\\'), false), Some(true));
        assert_eq!(matches("axb", r"a\%b", Some('\\'), false), Some(false));
        assert_eq!(matches("a", r"a\", Some('\\'), false), None);
    }
}
