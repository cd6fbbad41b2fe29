//! The `init` function shared by the SmartModules that use Fluvio's own macro. Natively this crate is empty.

#[cfg(target_arch = "wasm32")]
mod parameters;

#[cfg(target_arch = "wasm32")]
pub use parameters::all;

/// Exports `init`, which the engine calls once for each stream. It creates the module's state from the
/// stream's parameters and stores it in a thread-local variable with the given name.
#[macro_export]
macro_rules! init {
    (static $name:ident: $state:ty) => {
        ::std::thread_local! {
            static $name: ::std::cell::RefCell<$state> = ::std::cell::RefCell::default();
        }

        #[::fluvio_smartmodule::smartmodule(init)]
        fn init(
            params: ::fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams,
        ) -> ::fluvio_smartmodule::Result<()> {
            let state = <$state>::from_params(&$crate::all(&params)?)?;
            $name.set(state);
            Ok(())
        }
    };
}
