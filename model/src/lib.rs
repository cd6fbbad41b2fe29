//! The vocabulary of game analytics: events, reject reasons, time and windows, merges, derivations.
