//! Interns names to save memory: a history repeats the same few names in hundreds of thousands of rows.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::{NAME_CHARACTERS, NAMES_BYTES_MAX, NAMES_MAX};

/// The text that replaces all names beyond the limit.
const OTHER: &str = "(other)";

/// An interned name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Symbol(u32);

impl Symbol {
    /// The symbol that all names beyond the limit share.
    pub(crate) const OTHER: Self = Self(0);
}

/// All interned names.
#[derive(Debug)]
pub(crate) struct Symbols {
    numbers: HashMap<Arc<str>, Symbol>,
    names: Vec<Arc<str>>,
    bytes: usize,
}

impl Symbols {
    pub(crate) fn new() -> Self {
        Self {
            // `OTHER` has no entry here, because an event may contain a name with the same text.
            numbers: HashMap::new(),
            names: vec![OTHER.into()],
            bytes: 0,
        }
    }

    /// Returns the symbol of a name. Long names are truncated first.
    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        let name = cut(name, NAME_CHARACTERS);
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        if self.names.len() >= NAMES_MAX || self.bytes + name.len() > NAMES_BYTES_MAX {
            return Symbol::OTHER;
        }
        self.bytes += name.len();
        let number = Symbol(u32::try_from(self.names.len()).unwrap_or(0));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    pub(crate) fn find(&self, name: &str) -> Option<Symbol> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name(&self, symbol: Symbol) -> &str {
        self.names.get(symbol.0 as usize).map_or(OTHER, |name| name)
    }
}

/// Returns the first `characters` characters of a text.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    text.char_indices()
        .nth(characters)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_keep_their_names_and_long_names_are_cut_between_characters() {
        let mut symbols = Symbols::new();
        let (a, b) = (symbols.intern("a"), symbols.intern("b"));
        assert_ne!(a, b);
        assert_eq!(symbols.intern("a"), a);
        assert_eq!(symbols.name(b), "b");
        assert_ne!(symbols.intern(OTHER), Symbol::OTHER);
        let long = symbols.intern(&"é".repeat(1_000));
        assert_eq!(symbols.name(long).chars().count(), NAME_CHARACTERS);
    }

    #[test]
    fn names_over_the_limit_share_one_symbol() {
        let mut symbols = Symbols::new();
        for number in 0..NAMES_MAX + 10 {
            symbols.intern(&number.to_string());
        }
        let late = symbols.intern("one more");
        assert_eq!(late, Symbol::OTHER);
        assert_eq!(symbols.name(late), OTHER);
        assert_eq!(symbols.names.len(), NAMES_MAX);
    }

    #[test]
    fn long_names_reach_the_limit_of_bytes() {
        let mut symbols = Symbols::new();
        let long = "é".repeat(NAME_CHARACTERS - 6);
        for number in 0..NAMES_MAX {
            symbols.intern(&format!("{number:06}{long}"));
        }
        assert!(symbols.bytes <= NAMES_BYTES_MAX && symbols.names.len() < NAMES_MAX);
        assert_eq!(
            symbols.intern(&format!("{:06}{long}", NAMES_MAX)),
            Symbol::OTHER
        );
        assert_ne!(
            symbols.intern(&format!("000000{long}")),
            Symbol::OTHER,
            "known names stay"
        );
    }
}
