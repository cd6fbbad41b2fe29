//! Exact decimals: converts the text of a JSON number into a scaled integer without binary floats.

/// The limit to which the magnitude of an exponent is clamped, so that sums with exponents do not overflow. Clamping
/// changes no result: a number with such an exponent is zero, rounds to zero, or is too large for an `i64`, because no
/// record is large enough for a mantissa that would compensate for the exponent.
const EXPONENT_MAX: i64 = u32::MAX as i64;

/// Returns `text` (a JSON number) × 10^`scale`, rounded half to even; `None` if the result exceeds an `i64`.
///
/// `scaled("4.99", 2)` is 499, `scaled("0.125", 2)` is 12, `scaled("1e3", 0)` is 1000.
pub fn scaled(text: &str, scale: u32) -> Option<i64> {
    plain_scaled(text.as_bytes(), scale as usize).or_else(|| any_scaled(text, scale))
}

/// The frequent case of [`scaled`]: a number without sign and exponent, whose result cannot exceed an `i64`. In WASM,
/// each check for an overflow is a multiplication of 128 bits.
#[inline]
fn plain_scaled(text: &[u8], scale: usize) -> Option<i64> {
    let point = text.iter().position(|byte| !byte.is_ascii_digit());
    let (integer, fraction) = text.split_at(point.unwrap_or(text.len()));
    let fraction = match fraction {
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => digits,
        [] => fraction,
        _ => return None,
    };
    let (kept, rest) = fraction.split_at(fraction.len().min(scale));
    if integer.is_empty() || integer.len() + scale > POWERS.len() {
        return None;
    }
    let append = |number: i64, digit: &u8| number * 10 + i64::from(digit - b'0');
    let kept = integer.iter().chain(kept).fold(0, append) * POWERS[scale - kept.len()];
    let round_up = match rest {
        [b'5', beyond @ ..] => kept % 2 == 1 || beyond.iter().any(|digit| *digit != b'0'),
        [half, ..] => *half > b'5',
        [] => false,
    };
    Some(kept + i64::from(round_up))
}

/// The powers of ten that have at most 18 digits.
const POWERS: [i64; 18] = {
    let mut powers = [1; 18];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

fn any_scaled(text: &str, scale: u32) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)),
        None => (unsigned, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point = integer.len() as i64 + exponent + i64::from(scale);
    let magnitude = round_at(integer.bytes().chain(fraction.bytes()), point)?;
    Some(if negative { -magnitude } else { magnitude })
}

fn parse_exponent(text: &str) -> i64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    // An exponent that does not fit into an i64 exceeds `EXPONENT_MAX`.
    sign * digits.parse().unwrap_or(EXPONENT_MAX).min(EXPONENT_MAX)
}

/// Returns the first `point` digits as an integer, rounded according to the remaining digits. Missing digits are
/// zeros. Returns `None` on overflow.
fn round_at(digits: impl Iterator<Item = u8>, point: i64) -> Option<i64> {
    let mut kept: i64 = 0;
    let mut place = 0;
    let (mut half, mut beyond_half) = (0, false);
    for digit in digits.map(|byte| i64::from(byte.wrapping_sub(b'0'))) {
        match place.cmp(&point) {
            std::cmp::Ordering::Less => kept = kept.checked_mul(10)?.checked_add(digit)?,
            std::cmp::Ordering::Equal => half = digit,
            std::cmp::Ordering::Greater => beyond_half |= digit != 0,
        }
        place += 1;
    }
    kept = pad_zeros(kept, point - place)?;
    let round_up = half > 5 || (half == 5 && (beyond_half || kept % 2 == 1));
    kept.checked_add(i64::from(round_up))
}

fn pad_zeros(kept: i64, zeros: i64) -> Option<i64> {
    if kept == 0 || zeros <= 0 {
        return Some(kept);
    }
    let power = 10_i64.checked_pow(u32::try_from(zeros).ok()?)?;
    kept.checked_mul(power)
}

/// Returns `numerator` / `denominator`, rounded half to even. The denominator must be > 0.
pub fn divide(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (
        numerator.div_euclid(denominator),
        numerator.rem_euclid(denominator),
    );
    let round_up = rest * 2 > denominator || (rest * 2 == denominator && quotient % 2 != 0);
    quotient + i128::from(round_up)
}

/// Returns `numerator` / `denominator` as a float, rounded half to even to at most `digits` decimals.
pub fn ratio(numerator: i128, denominator: i128, digits: u32) -> f64 {
    let unit = 10_i128.pow(digits);
    divide(numerator * unit, denominator) as f64 / unit as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scales_exactly() {
        for (text, scale, expected) in [
            ("4.99", 2, 499),
            ("0.1", 2, 10),
            ("5", 2, 500),
            ("-1.5", 1, -15),
            ("1e3", 0, 1000),
            ("1.5E+2", 1, 1500),
            ("2.5e-1", 2, 25),
            ("0", 2, 0),
            ("-0.0", 2, 0),
            ("0e999999999999999999999", 2, 0),
            ("0e9223372036854775807", 2, 0),
            ("1e-9223372036854775807", 2, 0),
            ("1.25e-9223372036854775808", 0, 0),
            ("1e-999999999999999999999", 2, 0),
            ("0.29", 2, 29),
            ("1.005", 2, 100),
            ("1.015", 2, 102),
            ("1.0150000000000000001", 2, 102),
            ("1.0050000000000000001", 2, 101),
            ("9223372036854775807", 0, i64::MAX),
            ("0.005", 2, 0),
            ("0.015", 2, 2),
            ("0.0051", 2, 1),
            ("0.0005", 2, 0),
            ("9.995", 2, 1000),
        ] {
            assert_eq!(scaled(text, scale), Some(expected), "{text} at {scale}");
        }
        for text in [
            "9223372036854775808",
            "1e400",
            "1e19",
            "1e999999999999999999999",
            "1e9223372036854775807",
            "1.5e9223372036854775806",
        ] {
            assert_eq!(scaled(text, 0), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_are_equal(text in "(0|[1-9][0-9]{0,20})([.][05-9]{1,20})?([eE][0-9])?", scale in 0_u32..25) {
            prop_assert_eq!(scaled(&text, scale), any_scaled(&text, scale));
        }

        /// The oracle rounds a whole number of millionths with a different integer algorithm.
        #[test]
        fn rounds_half_to_even(micro in 0_i64..1_000_000_000_000, scale in 0_u32..6) {
            let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            let unit = 10_i64.pow(6 - scale);
            let (down, rest) = (micro / unit, micro % unit);
            let expected = match (2 * rest).cmp(&unit) {
                std::cmp::Ordering::Less => down,
                std::cmp::Ordering::Greater => down + 1,
                std::cmp::Ordering::Equal => down + down % 2,
            };
            prop_assert_eq!(scaled(&text, scale), Some(expected));
            prop_assert_eq!(scaled(&format!("-{text}"), scale), Some(-expected));
            prop_assert_eq!(any_scaled(&text, scale), Some(expected));
            prop_assert_eq!(divide(i128::from(micro), i128::from(unit)), i128::from(expected));
        }

        #[test]
        fn never_panics(
            text in "-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE][+-]?([0-9]{1,30}|92233720368547758[0-9]{2}))?",
            scale in 0_u32..9,
        ) {
            let _ = scaled(&text, scale);
        }
    }
}
