//! Typed settings with positions: syntax, shape, meaning, all errors at once.
