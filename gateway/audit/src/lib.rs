//! Audit: compact records in a segmented log, read back as AuditEvents.
