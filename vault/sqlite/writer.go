package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/firsttap/firsttap/vault"
)

const (
	changesPerCommitDefault = 256
	// changesQueuedMax bounds how many callers wait in the writer's queue;
	// more wait at its door, each until its context ends.
	changesQueuedMax = 4096
)

// errUndo is how a change says that it does not hold: its savepoint is rolled
// back, and its caller gets no error.
var errUndo = errors.New("undo")

// change is one caller's work for the writer.
type change struct {
	apply func(*turn) error
	taken atomic.Bool // by the writer to do it, or by the caller to withdraw it
	done  chan error
}

// writer owns the connection that writes.
type writer struct {
	conn       *statements
	trail      chain
	commitMax  int
	checkpoint *checkpointer

	queue  chan *change
	ended  chan struct{}
	mu     sync.RWMutex // held for reading while a change enters the queue
	closed bool
}

func startWriter(db *sql.DB, set settings) (*writer, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn: newStatements(conn), commitMax: set.changesPerCommitMax,
		queue: make(chan *change, changesQueuedMax), ended: make(chan struct{}),
	}
	if w.trail, err = readChain(w.conn); err != nil {
		return nil, errors.Join(err, w.conn.close())
	}
	if w.checkpoint, err = startCheckpointer(db, set.walPagesMax); err != nil {
		return nil, errors.Join(err, w.conn.close())
	}
	go w.run()
	return w, nil
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
	return errors.Join(w.conn.close(), w.checkpoint.stop())
}

func (w *writer) run() {
	defer close(w.ended)
	for first := range w.queue {
		w.checkpoint.catchUp(w.conn)
		done, err := w.commit(first)
		for _, d := range done {
			if err != nil {
				d.err = err
			}
			d.change.done <- d.err
		}
		w.checkpoint.wrote(len(done))
		// Let the callers just answered come back first: their next changes
		// then share a commit, where else the first of them would go alone.
		runtime.Gosched()
	}
}

// finished is a change that was applied and waits for its commit.
type finished struct {
	change *change
	err    error
}

// commit applies first, and whatever else is queued, in one transaction. An
// error is for all of them.
func (w *writer) commit(first *change) ([]finished, error) {
	before := w.trail
	if err := w.conn.do(`BEGIN IMMEDIATE`); err != nil {
		return w.refuse(first), err
	}
	done, err := w.applyAll(first)
	if err == nil {
		err = w.conn.do(`COMMIT`)
	}
	if err != nil {
		w.trail = before
		// SQLite may have rolled back by itself. If neither did, the next
		// BEGIN fails and says so.
		_ = w.conn.do(`ROLLBACK`)
		err = fmt.Errorf("committing: %w", err)
	}
	return done, err
}

func (w *writer) refuse(c *change) []finished {
	if !c.taken.CompareAndSwap(false, true) {
		return nil
	}
	return []finished{{change: c}}
}

func (w *writer) applyAll(first *change) ([]finished, error) {
	var done []finished
	for next := first; next != nil; next = w.waiting(len(done)) {
		if !next.taken.CompareAndSwap(false, true) {
			continue
		}
		refused, fatal := w.applyOne(next)
		done = append(done, finished{change: next, err: refused})
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

// applyOne applies a change in a savepoint. refused is the change's own error;
// fatal says that the transaction itself is broken.
func (w *writer) applyOne(c *change) (refused, fatal error) {
	before := w.trail
	if err := w.conn.do(`SAVEPOINT turn`); err != nil {
		return nil, err
	}
	err := c.apply(&turn{statements: w.conn, trail: &w.trail})
	if err != nil {
		w.trail = before
		if fatal := w.conn.do(`ROLLBACK TO turn`); fatal != nil {
			return err, fatal
		}
	}
	if fatal := w.conn.do(`RELEASE turn`); fatal != nil {
		return err, fatal
	}
	if errors.Is(err, errUndo) {
		err = nil
	}
	return err, nil
}
