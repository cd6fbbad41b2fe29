//! The runner: merge partials, advance watermarks, write closed windows.
