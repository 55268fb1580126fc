//! What goes wrong on the client's side of the gateway, and under it.

mod disconnects;
mod limits;
mod smuggling;
mod storage;
pub(crate) mod tls;
