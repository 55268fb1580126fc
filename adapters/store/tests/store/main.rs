//! The embedded store from outside, through the adapter trait.

mod support;
mod write;
