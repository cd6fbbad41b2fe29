//! What the dashboard is told when it is started.

use std::fmt::{self, Debug, Formatter};
use std::net::SocketAddr;

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
    /// Who may look.
    pub access: Access,
}

/// Who may look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Programs of this machine alone: no other address is listened on.
    Loopback,
    /// Whoever shows the token.
    Token(Token),
    /// Whoever reaches the address.
    Anybody,
}

impl Access {
    /// Refuses to show everything to the network by mistake.
    pub(crate) fn check(&self, address: SocketAddr) -> Result<(), StartError> {
        if *self == Self::Loopback && !address.ip().is_loopback() {
            return Err(StartError::Open(address));
        }
        Ok(())
    }
}

/// A secret of those who may look. It is never printed.
#[derive(Clone, PartialEq, Eq)]
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
    fn without_a_token_only_this_machine_is_listened_to() {
        let check = |access: Access, address: &str| access.check(address.parse().unwrap()).is_ok();
        let token = Access::Token(Token::new("correct-horse-battery").unwrap());
        assert!(check(Access::Loopback, "127.0.0.1:80") && check(Access::Loopback, "[::1]:80"));
        assert!(!check(Access::Loopback, "0.0.0.0:80") && !check(Access::Loopback, "[::]:80"));
        assert!(check(token, "0.0.0.0:80") && check(Access::Anybody, "0.0.0.0:80"));
    }

    #[test]
    fn a_token_is_long_whole_and_never_printed() {
        let token = Token::new(" correct-horse-battery\n").unwrap();
        assert!(token.is(b"correct-horse-battery") && !token.is(b"correct-horse-batterY"));
        assert!(!format!("{token:?}").contains("horse"));
        assert!(Token::new("short").is_err() && Token::new("two words are no token").is_err());
    }
}
