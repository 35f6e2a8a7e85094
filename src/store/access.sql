-- Who may ask the service, beside the ledger and never in it: nothing here is of the log, and nothing here can be
-- replayed. Secrets stand only as hashes. Times are microseconds since 1970.
CREATE TABLE person (
    actor TEXT PRIMARY KEY,
    password TEXT,                          -- argon2id as a PHC string; NULL = invited only
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;
-- One-time links. Without an actor: the link with which the first admin is set up.
CREATE TABLE invite (
    hash BLOB PRIMARY KEY,
    actor TEXT,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_actor ON session (actor);
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    actor TEXT NOT NULL,
    source TEXT NOT NULL,
    scopes TEXT NOT NULL,                   -- words with blanks between
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
-- Failed logins by the name that was typed, whether or not anybody is called so.
CREATE TABLE attempt (
    name TEXT PRIMARY KEY,
    failed INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT;
-- Acts that wait for a second person.
CREATE TABLE approval (
    id TEXT PRIMARY KEY,
    requester TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT NOT NULL,
    command TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,                    -- pending, approved, rejected
    decided_by TEXT,
    decided_at INTEGER,
    receipt TEXT
) STRICT;
-- What was done to all of this, by whom. Only ever added to.
CREATE TABLE act (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL
) STRICT;
CREATE TRIGGER act_is_not_changed BEFORE UPDATE ON act BEGIN SELECT RAISE(ABORT, 'acts are only added'); END;
CREATE TRIGGER act_is_not_deleted BEFORE DELETE ON act BEGIN SELECT RAISE(ABORT, 'acts are only added'); END;
