//! Money: integer minor units in memory, and decimal strings with the currency's digits in records.

/// Returns the number of decimal digits of a currency's minor unit (ISO 4217, list one); 2 for unlisted
/// codes.
pub fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// Formats `minor` units of `currency` as a decimal string: `4.99`, `-0.05`, `1200` (JPY).
pub fn format(minor: i128, currency: &str) -> String {
    let digits = minor_digits(currency);
    if digits == 0 {
        return minor.to_string();
    }
    let unit = 10_u128.pow(digits);
    let (sign, magnitude) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    let width = digits as usize;
    format!("{sign}{}.{:0width$}", magnitude / unit, magnitude % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_minor_digits_of_the_currency() {
        let cases = [
            (499, "USD", "4.99"),
            (-5, "EUR", "-0.05"),
            (1200, "JPY", "1200"),
            (1, "BHD", "0.001"),
            (-12_345, "KWD", "-12.345"),
            (0, "XYZ", "0.00"),
        ];
        for (minor, currency, text) in cases {
            assert_eq!(format(minor, currency), text);
        }
    }
}
