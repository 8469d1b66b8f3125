package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"

	"github.com/firsttap/firsttap/internal/datasync"
	"github.com/firsttap/firsttap/vault"
)

const (
	changesPerCommitDefault = 64
	// changesQueuedMax bounds how many callers wait in the writer's queue;
	// more wait at its door, each until its context ends.
	changesQueuedMax = 4096
	// carefulCommits is how many commits work with savepoints after a change
	// that failed when it had written something.
	carefulCommits = 16
)

// errUndo is how a change says that it does not hold: its savepoint is rolled
// back, and its caller gets no error.
var errUndo = errors.New("undo")

// change is one caller's work for the writer. apply may be called again after
// the transaction was taken back, and then does all of it anew.
type change struct {
	apply func(*turn) error
	taken atomic.Bool // by the writer to do it, or by the caller to withdraw it
	done  chan error
}

// writer owns the connection that writes. SQLite leaves it to the writer to wait
// for the disk: while one goroutine does, the other applies what comes next.
type writer struct {
	conn       *statements
	effects    effects // of the commit under way; the trail goes on from one to the next
	recent     *recent
	commitMax  int
	careful    int // commits that are to use savepoints
	checkpoint *checkpointer
	wal        *os.File
	sync       func(*os.File) error
	fault      atomic.Pointer[error] // of the disk: nothing is written any more

	queue   chan *change
	written chan []finished // committed, and perhaps not on the disk
	ended   chan struct{}
	mu      sync.RWMutex // held for reading while a change enters the queue
	closed  bool
}

func startWriter(db *sql.DB, path string, set settings, r *recent) (*writer, error) {
	conn, err := openStatements(dataSource(path, false))
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn: conn, commitMax: set.changesPerCommitMax, recent: r, sync: datasync.Sync,
		queue: make(chan *change, changesQueuedMax), written: make(chan []finished, 1), ended: make(chan struct{}),
	}
	if err := w.prepare(path); err != nil {
		return nil, errors.Join(err, w.conn.close())
	}
	if w.checkpoint, err = startCheckpointer(db, set.walPagesMax); err != nil {
		return nil, errors.Join(err, w.wal.Close(), w.conn.close())
	}
	go w.run()
	go w.bringToDisk()
	return w, nil
}

// prepare reads the end of the trail, with which the WAL is there, and has SQLite
// commit without waiting for the disk, with a cache of the writer's size.
func (w *writer) prepare(path string) (err error) {
	if w.effects.trail, err = readChain(w.conn); err != nil {
		return err
	}
	for _, pragma := range []string{`PRAGMA synchronous = NORMAL`, fmt.Sprintf(`PRAGMA cache_size = -%d`, writerCacheKiB)} {
		if err := w.conn.do(pragma); err != nil {
			return err
		}
	}
	w.wal, err = os.Open(path + "-wal")
	return err
}

// do hands a change to the writer and waits until it is durable or refused. A
// context that ends while the change waits withdraws it; once the writer has
// begun it, the outcome is waited for, so that an error always means that
// nothing was changed.
func (w *writer) do(ctx context.Context, apply func(*turn) error) error {
	c := &change{apply: apply, done: make(chan error, 1)}
	if err := w.enqueue(ctx, c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if c.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-c.done
	}
}

func (w *writer) enqueue(ctx context.Context, c *change) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return vault.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop does what is queued and ends the writer.
func (w *writer) stop() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.queue)
	<-w.ended
	return errors.Join(w.conn.close(), w.checkpoint.stop(), w.wal.Close())
}

func (w *writer) run() {
	defer close(w.written)
	for first := range w.queue {
		w.checkpoint.catchUp(w.conn)
		done, err := w.commit(first)
		if err != nil {
			answer(done, err)
			continue
		}
		w.written <- done
		w.checkpoint.wrote(len(done))
	}
}

// bringToDisk waits until what was committed is on the disk, and tells the callers.
func (w *writer) bringToDisk() {
	defer close(w.ended)
	for done := range w.written {
		err := w.broken()
		if err == nil {
			if err = w.sync(w.wal); err != nil {
				err = fmt.Errorf("%w: %w", errDisk, err)
				w.fault.Store(&err)
			}
		}
		answer(done, err)
	}
}

// errDisk is that nobody knows what is on the disk. SQLite would not know it
// either before it has read the file anew.
var errDisk = errors.New("the vault's file could not be brought to the disk: see what is wrong with the disk, and start again")

