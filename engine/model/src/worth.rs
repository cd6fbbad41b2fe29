//! The approximate value of 100 US dollars in other currencies. It converts a limit that is given in dollars, so that
//! the limit has about the same value in every currency. The generator checks its prices with it.

/// Currency codes with the value of 100 US dollars in units of the currency: exchange rates of mid-2025, rounded to one
/// or two significant digits. They are used only for limits; no amount is converted with them. A currency that is not
/// listed has no limit unless the parameters set one.
static OF_HUNDRED_DOLLARS: [(&str, i128); 66] = [
    ("AED", 370),
    ("ARS", 130_000),
    ("AUD", 150),
    ("BDT", 12_000),
    ("BGN", 170),
    ("BHD", 38),
    ("BOB", 690),
    ("BRL", 550),
    ("CAD", 140),
    ("CHF", 80),
    ("CLP", 95_000),
    ("CNY", 720),
    ("COP", 410_000),
    ("CRC", 50_000),
    ("CZK", 2_100),
    ("DKK", 650),
    ("DOP", 6_000),
    ("DZD", 13_000),
    ("EGP", 5_000),
    ("EUR", 90),
    ("GBP", 75),
    ("GEL", 270),
    ("GTQ", 770),
    ("HKD", 780),
    ("HUF", 35_000),
    ("IDR", 1_600_000),
    ("ILS", 350),
    ("INR", 8_500),
    ("IQD", 130_000),
    ("ISK", 12_000),
    ("JOD", 71),
    ("JPY", 15_000),
    ("KES", 13_000),
    ("KRW", 140_000),
    ("KWD", 30),
    ("KZT", 52_000),
    ("LKR", 30_000),
    ("MAD", 900),
    ("MXN", 1_900),
    ("MYR", 420),
    ("NGN", 150_000),
    ("NOK", 1_000),
    ("NZD", 170),
    ("OMR", 38),
    ("PEN", 360),
    ("PHP", 5_700),
    ("PKR", 28_000),
    ("PLN", 370),
    ("PYG", 750_000),
    ("QAR", 360),
    ("RON", 440),
    ("RSD", 10_000),
    ("RUB", 8_000),
    ("SAR", 380),
    ("SEK", 950),
    ("SGD", 130),
    ("THB", 3_300),
    ("TND", 300),
    ("TRY", 4_000),
    ("TWD", 3_000),
    ("UAH", 4_200),
    ("USD", 100),
    ("UYU", 4_000),
    ("VND", 2_600_000),
    ("XOF", 57_000),
    ("ZAR", 1_800),
];

/// Returns the value of 100 US dollars in units of a currency.
pub fn of_hundred_dollars(currency: &str) -> Option<i128> {
    let place = OF_HUNDRED_DOLLARS.binary_search_by_key(&currency, |(code, _)| *code);
    place.ok().map(|place| OF_HUNDRED_DOLLARS[place].1)
}

/// Returns the codes of the currencies with a known value, in alphabetical order.
pub fn currencies() -> impl Iterator<Item = &'static str> {
    OF_HUNDRED_DOLLARS.iter().map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_sorted_codes_without_duplicates() {
        let codes = OF_HUNDRED_DOLLARS.map(|(code, _)| code);
        assert!(codes.is_sorted_by(|one, next| one < next));
        let is_code =
            |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        assert!(codes.iter().all(is_code), "{codes:?}");
    }

    #[test]
    fn the_most_traded_currencies_are_listed() {
        let most = [
            "USD", "EUR", "JPY", "GBP", "CNY", "AUD", "CAD", "CHF", "HKD", "SGD", "SEK", "KRW",
            "NOK", "NZD", "INR", "MXN", "TWD", "ZAR", "BRL", "DKK", "PLN", "THB", "ILS", "IDR",
            "CZK", "AED", "TRY", "HUF", "CLP", "SAR", "PHP", "MYR", "COP", "RUB", "RON", "PEN",
        ];
        let absent = most
            .into_iter()
            .find(|code| of_hundred_dollars(code).is_none());
        assert_eq!(absent, None);
        assert_eq!(of_hundred_dollars("XTS"), None);
    }
}
