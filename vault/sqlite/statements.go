package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	"modernc.org/sqlite"
)

// statements prepares each statement once on the writer's connection. It speaks
// with the driver itself: what database/sql adds, for many who share connections
// and give them back, costs the writer a twentieth of its time. The contexts of
// callers do not reach it: a statement of a shared transaction is not one
// caller's to cancel.
type statements struct {
	conn     connection
	prepared map[string]statement
	args     []driver.NamedValue // of the statement under way
	wrote    bool                // a row, since it was last made false
}

// connection and statement are what the driver gives.
type (
	connection interface {
		driver.Conn
		driver.ConnPrepareContext
	}
	statement interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}
)

func openStatements(source string) (*statements, error) {
	connector, err := sqlite.NewConnector(source)
	if err != nil {
		return nil, err
	}
	opened, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(connection)
	if !ok {
		return nil, errors.Join(errDriver, opened.Close())
	}
	return &statements{conn: conn, prepared: map[string]statement{}}, nil
}

var errDriver = errors.New("the driver of SQLite is another than this program was written for")

func (s *statements) prepare(query string) (statement, error) {
	if stmt, ok := s.prepared[query]; ok {
		return stmt, nil
	}
	made, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	stmt, ok := made.(statement)
	if !ok {
		return nil, errors.Join(errDriver, made.Close())
	}
	s.prepared[query] = stmt
	return stmt, nil
}

// values are arguments as the driver takes them, until the next statement.
func (s *statements) values(args []any) ([]driver.NamedValue, error) {
	s.args = s.args[:0]
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return s.args, nil
}

// exec runs a statement and gives the number of rows it touched.
func (s *statements) exec(query string, args ...any) (int64, error) {
	stmt, err := s.prepare(query)
	if err != nil {
		return 0, err
	}
	values, err := s.values(args)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), values)
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

// query gives the first row that a statement finds.
func (s *statements) query(query string, args ...any) row {
	return asked{s, query, args}
}

// asked is a row that is read when it is scanned.
type asked struct {
	*statements
	query string
	args  []any
}

// Scan reads the row into the targets, or gives sql.ErrNoRows.
func (a asked) Scan(into ...any) error { return a.one(a.query, a.args, into...) }

// one reads one row into the targets, or gives sql.ErrNoRows.
func (s *statements) one(query string, args []any, into ...any) (err error) {
	stmt, err := s.prepare(query)
	if err != nil {
		return err
	}
	values, err := s.values(args)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.Background(), values)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found := make([]driver.Value, len(into))
	if err := rows.Next(found); errors.Is(err, io.EOF) {
		return sql.ErrNoRows
	} else if err != nil {
		return err
	}
	for i, value := range found {
		if err := assign(into[i], value); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign sets what into points to. It takes what SQLite has for the kinds of
// values that this package stores: texts, blobs, whole numbers and truth.
func assign(into any, value driver.Value) error {
	to := reflect.ValueOf(into).Elem()
	switch is := value.(type) {
	case string:
		if to.Kind() == reflect.String {
			to.SetString(is)
			return nil
		}
	case []byte:
		if bytes, ok := into.(*[]byte); ok {
			*bytes = is
			return nil
		}
	case nil:
		if bytes, ok := into.(*[]byte); ok {
			*bytes = nil
			return nil
		}
	case int64:
		switch {
		case to.Kind() == reflect.Bool && (is == 0 || is == 1):
			to.SetBool(is == 1)
			return nil
		case to.CanInt() && !to.OverflowInt(is):
			to.SetInt(is)
			return nil
		case to.CanUint() && is >= 0 && !to.OverflowUint(uint64(is)):
			to.SetUint(uint64(is))
			return nil
		}
	}
	return fmt.Errorf("a value of type %T does not go into a %T", value, into)
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
