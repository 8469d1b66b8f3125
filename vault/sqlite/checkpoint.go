package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
)

const (
	// changesPerCheckpoint is how many changes the WAL gathers before it is
	// folded into the file in the background: about 4 MB.
	changesPerCheckpoint = 1000
	// walPagesDefault is how many pages of 4096 bytes the WAL may have before
	// the writer itself folds the rest: 64 MB. A WAL that writers never let
	// go of is never begun anew.
	walPagesDefault = 16 << 10
)

// checkpointer folds the WAL into the database file on a connection of its
// own, so that no commit waits for it.
type checkpointer struct {
	conn      *sql.Conn
	pagesMax  int
	pending   int
	overgrown atomic.Bool
	wanted    chan struct{}
	ended     chan struct{}
}

func startCheckpointer(db *sql.DB, pagesMax int) (*checkpointer, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	c := &checkpointer{conn: conn, pagesMax: pagesMax, wanted: make(chan struct{}, 1), ended: make(chan struct{})}
	go c.run()
	return c, nil
}

// wrote counts changes, and asks for a checkpoint when enough came together.
// Only the writer calls it.
func (c *checkpointer) wrote(changes int) {
	c.pending += changes
	if c.pending < changesPerCheckpoint {
		return
	}
	select {
	case c.wanted <- struct{}{}:
		c.pending = 0
	default:
	}
}

// run folds without waiting for anybody. A checkpoint that fails loses
// nothing: the WAL stays as it is and the next one tries again.
func (c *checkpointer) run() {
	defer close(c.ended)
	for range c.wanted {
		var busy, pages, folded int
		err := c.conn.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &pages, &folded)
		if err == nil && pages > c.pagesMax {
			c.overgrown.Store(true)
		}
	}
}

// catchUp folds, between two commits, what the background left of a WAL that
// has grown too long: the next commit then begins the WAL anew.
func (c *checkpointer) catchUp(writer *statements) {
	if c.overgrown.Swap(false) {
		_ = writer.do(`PRAGMA wal_checkpoint(PASSIVE)`)
	}
}

// stop folds all of the WAL into the file and ends the checkpointer.
func (c *checkpointer) stop() error {
	close(c.wanted)
	<-c.ended
	_, err := c.conn.ExecContext(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`)
	return errors.Join(err, c.conn.Close())
}
