-- The log: what must never be lost. Everything in books.sql can be thrown away and comes back from here.

-- What this file is. One row, written once.
CREATE TABLE ledger (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    origin      TEXT NOT NULL
) STRICT;

-- body is the whole event as canonical JSON; every other column is there to find it and must agree with it.
CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    stream      TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    event_id    BLOB NOT NULL CHECK (length(event_id) = 16),
    kind        TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    body        BLOB NOT NULL CHECK (length(body) <= 65535),
    leaf        BLOB NOT NULL CHECK (length(leaf) = 32)
) STRICT;
CREATE UNIQUE INDEX events_stream ON events (stream, revision);
CREATE UNIQUE INDEX events_event_id ON events (event_id);
-- The part of the ledger stream that rules ask for; refusals and rebuilds grow without end and are left out.
CREATE INDEX events_registry ON events (position)
    WHERE stream = 'ledger' AND kind NOT IN ('append_refused', 'projection_rebuilt');

-- A fence against our own bugs, not security: tampering is what the tree and the audit are for.
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

-- The end of the log: RFC 6962 frontier over all leaves. One row, changed with every commit.
CREATE TABLE tip (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    position    INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    frontier    BLOB NOT NULL
) STRICT;

-- The same key with the same content is the same fact; this finds it.
CREATE TABLE keys (
    source      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    external_id TEXT NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (source, kind, external_id)
) STRICT, WITHOUT ROWID;

-- Which claims are on an order.
CREATE TABLE claim_orders (
    order_id    TEXT NOT NULL,
    claim       TEXT NOT NULL,
    PRIMARY KEY (order_id, claim)
) STRICT, WITHOUT ROWID;

-- What the commitments in bodies stand for. The only table from which values are erased on request.
CREATE TABLE personal (
    position    INTEGER NOT NULL,
    path        TEXT NOT NULL,
    salt        BLOB NOT NULL CHECK (length(salt) = 32),
    value       TEXT NOT NULL,
    PRIMARY KEY (position, path)
) STRICT, WITHOUT ROWID;

-- The file may still hold bytes of erased values outside its tables while more was erased than was cleaned. Counted with
-- the erasure itself, so that whoever opens the ledger after an interruption knows what is left to do.
CREATE TABLE erasures (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    erased      INTEGER NOT NULL,
    cleaned     INTEGER NOT NULL
) STRICT;
