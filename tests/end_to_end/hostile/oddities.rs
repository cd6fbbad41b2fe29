//! Lists unusual ids, numbers and times, records in the formats of other products, and values that are not objects.

/// Unusual ids, as JSON strings.
pub(super) const ODD_IDS: [&str; 18] = [
    r#""a\u0000b""#,
    r#""\u001b[31mred\u001b[0m""#,
    r#""line\nbreak\r\n""#,
    r#""a|b%7C%25|""#,
    "\"\u{202e}gnihton\u{2066}\"",
    r#""\ud83d""#,
    r#""x\ude00\ud83d""#,
    r#""\ud83d\ude00""#,
    r#""*""#,
    r#""<script>alert(1)</script>""#,
    r#"" ""#,
    "\"\u{2028}\u{feff}\"",
    r#""\\\"\/""#,
    r#""Robert'); DROP TABLE players;--""#,
    r#""../../etc/passwd""#,
    "\"\u{7f}\u{85}\"",
    r#""%s%n{}{0}""#,
    r#""null""#,
];
pub(super) const FOREIGN: [&str; 7] = [
    r#"{"batch":[{"type":"track","event":"Level Up","userId":"u"}],"sentAt":"2024-11-12T10:15:30Z"}"#,
    r#"{"api_key":"k","events":[{"event_type":"login","user_id":"u"}]}"#,
    r#"{"type":"track","event":"Purchase","properties":{"revenue":4.99}}"#,
    r#"{"client_id":"1.2","events":[{"name":"purchase","params":{"value":1}}]}"#,
    r#"{"event_name":"player_action","data":"eyJhIjoxfQ=="}"#,
    r#"{"event_name":"saved_game","event_timestamp":"2024-11-12T10:15:30Z"}"#,
    r#"{"records":[{"value":{"event_name":"player_action"}}]}"#,
];
pub(super) const NO_OBJECTS: [&[u8]; 16] = [
    b"",
    b"[]",
    b"[{}]",
    b"null",
    b"42",
    b"\"text\"",
    b"true",
    b"\xff\xfe{\x00}\x00",
    b"{",
    b"}",
    b"{\"a\":\"\xc3\"}",
    b"\xef\xbb\xbf",
    b"\0",
    b"{}{}",
    b"\xef\xbb\xbf\xef\xbb\xbf{}",
    b"{\"a\":1,}",
];
/// Amounts in currencies whose minor unit is not a hundredth or is no longer in use.
pub(super) const CHANGE: [(&str, [&str; 4]); 5] = [
    ("JPY", ["1", "150", "0.5", "99.5"]),
    ("VND", ["500", "25000", "1e4", "0.4"]),
    ("IDR", ["100", "15000.00", "0.01", "0.005"]),
    ("HUF", ["5", "0.99", "1990", "2.675"]),
    ("BHD", ["0.001", "0.0005", "1.0015", "12.345"]),
];
pub(super) const WRONG_TIMES: [&str; 8] = [
    "\"yesterday\"",
    "\"2025-02-30T10:15:30Z\"",
    "1731406530",
    "\"2024-11-12\"",
    "null",
    "\"2024-11-12T10:15:30+0100\"",
    "\"9999-12-31T23:59:59-01:00\"",
    "{}",
];
/// Numbers in unusual spellings, or near the limits of 64-bit floating-point numbers.
pub(super) const NUMBERS: [&str; 7] = [
    "1e308",
    "-0",
    "1e-400",
    "1e400",
    "12345678901234567890",
    "0.1e1",
    "1.0050000000000000001",
];
