//! Search: parameters compiled from their expressions, queries, extraction, matching, compartments.
