//! The scalars of the file. Each type states which texts it allows.

use std::marker::PhantomData;
use std::path::{Component, Path};

use model::worth;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A value that the file contains as one scalar.
pub(super) trait Scalar: Sized {
    /// Returns the value; `None` if the text is not allowed.
    fn parse(text: &str) -> Option<Self>;

    /// Returns what is allowed, such as `an integer from 1 to 5`.
    fn allowed() -> String;
}

/// An integer in `LOW..=HIGH`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<const LOW: u32, const HIGH: u32>(pub(super) u32);

/// An id of a game or of something in it.
#[derive(Debug)]
pub(super) struct Id(pub(super) String);

/// A name for people.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

/// The file of a cover.
#[derive(Debug)]
pub(super) struct Cover(pub(super) String);

/// The code of a currency whose value in US dollars is known.
#[derive(Debug)]
pub(super) struct Code(pub(super) String);

/// A decimal number above 0, without sign and exponent.
#[derive(Debug)]
pub(super) struct Price(pub(super) String);

impl Price {
    /// Returns the number of decimals, without zeros at the end.
    pub(super) fn decimals(&self) -> u32 {
        let (_, fraction) = self.0.split_once('.').unwrap_or_default();
        fraction.trim_end_matches('0').len() as u32
    }
}

impl<const LOW: u32, const HIGH: u32> Scalar for Whole<LOW, HIGH> {
    fn parse(text: &str) -> Option<Self> {
        let number = text.parse().ok()?;
        (LOW..=HIGH).contains(&number).then_some(Self(number))
    }

    fn allowed() -> String {
        format!("an integer from {LOW} to {HIGH}")
    }
}

impl Scalar for Id {
    fn parse(text: &str) -> Option<Self> {
        let is_allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_');
        let is_id = (1..=64).contains(&text.len()) && text.chars().all(is_allowed);
        is_id.then(|| Self(text.to_owned()))
    }

    fn allowed() -> String {
        "an id: use 1 to 64 of a-z, 0-9, - and _".to_owned()
    }
}

impl Scalar for Text {
    fn parse(text: &str) -> Option<Self> {
        let is_short = (1..=80).contains(&text.chars().count());
        let is_name = is_short && !text.chars().any(char::is_control);
        is_name.then(|| Self(text.to_owned()))
    }

    fn allowed() -> String {
        "a name: use 1 to 80 characters on one line".to_owned()
    }
}

impl Scalar for Cover {
    fn parse(text: &str) -> Option<Self> {
        let path = Path::new(text);
        let is_below = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let is_svg = path.extension().is_some_and(|extension| extension == "svg");
        (is_below && is_svg).then(|| Self(text.to_owned()))
    }

    fn allowed() -> String {
        "a cover: give an SVG file, such as covers/game.svg, in the catalogue's folder".to_owned()
    }
}

impl Scalar for Code {
    fn parse(text: &str) -> Option<Self> {
        worth::of_hundred_dollars(text).map(|_| Self(text.to_owned()))
    }

    fn allowed() -> String {
        let codes: Vec<&str> = worth::currencies().collect();
        format!(
            "a currency with a known value: use one of {}",
            codes.join(", ")
        )
    }
}

impl Scalar for Price {
    fn parse(text: &str) -> Option<Self> {
        let (integer, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |part: &str, max| {
            (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_price = are_digits(integer, 10) && are_digits(fraction, 6);
        let is_positive = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        (is_price && is_positive).then(|| Self(text.to_owned()))
    }

    fn allowed() -> String {
        "a price: use a decimal number above 0 and below 10000000000, such as 4.99".to_owned()
    }
}

impl<'de, const LOW: u32, const HIGH: u32> Deserialize<'de> for Whole<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(deserializer)
    }
}

macro_rules! deserialize {
    ($($type:ty),*) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                scalar(deserializer)
            }
        })*
    };
}

deserialize!(Id, Text, Cover, Code, Price);

/// Deserializes a scalar from its text, so that the error names the value as it is in the file, and its line.
fn scalar<'de, T: Scalar, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Parser<T>(PhantomData<T>);

    impl<T: Scalar> Visitor<'_> for Parser<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(&T::allowed())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            let wrong = || E::custom(format!("`{text}` is not {}", T::allowed()));
            T::parse(text).ok_or_else(wrong)
        }
    }

    deserializer.deserialize_str(Parser(PhantomData))
}
