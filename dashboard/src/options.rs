//! What the dashboard is told when it is started.

use std::fmt::{self, Debug, Formatter};

use client::Cluster;
use subtle::ConstantTimeEq;

use crate::error::StartError;

/// Shorter tokens can be guessed.
const TOKEN_CHARACTERS_MIN: usize = 16;

/// How the dashboard runs.
#[derive(Debug)]
pub struct Options {
    /// The cluster whose topics are shown. They may come to be later.
    pub cluster: Cluster,
    /// What a browser must show to see data; without it whoever reaches the address may look.
    pub token: Option<Token>,
}

/// A secret of those who may look. It is never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token in a text; white space around it is not part of it.
    pub fn new(text: &str) -> Result<Self, StartError> {
        let text = text.trim();
        let length = text.chars().count();
        if length < TOKEN_CHARACTERS_MIN || text.chars().any(char::is_whitespace) {
            return Err(StartError::WeakToken(length));
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

impl Debug for Token {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_whole_and_never_printed() {
        let token = Token::new(" correct-horse-battery\n").unwrap();
        assert!(token.is(b"correct-horse-battery") && !token.is(b"correct-horse-batterY"));
        assert!(!format!("{token:?}").contains("horse"));
        assert!(Token::new("short").is_err() && Token::new("two words are no token").is_err());
    }
}
