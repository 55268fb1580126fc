//! `[limits]` and `[rate-limits]`: what one request, one connection, one client and all of them together may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Size};

/// `[limits]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Limits {
    /// All header fields of a request together, the request line too.
    pub header_size: Size,
    /// Header fields of a request.
    pub headers: u16,
    /// One request body.
    pub body: Size,
    /// All bodies in flight together; beyond it a request with a body is answered 503.
    pub bodies_in_flight: Size,
    /// One reply of a back end that has to be held in memory.
    pub reply: Size,
    /// From the first byte to the last of a request's header.
    pub header_time: Duration,
    /// The slowest body that is waited for, bytes per second; counted after the first seconds.
    pub body_rate: Size,
    /// A connection without a request.
    pub idle: Duration,
    /// One request from its header to the last byte of its answer.
    pub total: Duration,
    /// Connections at a time.
    pub connections: u32,
    /// Connections of one address at a time.
    pub connections_per_address: u32,
    /// HTTP/2 streams of one connection at a time.
    pub streams: u32,
    /// HTTP/2 streams that a client may reset before they are answered, waiting to be cleaned up.
    pub resets: u32,
    /// HTTP/2 flow-control window of a stream.
    pub stream_window: Size,
    /// HTTP/2 flow-control window of a connection.
    pub connection_window: Size,
    /// The TLS handshake.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_size: Size::from_kib(32),
            headers: 100,
            body: Size::from_mib(2),
            bodies_in_flight: Size::from_mib(64),
            reply: Size::from_mib(16),
            header_time: Duration::from_secs(10),
            body_rate: Size::from_kib(1),
            idle: Duration::from_secs(75),
            total: Duration::from_secs(60),
            connections: 10_000,
            connections_per_address: 2_000,
            streams: 128,
            resets: 32,
            stream_window: Size::from_kib(256),
            connection_window: Size::from_mib(1),
            handshake: Duration::from_secs(10),
        }
    }
}

/// `[rate-limits]`: beyond a rate the answer is 429 with Retry-After.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RateLimits {
    /// Requests of one client.
    pub client: Rate,
    /// Requests of one address (an IPv6 address counts as its /64).
    pub address: Rate,
    /// Token requests of one address, counted before anything is verified.
    pub token: Rate,
    /// Failed authentications of one address.
    pub failures: Rate,
    /// Addresses and clients that are remembered at a time.
    pub tracked: u32,
}

/// A rate with a burst: `{ per-second = 100, burst = 200 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Requests a second in the long run.
    #[schemars(range(min = 1))]
    pub per_second: u32,
    /// Requests at once after a rest.
    #[schemars(range(min = 1))]
    pub burst: u32,
}

impl Rate {
    /// A rate.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            client: Rate::new(200, 400),
            address: Rate::new(400, 800),
            token: Rate::new(5, 20),
            failures: Rate::new(1, 20),
            tracked: 100_000,
        }
    }
}
