//! The runner's registrations of all derivations. The binary, the golden tests and the tests of the built
//! SmartModules share them.

use dataflow::Registration;

macro_rules! registrations {
    ($($source:ident { $($kind:ident $derivation:ty,)* })*) => {
        /// Returns the registrations of all derivations.
        pub fn registrations() -> Vec<Registration> {
            vec![$($(Registration::$kind::<$derivation>(),)*)*]
        }
    };
}

folds::with_derivations!(registrations);

/// Returns the registration of one derived topic; `None` if no derivation has this name.
pub fn registration(name: &str) -> Option<Registration> {
    let mut registrations = registrations().into_iter();
    registrations.find(|registration| registration.name() == name)
}
