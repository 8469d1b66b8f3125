-- +goose Up

-- version is of the cryptograms that a token's phone makes. Before it was
-- kept, all were of version 18, from secure elements. merchant is '' for any.
ALTER TABLE tokens ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN merchant TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN suspended_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN passcode_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN passcode_expires INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN passcode_tries INTEGER NOT NULL DEFAULT 0;
UPDATE tokens SET version = 18 WHERE type = 'SE';
-- Nobody but operators could suspend.
UPDATE tokens SET suspended_by = 'operator' WHERE status = 'S';

CREATE INDEX tokens_by_pan ON tokens (pan_ref);

-- question is JSON: see vault.EncodeQuestion. reversed_by is the key of the
-- request that reversed it, pan_ref the account it is about; '' is none. mark
-- is the keyed hash of what a tap must not bring twice with its counter.
ALTER TABLE transactions ADD COLUMN question BLOB;
ALTER TABLE transactions ADD COLUMN reversed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN pan_ref TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN atc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN mark BLOB;
CREATE INDEX transactions_marked ON transactions (reference, atc) WHERE mark IS NOT NULL;

-- passcode is the number of the passcode that a notice brings; 0 for none.
ALTER TABLE notices ADD COLUMN passcode INTEGER NOT NULL DEFAULT 0;

-- advice is JSON: see vault.EncodeAdvice. ended_at is the acknowledgement.
CREATE TABLE advices (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	transaction_id TEXT NOT NULL,
	kind           TEXT NOT NULL,
	advice         BLOB NOT NULL,
	tries          INTEGER NOT NULL DEFAULT 0,
	queued_at      INTEGER NOT NULL,
	due_at         INTEGER NOT NULL,
	ended_at       INTEGER NOT NULL DEFAULT 0,
	UNIQUE (transaction_id, kind)
) STRICT;
CREATE INDEX advices_waiting ON advices (id) WHERE ended_at = 0;

-- Limited-use keys by their index YHHHHCC. The keys themselves are nowhere.
CREATE TABLE lent_keys (
	reference TEXT NOT NULL,
	key_index TEXT NOT NULL,
	lent_at   INTEGER NOT NULL,
	uses      INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (reference, key_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX lent_keys_by_age ON lent_keys (lent_at);
