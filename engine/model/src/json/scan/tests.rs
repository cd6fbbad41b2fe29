//! Compares the scanner with `serde_json` and with the UTF-16 decoder of the standard library.

use super::*;
use proptest::prelude::*;
use serde::de::IgnoredAny;

fn accepts(bytes: &[u8]) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(bytes);
    scanner.value(0)?;
    scanner.end()
}

/// Returns whether the text is UTF-8 that `serde_json` accepts. (`serde_json` does not check that the strings that it
/// skips are UTF-8.)
fn oracle(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Generates JSON-like text from pieces in random order.
fn json_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\\ud83d\\n\"",
        "\"\\ud83\"",
        "\u{feff}",
        "\"\\x\"",
        "\"é\"",
        "\"",
        "\\",
        "0",
        "-0",
        "01",
        "1.5",
        "1.",
        "-",
        "1e9",
        "1E+2",
        "2e",
        "true",
        "false",
        "null",
        "nul",
        " ",
        "\n",
        "\u{1}",
        "\"\u{7f}\"",
        "\"k\":1",
        "[1,2]",
        "{\"a\":{}}",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn accepts_what_serde_json_accepts(text in json_like()) {
        prop_assert_eq!(accepts(&text).is_ok(), oracle(&text), "{}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn agrees_with_serde_json_on_damaged_documents(cut in 0_usize..90, byte: u8, at in 0_usize..90) {
        const TEXT: &[u8] =
            br#"{"a":[1,-2.5e3,{"b":"\u00e9\n"}],"c":"\ud83d\ude00","d":null,"e":true,"f":{"g":[]}}"#;
        let mut text = TEXT.to_vec();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        text.truncate(cut);
        prop_assert_eq!(accepts(&text).is_ok(), oracle(&text), "{}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn decodes_strings_as_serde_json_does(text in any::<String>(), escape_all: bool) {
        let json = if escape_all {
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("\"{units}\"")
        } else {
            serde_json::to_string(&text).expect("a string is JSON")
        };
        match Scanner::new(json.as_bytes()).value(0) {
            Ok(Value::String(found)) => prop_assert_eq!(found.decode(), text),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn decodes_halves_of_pairs_as_utf_16_does(
        units in prop::collection::vec(prop_oneof![any::<u16>(), 0xD7FE_u16..0xE002], 0..12),
    ) {
        let json: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        match Scanner::new(format!("\"{json}\"").as_bytes()).value(0) {
            Ok(Value::String(found)) => prop_assert_eq!(found.decode(), String::from_utf16_lossy(&units)),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(accepts(&bytes).is_ok(), oracle(&bytes));
    }
}

#[test]
fn one_byte_order_mark_is_skipped_and_only_at_the_start() {
    for (text, expected) in [
        ("\u{feff}{}", true),
        ("\u{feff} {}", true),
        ("\u{feff}\u{feff}{}", false),
        (" \u{feff}{}", false),
        ("{}\u{feff}", false),
        ("\u{feff}", false),
    ] {
        assert_eq!(accepts(text.as_bytes()).is_ok(), expected, "{text:?}");
    }
}

#[test]
fn depth_is_bounded_like_serde_json() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    for depth in [1, 126, 127] {
        assert_eq!(accepts(&nested(depth)), Ok(()), "{depth}");
        assert!(serde_json::from_slice::<serde_json::Value>(&nested(depth)).is_ok());
    }
    for depth in [128, 129, 1_000_000] {
        assert_eq!(accepts(&nested(depth)), Err(JsonError::TooDeep), "{depth}");
    }
}
