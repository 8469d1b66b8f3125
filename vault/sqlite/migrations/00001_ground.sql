-- +goose Up

-- The check value of the keys the store is written under: one row.
CREATE TABLE cipher (
	only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
	key_check BLOB NOT NULL
) STRICT;

-- Times are Unix nanoseconds, UTC; 0 is no time.
-- pan_ref and number_ref are keyed references; *_sealed is AES-256-GCM.

CREATE TABLE enrolments (
	pan_ref    TEXT PRIMARY KEY,
	enrolled   INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	since      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failures in a row since the last success.
CREATE TABLE attempts (
	pan_ref TEXT PRIMARY KEY,
	in_row  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failures one by one, for the rolling day.
CREATE TABLE failures (
	pan_ref   TEXT NOT NULL,
	failed_at INTEGER NOT NULL,
	key       TEXT NOT NULL,
	PRIMARY KEY (pan_ref, failed_at, key)
) STRICT, WITHOUT ROWID;

-- Codes that were used, with the request that used them.
CREATE TABLE spent (
	pan_ref      TEXT NOT NULL,
	window_index INTEGER NOT NULL,
	window_hours INTEGER NOT NULL,
	key          TEXT NOT NULL,
	PRIMARY KEY (pan_ref, window_index, window_hours)
) STRICT, WITHOUT ROWID;

CREATE INDEX spent_by_key ON spent (key);

-- subject is what the audit trail calls the transaction's account or token.
CREATE TABLE transactions (
	number         INTEGER PRIMARY KEY,
	key            TEXT NOT NULL UNIQUE,
	content        BLOB NOT NULL,
	kind           TEXT NOT NULL,
	transaction_id TEXT NOT NULL,
	subject        TEXT NOT NULL,
	claimed_at     INTEGER NOT NULL,
	concluded_at   INTEGER NOT NULL DEFAULT 0,
	outcome        BLOB
) STRICT;

CREATE INDEX transactions_unfinished ON transactions (number) WHERE outcome IS NULL;

CREATE TABLE tokens (
	reference      TEXT PRIMARY KEY,
	number_ref     TEXT NOT NULL UNIQUE,
	number_sealed  BLOB NOT NULL,
	sequence       INTEGER NOT NULL,
	expiry         TEXT NOT NULL,
	status         TEXT NOT NULL,
	type           TEXT NOT NULL,
	requestor      TEXT NOT NULL,
	device_id      TEXT NOT NULL,
	pan_ref        TEXT NOT NULL,
	pan_sealed     BLOB NOT NULL,
	pan_sequence   INTEGER NOT NULL,
	pan_expiry     TEXT NOT NULL,
	issuer         TEXT NOT NULL,
	transaction_id TEXT NOT NULL,
	key_version    INTEGER NOT NULL,
	atc            INTEGER NOT NULL,
	created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE token_history (
	reference  TEXT NOT NULL,
	stepped_at INTEGER NOT NULL,
	event      TEXT NOT NULL,
	status     TEXT NOT NULL
) STRICT;

CREATE INDEX token_history_by_reference ON token_history (reference);

-- ended_at is the acknowledgement; superseded marks a notice that a later
-- step of the token queued anew.
CREATE TABLE notices (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	transaction_id TEXT NOT NULL,
	reason         TEXT NOT NULL,
	reference      TEXT NOT NULL,
	result         TEXT NOT NULL,
	tries          INTEGER NOT NULL DEFAULT 0,
	queued_at      INTEGER NOT NULL,
	due_at         INTEGER NOT NULL,
	ended_at       INTEGER NOT NULL DEFAULT 0,
	superseded     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX notices_once ON notices (transaction_id, reason) WHERE superseded = 0;
CREATE INDEX notices_waiting ON notices (id) WHERE ended_at = 0 AND superseded = 0;

CREATE TABLE audit (
	number         INTEGER PRIMARY KEY,
	at             INTEGER NOT NULL,
	event          TEXT NOT NULL,
	subject        TEXT NOT NULL,
	transaction_id TEXT NOT NULL,
	detail         TEXT NOT NULL,
	hash           BLOB NOT NULL
) STRICT;

CREATE INDEX audit_of_transaction ON audit (transaction_id) WHERE transaction_id <> '';
