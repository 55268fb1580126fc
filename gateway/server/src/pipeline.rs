//! The life of a request, one readable function.
