//! A shell for Fluvio SmartModules that process a whole batch at once, without copying it.
//!
//! Fluvio's conventional macro decodes each record byte by byte into allocations of its own, calls a function for
//! each record, and leaks every output. This shell reads the input buffer in place and passes on borrowed
//! [`Record`]s with their true offsets and timestamps. It emits exactly one output record for each batch, and
//! reuses its buffers, so that memory use stays bounded.
//!
//! ```text
//! smartmodule_batch::export! {
//!     state: Counter,
//!     configure: |params| Counter::new(params), // once per stream; Result<Counter, impl Display>
//!     batch: |counter, records, value| counter.count(records, value), // appends the output's value
//! }
//! ```
//!
//! A result must not depend on state from earlier batches: a server may run a batch twice, and it loses all
//! state when a client reconnects.

mod input;
mod output;
mod read;
mod shell;

pub use input::{Input, Record, Records};
pub use shell::{Shell, Status};

/// The examples of the README, compiled as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Exports the functions that Fluvio's engine calls: `alloc`, `init` and `filter_map`. (The name `filter_map`
/// only determines how the engine labels errors.) Natively the macro expands to nothing, so that several
/// modules can be linked into one binary.
#[macro_export]
macro_rules! export {
    (state: $state:ty, configure: $configure:expr, batch: $batch:expr $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the engine finds functions by their unmangled names")]
        mod exports {
            #[allow(unused_imports)]
            use super::*;

            std::thread_local! {
                static SHELL: std::cell::RefCell<$crate::Shell<$state>> = std::cell::RefCell::default();
            }

            // SAFETY: the engine provides this function to every module; it only stores the address.
            unsafe extern "C" {
                safe fn copy_records(place: *const u8, length: usize);
            }

            // SAFETY: a SmartModule is linked on its own, so no other symbol has this name.
            #[unsafe(no_mangle)]
            extern "C" fn alloc(length: usize) -> *mut u8 {
                SHELL.with_borrow_mut(|shell| shell.input(length).as_mut_ptr())
            }

            // SAFETY: a SmartModule is linked on its own, so no other symbol has this name.
            #[unsafe(no_mangle)]
            extern "C" fn init(_input: *const u8, length: usize, _version: i32) -> i32 {
                SHELL.with_borrow_mut(|shell| {
                    let status = shell.init(length, $configure);
                    copy_records(shell.output().as_ptr(), shell.output().len());
                    status as i32
                })
            }

            // SAFETY: a SmartModule is linked on its own, so no other symbol has this name.
            #[unsafe(no_mangle)]
            extern "C" fn filter_map(_input: *const u8, length: usize, version: i32) -> i32 {
                SHELL.with_borrow_mut(|shell| {
                    let status = shell.transform(length, version, $batch);
                    copy_records(shell.output().as_ptr(), shell.output().len());
                    status as i32
                })
            }
        }
    };
}
