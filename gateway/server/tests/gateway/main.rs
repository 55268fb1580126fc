//! The gateway in this process, spoken to over real sockets.

mod harness;

mod interactions;
