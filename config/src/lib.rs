//! Typed settings with positions: syntax, shape, meaning, all errors at once.

pub mod settings;

pub use adapter::setting::{Duration, Secret, SecretText, Size};
pub use settings::{
    Adapter, Algorithm, Audit, Authorization, Breaker, Client, ClientCertificates, Config, Gateway, Introspection,
    Issuer, JwkSet, Limits, LogFormat, OnFull, OtlpProtocol, PlainHttp, Practice, Rate, RateLimits, Retry, Route,
    Telemetry, Tls, Types, ValidateMode,
};
