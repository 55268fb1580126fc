//! TCP, TLS, HTTP/1.1 and HTTP/2, limits, graceful shutdown.
