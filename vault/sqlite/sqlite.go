// Package sqlite is the embedded vault: one SQLite file, owned by one process.
//
// One goroutine writes. It commits the changes of many callers in one
// transaction, so that one fsync serves them all; a change that does not hold
// undoes nothing of its neighbours. Readers have connections of their own and
// never wait for the writer; tokens that were read or made lately stay in memory.
//
// The file is in WAL mode. SQLite commits without waiting for the disk, and the
// writer itself waits until the WAL is there, while what comes next is applied: a
// change whose method has returned survives kill -9 and a power cut. Readers may
// see a change for as long as the disk takes before that.
//
// It never holds a clear PAN in the file, never opens a file that a newer
// program wrote or that was written under other keys, and never shares the
// file with another process. Do not open the live file with a sqlite3 shell.
// Start at Open.
package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/pressly/goose/v3"

	"github.com/firsttap/firsttap/vault"
)

const (
	// readersMin is how many readers may work at once, even on one core.
	readersMin = 4
	// busyMilliseconds is how long a connection waits for a lock of another
	// one. Only checkpoints ever make one wait.
	busyMilliseconds = 10_000
	// pageCacheKiB is the most a reader keeps of the file in memory.
	pageCacheKiB = 32 << 10
	// writerCacheKiB is the most the writer keeps: the tops of the trees and what
	// grows. SQLite looks through all of it after each commit that has split a
	// page, so that more of it costs more than it saves.
	writerCacheKiB = 4 << 10
)

// ErrOtherKeys says that the file was written under other vault keys.
var ErrOtherKeys = errors.New("the vault file was written under other keys: open it with the key folder it was made with")

// Option changes how a vault works.
type Option func(*settings)

type settings struct {
	changesPerCommitMax int
	walPagesMax         int
}

// ChangesPerCommitMax sets how many callers' changes one transaction commits
// at most; 1 commits each alone. The default is 64: beyond that callers come in
// droves, who all wait for the writer and then leave it idle, and with far fewer
// each pays more of a commit. Values below 1 mean 1.
func ChangesPerCommitMax(n int) Option {
	return func(s *settings) { s.changesPerCommitMax = max(1, n) }
}

// store is the engine behind vault.Store.
type store struct {
	cipher  *vault.Cipher
	lock    *fileLock
	readers *readers
	writes  *sql.DB
	writer  *writer
	recent  *recent
	close   func() error
}

// Open opens the vault in the file path and makes it, with its folder, when
// there is none. The file and its neighbours get mode 0600. It is refused
// while another process has it open (ErrHeld), when a newer program wrote it
// (ErrNewer) and when it was written under other keys (ErrOtherKeys).
func Open(path string, c *vault.Cipher, options ...Option) (vault.Store, error) {
	set := settings{changesPerCommitMax: changesPerCommitDefault, walPagesMax: walPagesDefault}
	for _, option := range options {
		option(&set)
	}
	s, err := open(path, c, set)
	if err != nil {
		return nil, fmt.Errorf("opening the vault %s: %w", path, err)
	}
	return s, nil
}

func open(path string, c *vault.Cipher, set settings) (_ *store, err error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	s := &store{cipher: c, recent: newRecent()}
	defer func() {
		if err != nil {
			_ = s.release()
		}
	}()
	if s.lock, err = holdFile(path + ".lock"); err != nil {
		return nil, err
	}
	if s.writes, err = sql.Open("sqlite", dataSource(path, false)); err != nil {
		return nil, err
	}
	if err = migrate(context.Background(), s.writes); err != nil {
		return nil, err
	}
	if err = checkKeys(context.Background(), s.writes, c); err != nil {
		return nil, err
	}
	reads, err := sql.Open("sqlite", dataSource(path, true))
	if err != nil {
		return nil, err
	}
	s.readers = newReaders(reads)
	atOnce := max(readersMin, runtime.NumCPU())
	reads.SetMaxOpenConns(atOnce)
	reads.SetMaxIdleConns(atOnce)
	if s.writer, err = startWriter(s.writes, path, set, s.recent); err != nil {
		return nil, err
	}
	s.close = sync.OnceValue(s.release)
	return s, nil
}

// Close finishes the changes under way, folds the WAL into the file and gives
// the file free. Methods called after it give vault.ErrClosed.
func (s *store) Close() error { return s.close() }

// release ends whatever was started, in the reverse order.
func (s *store) release() error {
	var faults []error
	if s.writer != nil {
		faults = append(faults, s.writer.stop())
	}
	s.recent.forget()
	if s.readers != nil {
		faults = append(faults, s.readers.Close())
	}
	if s.writes != nil {
		faults = append(faults, s.writes.Close())
	}
	if s.lock != nil {
		faults = append(faults, s.lock.release())
	}
	return errors.Join(faults...)
}

// prepareFile makes the folder and an empty file of mode 0600 before SQLite
// would make one of its own liking. The WAL takes its mode from the file.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

func dataSource(path string, readOnly bool) string {
	query := url.Values{}
	query.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyMilliseconds))
	query.Add("_pragma", "journal_mode(WAL)")
	query.Add("_pragma", "synchronous(FULL)")
	query.Add("_pragma", "wal_autocheckpoint(0)") // see checkpoint.go
	query.Add("_pragma", fmt.Sprintf("cache_size(-%d)", pageCacheKiB))
	if readOnly {
		query.Add("_pragma", "query_only(1)")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// checkKeys writes the check value of the keys into a new file and compares it
// in an old one.
func checkKeys(ctx context.Context, db *sql.DB, c *vault.Cipher) error {
	if _, err := db.ExecContext(ctx, `INSERT INTO cipher (only_row, key_check) VALUES (1, ?) ON CONFLICT DO NOTHING`, c.KeyCheck()); err != nil {
		return err
	}
	var check []byte
	if err := db.QueryRowContext(ctx, `SELECT key_check FROM cipher`).Scan(&check); err != nil {
		return err
	}
	if !bytes.Equal(check, c.KeyCheck()) {
		return ErrOtherKeys
	}
	return nil
}

// ErrNewer says that a newer program wrote the file.
var ErrNewer = errors.New("the vault file was written by a newer firsttap")

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema forward to the newest that this program knows. It
// never goes back, and leaves a newer schema alone with ErrNewer.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return migrateTo(ctx, db, files)
}

func migrateTo(ctx context.Context, db *sql.DB, files fs.FS) error {
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	sources := steps.ListSources()
	known := sources[len(sources)-1].Version
	stands, err := steps.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if stands > known {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d; use the newer program or a backup from before its upgrade", ErrNewer, stands, known)
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrating the schema from version %d to %d: %w", stands, known, err)
	}
	return nil
}

// closedError turns what database/sql says of a closed store into ErrClosed.
func closedError(err error) error {
	if err != nil && err.Error() == "sql: database is closed" {
		return vault.ErrClosed
	}
	return err
}
