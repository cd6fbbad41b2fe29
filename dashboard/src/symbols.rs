//! Names as small numbers: a history repeats the same few names in hundreds of thousands of rows.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::{NAME_CHARACTERS, NAMES_BYTES_MAX, NAMES_MAX};

/// How all names are shown for which there is no room.
const OTHER: &str = "(other)";

/// A name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sym(u32);

impl Sym {
    /// What stands for all names for which there is no room.
    pub(crate) const OTHER: Self = Self(0);
}

/// Every name that has been seen.
#[derive(Debug)]
pub(crate) struct Symbols {
    numbers: HashMap<Arc<str>, Sym>,
    names: Vec<Arc<str>>,
    bytes: usize,
}

impl Symbols {
    pub(crate) fn new() -> Self {
        Self {
            // Not found by its name: somebody may be called so.
            numbers: HashMap::new(),
            names: vec![OTHER.into()],
            bytes: 0,
        }
    }

    /// The number of a name; long names are cut.
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        let name = cut(name, NAME_CHARACTERS);
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        if self.names.len() >= NAMES_MAX || self.bytes + name.len() > NAMES_BYTES_MAX {
            return Sym::OTHER;
        }
        self.bytes += name.len();
        let number = Sym(u32::try_from(self.names.len()).unwrap_or(0));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    pub(crate) fn find(&self, name: &str) -> Option<Sym> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name(&self, symbol: Sym) -> &str {
        self.names.get(symbol.0 as usize).map_or(OTHER, |name| name)
    }
}

/// The first `characters` of a text.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    text.char_indices()
        .nth(characters)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_long_ones_are_cut_between_characters() {
        let mut symbols = Symbols::new();
        let (a, b) = (symbols.intern("a"), symbols.intern("b"));
        assert_ne!(a, b);
        assert_eq!(symbols.intern("a"), a);
        assert_eq!(symbols.name(b), "b");
        assert_ne!(symbols.intern(OTHER), Sym::OTHER);
        let long = symbols.intern(&"é".repeat(1_000));
        assert_eq!(symbols.name(long).chars().count(), NAME_CHARACTERS);
    }

    #[test]
    fn more_names_than_there_is_room_for_share_one() {
        let mut symbols = Symbols::new();
        for number in 0..NAMES_MAX + 10 {
            symbols.intern(&number.to_string());
        }
        let late = symbols.intern("one more");
        assert_eq!(late, Sym::OTHER);
        assert_eq!(symbols.name(late), OTHER);
        assert_eq!(symbols.names.len(), NAMES_MAX);
    }

    #[test]
    fn long_names_fill_the_room_sooner() {
        let mut symbols = Symbols::new();
        let long = "é".repeat(NAME_CHARACTERS - 6);
        for number in 0..NAMES_MAX {
            symbols.intern(&format!("{number:06}{long}"));
        }
        assert!(symbols.bytes <= NAMES_BYTES_MAX && symbols.names.len() < NAMES_MAX);
        assert_eq!(
            symbols.intern(&format!("{:06}{long}", NAMES_MAX)),
            Sym::OTHER
        );
        assert_ne!(
            symbols.intern(&format!("000000{long}")),
            Sym::OTHER,
            "known ones stay"
        );
    }
}
