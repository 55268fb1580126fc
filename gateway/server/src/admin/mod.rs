//! Admin port: health, metrics, web console.
