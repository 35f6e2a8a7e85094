-- The books: rows that people read instead of the log. Written by one function on append and on rebuild.
-- A rebuild makes these tables anew under the suffix in place of {suffix}, and swaps the names.

CREATE TABLE claims_board{suffix} (
    claim            TEXT PRIMARY KEY,
    order_id         TEXT,
    merchant         TEXT NOT NULL,
    country          TEXT NOT NULL,
    reason           TEXT NOT NULL,
    stage            TEXT NOT NULL,
    flags            TEXT NOT NULL,
    opened_on        TEXT NOT NULL,
    currency         TEXT NOT NULL,
    units_claimed    INTEGER NOT NULL,
    units_announced  INTEGER NOT NULL,
    units_authorized INTEGER NOT NULL,
    units_received   INTEGER NOT NULL,
    units_accepted   INTEGER NOT NULL,
    units_refunded   INTEGER NOT NULL,
    owed_minor       INTEGER NOT NULL,
    credited_minor   INTEGER NOT NULL,
    open_minor       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE claim_detail{suffix} (
    claim  TEXT PRIMARY KEY,
    detail TEXT NOT NULL
) STRICT;

CREATE TABLE refund_totals{suffix} (
    merchant       TEXT NOT NULL,
    country        TEXT NOT NULL,
    reason         TEXT NOT NULL,
    kind           TEXT NOT NULL,
    month          TEXT NOT NULL,
    currency       TEXT NOT NULL,
    credits        INTEGER NOT NULL,
    credited_minor INTEGER NOT NULL,
    reversed_minor INTEGER NOT NULL,
    failed_minor   INTEGER NOT NULL,
    PRIMARY KEY (merchant, country, reason, kind, month, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE obligations{suffix} (
    claim      TEXT NOT NULL,
    what       TEXT NOT NULL,
    item       TEXT NOT NULL,
    merchant   TEXT NOT NULL,
    currency   TEXT NOT NULL,
    open_minor INTEGER NOT NULL,
    open_units INTEGER NOT NULL,
    since      TEXT NOT NULL,
    PRIMARY KEY (claim, what, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals{suffix} (
    position INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT,
    reason   TEXT NOT NULL,
    message  TEXT NOT NULL,
    cites    TEXT NOT NULL
) STRICT;
