package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// statements prepares each statement once on the writer's connection. The
// contexts of callers do not reach it: a statement of a shared transaction is
// not one caller's to cancel.
type statements struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	wrote    bool // a row, since it was last made false
}

func newStatements(conn *sql.Conn) *statements {
	return &statements{conn: conn, prepared: map[string]*sql.Stmt{}}
}

func (s *statements) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := s.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.prepared[query] = stmt
	return stmt, nil
}

// exec runs a statement and gives the number of rows it touched.
func (s *statements) exec(query string, args ...any) (int64, error) {
	stmt, err := s.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.Exec(args...)
	if err != nil {
		return 0, err
	}
	touched, err := result.RowsAffected()
	s.wrote = s.wrote || touched > 0
	return touched, err
}

// do runs a statement whose rows do not matter.
func (s *statements) do(query string, args ...any) error {
	_, err := s.exec(query, args...)
	return err
}

// one reads one row into the targets, or gives sql.ErrNoRows.
func (s *statements) one(query string, args []any, into ...any) error {
	stmt, err := s.prepare(query)
	if err != nil {
		return err
	}
	return stmt.QueryRow(args...).Scan(into...)
}

// returning is one for a statement that changes the row it gives.
func (s *statements) returning(query string, args []any, into ...any) error {
	err := s.one(query, args, into...)
	s.wrote = s.wrote || err == nil
	return err
}

func (s *statements) close() error {
	var faults []error
	for _, stmt := range s.prepared {
		faults = append(faults, stmt.Close())
	}
	return errors.Join(append(faults, s.conn.Close())...)
}

// readers are the connections that read. Each statement is prepared once on
// each of them.
type readers struct {
	*sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

func newReaders(db *sql.DB) *readers {
	return &readers{DB: db, prepared: map[string]*sql.Stmt{}}
}

func (r *readers) prepare(query string) (*sql.Stmt, error) {
	r.mu.RLock()
	stmt, ok := r.prepared[query]
	r.mu.RUnlock()
	if ok {
		return stmt, nil
	}
	stmt, err := r.Prepare(query)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if first, ok := r.prepared[query]; ok { // by another caller meanwhile
		return first, stmt.Close()
	}
	r.prepared[query] = stmt
	return stmt, nil
}
