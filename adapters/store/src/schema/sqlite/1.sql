-- Version 1. Resources are tombstoned, never removed, so keys are never used twice.

-- One practice's resources of one type. Its key is the high part of the keys of its resources.
CREATE TABLE scope (
    key INTEGER PRIMARY KEY,
    practice TEXT NOT NULL,
    type TEXT NOT NULL,
    UNIQUE (practice, type)
) STRICT;

-- A search parameter of a scope: what index rows are keyed by.
CREATE TABLE parameter (
    key INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    code TEXT NOT NULL,
    UNIQUE (scope, code)
) STRICT;

-- key is scope * 2^40 + sequence: the resources of a scope lie together, in the order of their creation.
CREATE TABLE resource (
    key INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    id TEXT NOT NULL,
    current INTEGER NOT NULL,
    number INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    UNIQUE (scope, id)
) STRICT;
CREATE INDEX resource_updated ON resource (scope, updated);

-- body is the JSON as it is answered, id and meta included; NULL where the version is a deletion.
CREATE TABLE version (
    key INTEGER PRIMARY KEY,
    resource INTEGER NOT NULL,
    number INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    method INTEGER NOT NULL,
    body BLOB,
    UNIQUE (resource, number)
) STRICT;

-- Index rows of the current versions. Clustered by what is searched for: one B-tree insertion a row.
CREATE TABLE token (
    parameter INTEGER NOT NULL,
    code TEXT NOT NULL,
    resource INTEGER NOT NULL,
    system TEXT NOT NULL,
    PRIMARY KEY (parameter, code, resource, system)
) STRICT, WITHOUT ROWID;

CREATE TABLE text (
    parameter INTEGER NOT NULL,
    value TEXT NOT NULL,
    resource INTEGER NOT NULL,
    exact TEXT NOT NULL,
    PRIMARY KEY (parameter, value, resource, exact)
) STRICT, WITHOUT ROWID;

CREATE TABLE date (
    parameter INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (parameter, low, high, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX date_resource ON date (resource, parameter);

-- target is an id with its type, or a URL (type '').
CREATE TABLE link (
    parameter INTEGER NOT NULL,
    target TEXT NOT NULL,
    resource INTEGER NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (parameter, target, resource, type)
) STRICT, WITHOUT ROWID;

-- Facts about the database itself: 'index' is the fingerprint of what the index rows were made with.
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
