package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/vault"
)

// The tests of this file look behind vault.Store.

var at = time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)

func testCipher(t *testing.T) *vault.Cipher {
	t.Helper()
	c, err := vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openInside(t *testing.T, path string, set settings) *store {
	t.Helper()
	s, err := open(path, testCipher(t), set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func usual() settings {
	return settings{changesPerCommitMax: changesPerCommitDefault, walPagesMax: walPagesDefault}
}

func claimOf(n int) vault.Claim {
	return vault.Claim{Key: fmt.Sprint("request ", n), Kind: vault.KindActivation, At: at, PAN: card.MustPAN("4761739001010010")}
}

// schema is a folder of these migrations only.
func schema(t *testing.T, names ...string) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{}
	for _, name := range names {
		content, err := migrations.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		folder[name] = &fstest.MapFile{Data: content}
	}
	return folder
}

func TestANewerSchemaIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	s := openInside(t, path, usual())
	if _, err := s.Claim(t.Context(), claimOf(1)); err != nil {
		t.Fatal(err)
	}
	newer := schema(t, "00001_ground.sql", "00002_service.sql", "00003_family.sql")
	newer["00004_newer.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE newer (x INTEGER);")}
	if err := migrateTo(t.Context(), s.writes, newer); err != nil { // forward, over a file with content
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	_, err := Open(path, testCipher(t))
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "version 4, this program knows up to 3") {
		t.Fatalf("got %v", err)
	}

	db, err := sql.Open("sqlite", dataSource(path, true))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var kept int
	if err := db.QueryRow(`SELECT count(*) FROM transactions`).Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d transactions are left, %v", kept, err)
	}
}

func TestConnectionsAreSetForDurability(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	var mode string
	if err := s.writer.conn.one("PRAGMA journal_mode", nil, &mode); err != nil || mode != "wal" {
		t.Errorf("journal_mode is %s, %v", mode, err)
	}
	for pragma, want := range map[string]int{"synchronous": 1, "wal_autocheckpoint": 0} {
		var got int
		if err := s.writer.conn.one("PRAGMA "+pragma, nil, &got); err != nil || got != want {
			t.Errorf("%s is %d, %v", pragma, got, err)
		}
	}
	if _, err := s.readers.Exec(`DELETE FROM audit`); err == nil {
		t.Error("a reader may write")
	}
}

// TestAFullDiskRefusesAndRecovers stands for every fault inside a transaction:
// all callers of the batch hear of it, nothing is kept, and the next batch works.
func TestAFullDiskRefusesAndRecovers(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	if _, err := s.Claim(t.Context(), claimOf(0)); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) error {
		return s.writer.do(t.Context(), func(turn *turn) error {
			var now int
			return turn.one(fmt.Sprintf("PRAGMA max_page_count(%d)", pages), nil, &now)
		})
	}
	if err := limit(1); err != nil { // SQLite keeps it at what is used
		t.Fatal(err)
	}
	full := 0
	for ; full < 1000; full++ {
		if _, err := s.Claim(t.Context(), claimOf(full+1)); err != nil {
			break
		}
	}
	if full == 1000 {
		t.Fatal("the disk never became full")
	}
	if err := limit(1 << 20); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Claim(t.Context(), claimOf(full+1)); err != nil || got.State != vault.Won {
		t.Errorf("after the fault: %s, %v", got.State, err)
	}
	entries, err := s.Audit(t.Context(), 0, vault.ListMax)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.VerifyChain(entries, [32]byte{}); err != nil || len(entries) != full+2 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestAnEntryChangedInTheFileIsFound(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	for n := range 10 {
		if _, err := s.Claim(t.Context(), claimOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.writer.do(t.Context(), func(turn *turn) error {
		return turn.do(`UPDATE audit SET detail = 'nothing happened' WHERE number = 4`)
	}); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Audit(t.Context(), 0, vault.ListMax)
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.VerifyChain(entries, [32]byte{}); !errors.Is(err, vault.ErrChain) || !strings.Contains(err.Error(), "entry 4") {
		t.Errorf("got %v", err)
	}
}

// TestTheWALIsBegunAnew writes without a pause, so that the background alone
// never finds the WAL at rest.
func TestTheWALIsBegunAnew(t *testing.T) {
	const (
		callers, changes = 8, 6000
		pagesMax         = 500
		bytesMax         = 12 << 20 // a WAL never begun anew has over 20 MB
	)
	path := filepath.Join(t.TempDir(), "vault.db")
	s := openInside(t, path, settings{changesPerCommitMax: 64, walPagesMax: pagesMax})
	var done sync.WaitGroup
	for caller := range callers {
		done.Go(func() {
			for n := range changes / callers {
				if _, err := s.Claim(context.Background(), claimOf(n*callers+caller)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	info, err := os.Stat(path + "-wal")
	if err != nil || info.Size() > bytesMax {
		t.Errorf("the WAL has %d bytes, %v", info.Size(), err)
	}
	t.Logf("the WAL has %d bytes", info.Size())
}

// TestAWaitingChangeIsWithdrawn holds the writer, lets a caller's context end,
// and looks that its change never happens.
func TestAWaitingChangeIsWithdrawn(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual())
	entered, leave := make(chan struct{}), make(chan struct{})
	var held sync.WaitGroup
	held.Go(func() {
		_ = s.writer.do(context.Background(), func(*turn) error {
			close(entered)
			<-leave
			return nil
		})
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn := make(chan error)
	go func() {
		_, err := s.Claim(ctx, claimOf(1))
		withdrawn <- err
	}()
	for len(s.writer.queue) == 0 {
		runtime.Gosched() // until the claim waits
	}
	cancel()
	if err := <-withdrawn; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(leave)
	held.Wait()
	if list, err := s.Unfinished(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("unfinished are %v, %v", list, err)
	}
}
