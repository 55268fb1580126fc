//! Typed settings with positions: syntax, shape, meaning, all errors at once.

mod load;
mod meaning;
mod nearest;
mod schema;
pub mod settings;
mod shape;
pub mod source;

pub use adapter::setting::{Duration, Secret, SecretError, SecretText, Size};
pub use load::{LoadError, OUT_OF_THE_BOX, check, load, parse, shape};
pub use schema::schema;
pub use settings::{
    Adapter, AdapterSettings, Algorithm, Audit, Authorization, Breaker, Bulk, Client, ClientCertificates, Config,
    Gateway, Introspection, Issuer, JwkSet, Limits, LogFormat, OnFull, OtlpProtocol, Owners, Packages, PlainHttp,
    Practice, PracticePackages, Rate, RateLimits, Retry, Route, Telemetry, Terminology, Tls, TypeRules, Types,
    ValidateMode,
};
pub use source::{Fault, Report, Source};
