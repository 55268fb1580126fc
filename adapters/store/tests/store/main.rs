//! The embedded store from outside, through the adapter trait.

mod backup;
mod crash;
mod disk;
mod support;
mod write;