// broken is the fault of the disk, nil for none.
func (w *writer) broken() error {
	if fault := w.fault.Load(); fault != nil {
		return *fault
	}
	return nil
}

// answer tells callers what became of their changes; err is for all of them.
func answer(all []finished, err error) {
	for _, f := range all {
		if err != nil {
			f.err = err
		}
		f.change.done <- f.err
	}
}

// finished is a change that was applied and waits for its commit.
type finished struct {
	change *change
	err    error
}

// refuse keeps a change's own error.
func (f *finished) refuse(err error) {
	f.err = err
	if errors.Is(err, errUndo) {
		f.err = nil
	}
}

// commit applies first, and whatever else is queued, in one transaction. An
// error is for all of them.
func (w *writer) commit(first *change) ([]finished, error) {
	if err := w.broken(); err != nil {
		return w.refuse(first), err
	}
	w.effects.tokens = w.effects.tokens[:0]
	before := w.effects
	if err := w.conn.do(`BEGIN IMMEDIATE`); err != nil {
		return w.refuse(first), err
	}
	w.careful = max(0, w.careful-1)
	done, err := w.applyAll(first, before)
	if err == nil {
		err = w.conn.do(`COMMIT`)
	}
	if err != nil {
		w.effects = before
		w.recent.forget() // a commit that failed may have happened
		// SQLite may have rolled back by itself. If neither did, the next
		// BEGIN fails and says so.
		_ = w.conn.do(`ROLLBACK`)
		err = fmt.Errorf("committing: %w", err)
	}
	w.recent.changed(w.effects.tokens)
	return done, err
}

func (w *writer) refuse(c *change) []finished {
	if !c.taken.CompareAndSwap(false, true) {
		return nil
	}
	return []finished{{change: c}}
}

// applyAll applies first and what waits behind it. before are the effects as the
// transaction found them.
func (w *writer) applyAll(first *change, before effects) ([]finished, error) {
	var done []finished
	for next := first; next != nil; next = w.waiting(len(done)) {
		if !next.taken.CompareAndSwap(false, true) {
			continue
		}
		done = append(done, finished{change: next})
		var fatal error
		if w.careful > 0 {
			fatal = w.applyInSavepoint(&done[len(done)-1])
		} else if !w.applyBoldly(&done[len(done)-1]) {
			fatal = w.applyAnew(done, before)
		}
		if fatal != nil {
			return done, fatal
		}
	}
	return done, nil
}

// waiting takes the next change from the queue, or nil when the batch is full
// or nobody waits.
func (w *writer) waiting(applied int) *change {
	if applied >= w.commitMax {
		return nil
	}
	select {
	case next := <-w.queue: // nil when the queue is closed and empty
		return next
	default:
		return nil
	}
}

// applyBoldly applies a change without a savepoint, which costs a third of the
// writer's time, and reports whether that did: a change that fails after it has
// written something leaves that behind, and SQLite may answer a fault of its own
// by taking the transaction back.
func (w *writer) applyBoldly(f *finished) (did bool) {
	before := w.effects
	w.conn.wrote = false
	err := f.change.apply(&turn{w.conn, &w.effects})
	if fault := (*sqlite.Error)(nil); err != nil && (w.conn.wrote || errors.As(err, &fault)) {
		return false
	}
	if err != nil {
		w.effects = before
	}
	f.refuse(err)
	return true
}

// applyAnew takes the transaction back and applies all of its changes again,
// the last of which has failed and left something behind, in savepoints. So are
// the changes of the next commits: where one such change comes, more do.
func (w *writer) applyAnew(all []finished, before effects) (fatal error) {
	w.careful, w.effects = carefulCommits, before
	_ = w.conn.do(`ROLLBACK`) // SQLite may have rolled back by itself
	if err := w.conn.do(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	for i := range all {
		if err := w.applyInSavepoint(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

// applyInSavepoint applies a change, and undoes what it wrote when it fails.
// fatal says that the transaction itself is broken.
func (w *writer) applyInSavepoint(f *finished) (fatal error) {
	before := w.effects
	if err := w.conn.do(`SAVEPOINT turn`); err != nil {
		return err
	}
	w.conn.wrote = false
	err := f.change.apply(&turn{w.conn, &w.effects})
	f.refuse(err)
	if err != nil {
		if w.conn.wrote {
			w.careful = carefulCommits
		}
		w.effects = before
		if fatal := w.conn.do(`ROLLBACK TO turn`); fatal != nil {
			return fatal
		}
	}
	return w.conn.do(`RELEASE turn`)
}
