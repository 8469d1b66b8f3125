-- +goose Up

-- Requests of issuers' clients, with the account as it was answered.
-- request_ref is the keyed hash of client and id.
CREATE TABLE requests (
	request_ref BLOB PRIMARY KEY,
	content     BLOB NOT NULL,
	at          INTEGER NOT NULL,
	enrolled    INTEGER NOT NULL,
	generation  INTEGER NOT NULL,
	since       INTEGER NOT NULL,
	in_row      INTEGER NOT NULL,
	in_day      INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_by_age ON requests (at);

-- Failures on scopes one by one, and by whole minutes: an hour is the sum of
-- its minutes and of the failures in the minute that it begins in.
CREATE TABLE scope_failures (
	scope     TEXT NOT NULL,
	failed_at INTEGER NOT NULL,
	key       TEXT NOT NULL,
	PRIMARY KEY (scope, failed_at, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE scope_minutes (
	scope    TEXT NOT NULL,
	minute   INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	PRIMARY KEY (scope, minute)
) STRICT, WITHOUT ROWID;

-- For what is too old to count and whose account or scope never comes again.
CREATE INDEX failures_by_age ON failures (failed_at);
CREATE INDEX scope_failures_by_age ON scope_failures (failed_at);
CREATE INDEX scope_minutes_by_age ON scope_minutes (minute);

-- registration is JSON: see vault.EncodeRegistration.
CREATE TABLE ranges (
	digits       TEXT PRIMARY KEY,
	registration BLOB NOT NULL,
	removed      INTEGER NOT NULL,
	said         TEXT NOT NULL,
	revision     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
