//! The embedded store from outside, through the adapter trait.

mod backup;
mod contract;
mod crash;
mod disk;
mod oracle;
mod search;
mod support;
mod write;
