//! The interface through which a derivation emits an event's contributions.

/// Receives the contributions of one event.
pub trait Emit<P> {
    /// Returns the event's offset in its partition.
    fn offset(&self) -> i64;

    /// Applies `add` to the partial of the key with these fields, in the window or session of the event. The event is
    /// counted once, for the first key.
    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P));
}
