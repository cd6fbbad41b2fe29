//! Exact numbers: integers of up to 38 digits with a decimal point at a fixed place, the *scale*.

use crate::types::DIGITS_MAX;

const LIMIT: i128 = 10_i128.pow(DIGITS_MAX as u32);

/// Returns the number if it has at most 38 digits.
pub(crate) fn in_range(units: i128) -> Option<i128> {
    (-LIMIT < units && units < LIMIT).then_some(units)
}

/// Returns 10^`exponent`; `None` if it has more than 38 digits.
pub(crate) fn power(exponent: u32) -> Option<i128> {
    (exponent <= u32::from(DIGITS_MAX)).then(|| 10_i128.pow(exponent))
}

/// Moves the decimal point from one scale to another. Digits that are cut off are rounded half away from zero.
pub(crate) fn rescale(units: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return in_range(units.checked_mul(power(u32::from(to - from))?)?);
    }
    Some(divide_rounded(units, power(u32::from(from - to))?))
}

/// Divides by a positive number, and rounds half away from zero.
pub(crate) fn divide_rounded(units: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (units / divisor, units % divisor);
    let rounds_away = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
    quotient + if rounds_away { units.signum() } else { 0 }
}

/// Returns a floating-point number that is at most two roundings away.
pub(crate) fn to_double(units: i128, scale: u8) -> f64 {
    units as f64 / 10_f64.powi(i32::from(scale))
}

/// Converts a floating-point number, rounded half away from zero; `None` if it has more than 38 digits.
pub(crate) fn from_double(value: f64, scale: u8) -> Option<i128> {
    let units = (value * 10_f64.powi(i32::from(scale))).round();
    (units.abs() < LIMIT as f64).then_some(units as i128)
}

/// Parses a decimal number such as `-12.30` or `1.5e3`. Returns the number at `scale`, rounded half away from zero;
/// `None` if the text is not a number, or has more than 38 digits at that scale.
pub(crate) fn parse(text: &str, scale: u8) -> Option<i128> {
    parse_noting_loss(text, scale).map(|(units, _)| units)
}

/// Like [`parse`]. Also returns whether digits other than zero were cut off.
pub(crate) fn parse_noting_loss(text: &str, scale: u8) -> Option<(i128, bool)> {
    match parse_short(text, scale) {
        Some(units) => Some((units, false)),
        None => parse_any(text, scale),
    }
}

/// Parses a number that fits into 64 bits and loses no digits, as most do; `None` for any other text.
fn parse_short(text: &str, scale: u8) -> Option<i128> {
    /// A number with this number of digits fits into 64 bits.
    const DIGITS_MAX: usize = 18;
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if unsigned.len() + usize::from(scale) > DIGITS_MAX {
        return None;
    }
    let (mut units, mut digits, mut after_point) = (0_i64, 0, None);
    for byte in unsigned {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i64::from(byte - b'0');
                digits += 1;
                after_point = after_point.map(|places: u8| places + 1);
            }
            b'.' if after_point.is_none() => after_point = Some(0),
            _ => return None,
        }
    }
    let missing = scale.checked_sub(after_point.unwrap_or(0))?;
    let units = units * 10_i64.pow(u32::from(missing));
    (digits > 0).then_some(i128::from(if negative { -units } else { units }))
}

fn parse_any(text: &str, scale: u8) -> Option<(i128, bool)> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    let point = i64::try_from(integer.len()).ok()? + i64::from(exponent) + i64::from(scale);
    let (magnitude, loses) = round_at(integer.bytes().chain(fraction.bytes()), point)?;
    Some((if negative { -magnitude } else { magnitude }, loses))
}

/// Returns the first `point` digits as an integer, rounded by the digit after them, and whether a digit other than zero
/// was cut off. Missing digits are zeros.
fn round_at(digits: impl Iterator<Item = u8>, point: i64) -> Option<(i128, bool)> {
    let mut kept: i128 = 0;
    let mut place = 0;
    let (mut rounds_up, mut loses) = (false, false);
    for digit in digits {
        let digit = i128::from(char::from(digit).to_digit(10)?);
        if place < point {
            kept = in_range(kept.checked_mul(10)?.checked_add(digit)?)?;
        } else {
            rounds_up |= place == point && digit >= 5;
            loses |= digit != 0;
        }
        place += 1;
    }
    if kept != 0 && place < point {
        kept = kept.checked_mul(power(u32::try_from(point - place).ok()?)?)?;
    }
    Some((in_range(kept + i128::from(rounds_up))?, loses))
}

/// Returns the decimal text, with exactly `scale` digits after the point.
pub(crate) fn text(units: i128, scale: u8) -> String {
    if scale == 0 {
        return units.to_string();
    }
    let sign = if units < 0 { "-" } else { "" };
    let width = usize::from(scale) + 1;
    let digits = format!("{:0width$}", units.unsigned_abs());
    let (integer, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{sign}{integer}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_parsed_and_rounded_half_away_from_zero() {
        for (given, scale, expected) in [
            ("12.30", 2, Some(1230)),
            ("-1.005", 2, Some(-101)),
            ("1.7", 0, Some(2)),
            ("-2.5", 0, Some(-3)),
            ("0.04", 0, Some(0)),
            ("1e3", 0, Some(1000)),
            ("1.5E-2", 2, Some(2)),
            ("5e-1", 0, Some(1)),
            ("0e999999999", 0, Some(0)),
            (".5", 1, Some(5)),
            ("99999999999999999999999999999999999999", 0, Some(LIMIT - 1)),
            ("99999999999999999999999999999999999999.5", 0, None),
            ("1e38", 0, None),
            ("", 0, None),
            (".", 0, None),
            ("12a", 0, None),
            ("1e", 0, None),
        ] {
            assert_eq!(parse(given, scale), expected, "{given}");
        }
    }

    #[test]
    fn short_numbers_are_parsed_like_any_others() {
        let texts = [
            "0", "-0", "7", "-12", "007", "1.", ".5", "-.5", "1.25", "12.300", "1.2.3", "-", "",
            "+1", "1e2",
        ];
        let long = [
            "123456789012345678",
            "1234567890123456789",
            "1234567890.12345678",
            "0.000000000000000001",
        ];
        for text in texts.into_iter().chain(long) {
            for scale in [0, 1, 2, 8, 18] {
                let parsed = parse_noting_loss(text, scale);
                assert_eq!(parsed, parse_any(text, scale), "{text} at {scale}");
            }
        }
    }

    #[test]
    fn a_parsed_text_is_printed_alike() {
        for given in ["0.00", "-0.05", "12.30", "-1234.56"] {
            assert_eq!(text(parse(given, 2).expect("a number"), 2), given);
        }
    }

    #[test]
    fn digits_that_are_cut_off_are_rounded() {
        assert_eq!(rescale(2_675, 3, 2), Some(268));
        assert_eq!(rescale(-2_675, 3, 2), Some(-268));
        assert_eq!(rescale(2_674, 3, 2), Some(267));
        assert_eq!(rescale(7, 0, 2), Some(700));
        assert_eq!(rescale(LIMIT - 1, 0, 1), None);
    }
}
