//! Stage 6: call the plan's adapters (shed, deadline, retry, breaker).
