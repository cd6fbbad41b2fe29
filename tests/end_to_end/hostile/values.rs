//! Parses numbers and times as the documentation of events describes them. This code works on the decimal digits of the
//! text, and uses a calendar library that the project's own parser does not use.

use jiff::civil::Date;
use jiff::tz::Offset;

/// Multiplies a JSON number by 10^`digits` and rounds halves to even. Returns `None` if the number is negative or the
/// result is above `max`.
pub(super) fn scaled(number: &str, digits: i128, max: i128) -> Option<i128> {
    let unsigned = number.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    if number.starts_with('-') {
        return None;
    }
    // Rounds to the digits before the moved decimal point. A result with 30 digits is above every `max`, and the
    // exponent may require more digits than fit into memory.
    let zeros = (all.len() - significant.len()) as i128;
    let point = whole.len() as i128 - zeros + exponent_of(exponent) + digits;
    let rounded = match point {
        30.. => return None,
        ..0 => 0,
        _ => round(significant, point as usize),
    };
    (rounded <= max).then_some(rounded)
}

fn exponent_of(text: &str) -> i128 {
    const FAR: i128 = 1 << 60;
    let is_negative = text.starts_with('-');
    let size = text.trim_start_matches(['+', '-']).parse::<i128>();
    let size = size.unwrap_or(FAR).min(FAR);
    if is_negative { -size } else { size }
}

fn round(digits: &str, point: usize) -> i128 {
    let (kept, cut) = digits.split_at(point.min(digits.len()));
    let kept = format!("{kept:0<point$}");
    let down: i128 = if kept.is_empty() {
        0
    } else {
        kept.parse().unwrap()
    };
    let half = format!("5{}", "0".repeat(cut.len().saturating_sub(1)));
    let up = !cut.is_empty() && (cut > half.as_str() || (cut == half && down % 2 == 1));
    down + i128::from(up)
}

/// Parses an RFC 3339 date and time into milliseconds. Without `Z` or an offset it is UTC. Second 60 counts
/// as second 59.
pub(super) fn time_ms(text: &str) -> Option<i64> {
    let (clock, rest) = text.split_at_checked(19)?;
    let shape = clock
        .bytes()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let shape = String::from_utf8(shape.collect())
        .ok()?
        .to_ascii_uppercase();
    if !["0000-00-00T00:00:00", "0000-00-00 00:00:00"].contains(&shape.as_str()) {
        return None;
    }
    let number = |from: usize, to: usize| clock[from..to].parse::<i64>().unwrap();
    let date = Date::new(number(0, 4) as i16, number(5, 7) as i8, number(8, 10) as i8).ok()?;
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ms, rest) = fraction_ms(rest)?;
    let seconds = hour * 3_600 + minute * 60 + second.min(59) - offset_s(rest)?;
    let midnight = Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
    let ms = midnight.ok()?.as_millisecond() + seconds * 1_000 + fraction_ms;
    // RFC 3339 allows only years with four digits, and rows are written in UTC.
    (-62_167_219_200_000..253_402_300_800_000)
        .contains(&ms)
        .then_some(ms)
}

fn fraction_ms(text: &str) -> Option<(i64, &str)> {
    let Some(text) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = text.find(|character: char| !character.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let first: String = digits.chars().chain("00".chars()).take(3).collect();
    (!digits.is_empty()).then(|| (first.parse().unwrap(), rest))
}

fn offset_s(text: &str) -> Option<i64> {
    if ["", "Z", "z"].contains(&text) {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
    let two = |text: &str| -> Option<i64> {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().unwrap())
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[test]
fn numbers_and_times_are_parsed_by_their_digits() {
    for (text, digits, expected) in [
        ("4.985", 2, Some(498)),
        ("0.0000005", 6, Some(0)),
        ("0.0000015", 6, Some(2)),
        ("100.0000004", 6, Some(100_000_000)),
        ("0.5", 0, Some(0)),
        ("1e-400", 2, Some(0)),
        ("1e3", 2, Some(100_000)),
        ("-0", 2, Some(0)),
        ("-1e-9", 2, None),
        ("1e999999999999999999999999999999999999999999", 2, None),
    ] {
        assert_eq!(scaled(text, digits, 1_000_000_000), expected, "{text}");
    }
    assert_eq!(time_ms("1970-01-01T01:00:00.0019+01:00"), Some(1));
    assert_eq!(
        time_ms("2016-12-31 23:59:60"),
        time_ms("2016-12-31T23:59:59Z")
    );
    assert_eq!(time_ms("2023-02-29T00:00:00Z"), None);
}
