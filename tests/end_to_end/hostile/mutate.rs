//! Mutates records and bodies, both their bytes and their JSON tokens.

use super::dice::Dice;

/// The texts that replace a token.
const TOKENS: [&str; 34] = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1e308",
    "1e-400",
    "1e400",
    "0.1e1",
    "12345678901234567890",
    "1.0050000000000000001",
    "100.0000004",
    "100.0000005",
    "-1e-9",
    "01",
    "1.",
    "\"\"",
    "\" \"",
    "\"\\ud83d\"",
    "\"\\u001b[31m\"",
    "\"a|b%7C\"",
    "\"\u{202e}\"",
    "[]",
    "{}",
    "[[]]",
    "{\"a\":{\"a\":[]}}",
    "\"2024-02-30T00:00:00Z\"",
    "\"refund\"",
    "\"JPY\"",
    "\"BHD\"",
    ",",
    ":",
    "}",
    "]",
];

/// Returns the text with one or two mutations, which may insert pieces of `other`.
pub(super) fn mutated(text: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..1 + dice.below(4) / 2 {
        text = match dice.is_one_in(2) {
            true => bytes(text, other, dice),
            false => tokens(&text, other, dice),
        };
    }
    text
}

fn bytes(mut text: Vec<u8>, other: &[u8], dice: &mut Dice) -> Vec<u8> {
    if text.is_empty() {
        return other.to_vec();
    }
    let at = dice.below(text.len());
    let end = (at + 1 + dice.below(24)).min(text.len());
    match dice.below(8) {
        0..3 => text[at] ^= 1 << dice.below(8),
        3 => text[at] = dice.byte(),
        4 => text.truncate(at),
        5 => {
            let insert: Vec<u8> = (0..1 + dice.below(8)).map(|_| dice.byte()).collect();
            text.splice(at..at, insert);
        }
        6 if dice.is_one_in(2) => drop(text.drain(at..end)),
        6 => {
            let slice = text[at..end].to_vec();
            text.splice(end..end, slice);
        }
        _ => {
            let from = dice.below(other.len().max(1)).min(other.len());
            text.splice(at.., other[from..].iter().copied());
        }
    }
    text
}

fn tokens(text: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut tokens = cut(text);
    if tokens.is_empty() {
        return other.to_vec();
    }
    let at = dice.below(tokens.len());
    match dice.below(6) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, tokens[at]),
        2 => {
            let with = dice.below(tokens.len());
            tokens.swap(at, with);
        }
        3 => {
            let others = cut(other);
            let from = dice.below(others.len().max(1)).min(others.len());
            tokens.truncate(at);
            tokens.extend_from_slice(&others[from..]);
        }
        _ => tokens[at] = dice.pick(&TOKENS).as_bytes(),
    }
    tokens.concat()
}

/// Splits a text into strings, brackets, commas and colons, and the pieces between them.
fn cut(text: &[u8]) -> Vec<&[u8]> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = match text[at] {
            b'"' => string_length(&text[at..]),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => {
                let ends = |byte: &u8| b"\"{}[],:".contains(byte);
                text[at..].iter().position(ends).unwrap_or(text.len() - at)
            }
        };
        tokens.push(&text[at..at + length]);
        at += length;
    }
    tokens
}

fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[test]
fn joined_tokens_are_the_text() {
    let text = br#"{"a\"": [1, "x\\", {"b":null}] , "cut \"#;
    assert_eq!(cut(text).concat(), text);
    assert_eq!(cut(text)[1], br#""a\"""#);
}
