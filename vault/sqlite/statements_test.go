package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/firsttap/firsttap/token"
)

func TestValuesGoWhereTheyFit(t *testing.T) {
	for _, one := range []struct {
		value any // as the driver gives it
		into  any
		want  any // nil: it does not fit
	}{
		{"00", new(string), "00"},
		{"A", new(token.Status), token.Active},
		{"7", new(int), nil},
		{"x", new([]byte), nil},
		{[]byte{1, 2}, new([]byte), []byte{1, 2}},
		{[]byte{1, 2}, new(string), nil},
		{nil, &[]byte{3}, []byte(nil)},
		{nil, new(int), nil},
		{int64(-7), new(int64), int64(-7)},
		{int64(255), new(uint8), uint8(255)},
		{int64(256), new(uint8), nil},
		{int64(-1), new(uint16), nil},
		{int64(1 << 40), new(int32), nil},
		{int64(1), new(bool), true},
		{int64(0), new(bool), false},
		{int64(2), new(bool), nil},
		{int64(1), new(string), nil},
		{1.5, new(int), nil},
	} {
		err := assign(one.into, one.value)
		got := reflect.ValueOf(one.into).Elem().Interface()
		if one.want == nil && err == nil || one.want != nil && (err != nil || !reflect.DeepEqual(got, one.want)) {
			t.Errorf("%v (%T) into a %T: %v, %v", one.value, one.value, one.into, got, err)
		}
	}
}

func TestStatementsOfTheWriter(t *testing.T) {
	s := openInside(t, filepath.Join(t.TempDir(), "vault.db"), usual()).writer.conn
	var n int
	if err := s.one(`SELECT in_row FROM attempts WHERE pan_ref = ?`, []any{"a"}, &n); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("no row gives %v", err)
	}
	if err := s.one(`SELECT 1, 2`, nil, &n); err == nil {
		t.Error("two values go into one target")
	}
	if err := s.do(`INSERT INTO attempts (pan_ref, in_row) VALUES (?, ?)`, "a"); err == nil {
		t.Error("a statement runs without one of its arguments")
	}
	if err := s.do(`INSERT INTO attempts (pan_ref, in_row) VALUES (?, ?)`, "a", struct{}{}); err == nil {
		t.Error("an argument may be anything")
	}
	if s.wrote {
		t.Error("what failed has written")
	}
	if err := s.returning(`INSERT INTO attempts (pan_ref, in_row) VALUES (?, ?) RETURNING in_row`, []any{"a", uint16(7)}, &n); err != nil || n != 7 || !s.wrote {
		t.Errorf("returning %d, %v, written %t", n, err, s.wrote)
	}
}
