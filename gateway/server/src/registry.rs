//! Every adapter kind, one line each.
