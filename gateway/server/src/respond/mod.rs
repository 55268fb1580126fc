//! Stage 7: reply to HTTP response, audit.
