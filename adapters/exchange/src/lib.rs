//! HTTP to one back end: pooled connections, trust, authorization, bounded bodies. Shared by the adapters that speak HTTP.

pub mod authorization;
pub mod body;
pub mod capability;
pub mod client;
mod connect;
pub mod settings;
mod tls;
mod token;

pub use authorization::{Authorization, Grant};
pub use client::Client;
pub use settings::Connection;
pub use token::{Token, Tokens};
