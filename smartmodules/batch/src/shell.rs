//! Holds the buffers and the state between the calls of Fluvio's SmartModule engine.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::input::{Input, Records, read_params};
use crate::output;

/// The return values of the exported functions, as the engine defines them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// The output is one record.
    OneRecord = 1,
    /// There is no output.
    Done = 0,
    /// `init` rejected the parameters; the output is the error.
    InitError = -2,
    /// The input of `init` is not a list of parameters.
    InitInput = -10,
    /// The input of the transform is not a batch, or `init` has not created the state.
    TransformInput = -11,
}

/// The buffers and the state of one SmartModule in one stream.
#[derive(Debug)]
pub struct Shell<S> {
    input: Vec<u8>,
    value: Vec<u8>,
    output: Vec<u8>,
    state: Option<S>,
}

impl<S> Default for Shell<S> {
    fn default() -> Self {
        Self {
            input: Vec::new(),
            value: Vec::new(),
            output: Vec::new(),
            state: None,
        }
    }
}

impl<S> Shell<S> {
    /// Returns the buffer for the next call's input of `length` bytes. The buffer is reused and only grows.
    pub fn input(&mut self, length: usize) -> &mut [u8] {
        if self.input.len() < length {
            self.input.resize(length, 0);
        }
        &mut self.input[..length]
    }

    /// Returns the output for the engine to read after a call.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Creates the state from the parameters in the first `length` bytes of the input.
    pub fn init<E: Display>(
        &mut self,
        length: usize,
        configure: impl FnOnce(BTreeMap<String, String>) -> Result<S, E>,
    ) -> Status {
        self.output.clear();
        let Some(params) = self.input.get(..length).and_then(read_params) else {
            return Status::InitInput;
        };
        match configure(params) {
            Ok(state) => {
                self.state = Some(state);
                Status::Done
            }
            Err(error) => {
                output::write_init_error(&error.to_string(), &mut self.output);
                Status::InitError
            }
        }
    }

    /// Processes one batch, the first `length` bytes of the input. `batch` appends the value of the output
    /// record.
    pub fn transform(
        &mut self,
        length: usize,
        version: i32,
        batch: impl FnOnce(&mut S, Records<'_>, &mut Vec<u8>),
    ) -> Status {
        self.value.clear();
        self.output.clear();
        let input = self
            .input
            .get(..length)
            .and_then(|bytes| Input::read(bytes, version));
        let (Some(input), Some(state)) = (input, self.state.as_mut()) else {
            return Status::TransformInput;
        };
        let records = input.records();
        let last = records.claimed().saturating_sub(1);
        batch(state, records, &mut self.value);
        output::write_record(&self.value, last.into(), &mut self.output);
        Status::OneRecord
    }
}
