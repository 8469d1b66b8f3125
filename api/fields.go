package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/secret"
)

// WordCharactersMax is the longest client, agent or request id. Ours: a UUID
// has 36.
const WordCharactersMax = certs.NameCharactersMax

// readDocument reads a request's body, which must be JSON of the members named.
func readDocument(r *http.Request, members ...string) (wire.Document, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return wire.Document{}, notJSONType
	}
	body, err := readBody(r)
	if err != nil {
		return wire.Document{}, err
	}
	doc, err := wire.Parse(body)
	if err != nil {
		return wire.Document{}, err
	}
	return doc, doc.Only(members...)
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, bodyTooLarge
	case err != nil:
		return nil, bodyCut
	}
	return body, nil
}

// noBody refuses a body where none belongs.
func noBody(r *http.Request) error {
	body, err := readBody(r)
	if err == nil && len(body) > 0 {
		return bodyNotEmpty
	}
	return err
}

// fields reads members one after the other and keeps the first fault, so that
// a request is read in a few plain lines.
type fields struct {
	doc   wire.Document
	fault error
}

func (f *fields) refuse(code, path, detail string) {
	if f.fault == nil {
		f.fault = wire.Fault(code, path, detail)
	}
}

func (f *fields) missing(path string) { f.refuse(wire.CodeFieldMissing, path, "send this member") }

// text reads a string.
func (f *fields) text(path string) secret.Text {
	value, ok := f.doc.Text(path)
	switch {
	case !f.doc.Has(path):
		f.missing(path)
	case !ok:
		f.refuse(wire.CodeFieldType, path, "send a string")
	}
	return value
}

// digits reads a string or an integer.
func (f *fields) digits(path string) secret.Text {
	if value, ok := f.doc.Number(path); ok {
		return value
	}
	value, ok := f.doc.Text(path)
	switch {
	case !f.doc.Has(path):
		f.missing(path)
	case !ok:
		f.refuse(wire.CodeFieldType, path, "send digits, as a string or an integer")
	}
	return value
}

// word reads an id, which may be logged and repeated.
func (f *fields) word(path string) string {
	word := f.text(path).Reveal()
	if word == "" || len(word) > WordCharactersMax || strings.Trim(word, certs.NameAlphabet) != "" {
		f.refuse(wire.CodeFieldValue, path, fmt.Sprintf("send 1 to %d of A-Z a-z 0-9 . _ -", WordCharactersMax))
		return ""
	}
	return word
}

// optionalWord is word for a member that may be left out.
func (f *fields) optionalWord(path string) string {
	if !f.doc.Has(path) {
		return ""
	}
	return f.word(path)
}

// flag reads true or false; absent is false.
func (f *fields) flag(path string) bool {
	value, ok := f.doc.Bool(path)
	if f.doc.Has(path) && !ok {
		f.refuse(wire.CodeFieldType, path, "send true or false")
	}
	return value
}

// optionalTime reads a time; absent is the zero time.
func (f *fields) optionalTime(path string) time.Time {
	if !f.doc.Has(path) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, f.text(path).Reveal())
	if err != nil {
		f.refuse(wire.CodeFieldValue, path, "send a time such as 2026-11-22T13:00:00Z (RFC 3339)")
	}
	return t.UTC()
}

// count reads an integer from low to high; absent gives fallback.
func (f *fields) count(path string, fallback, low, high int) int {
	if !f.doc.Has(path) {
		return fallback
	}
	sent, ok := f.doc.Number(path)
	if !ok {
		f.refuse(wire.CodeFieldType, path, fmt.Sprintf("send an integer from %d to %d", low, high))
		return 0
	}
	n, err := strconv.Atoi(sent.Reveal())
	if err != nil || n < low || n > high {
		f.refuse(wire.CodeFieldValue, path, fmt.Sprintf("send an integer from %d to %d", low, high))
		return 0
	}
	return n
}

func (f *fields) pan(path string) card.PAN {
	return parsed(f, path, f.digits(path), card.ParsePAN)
}

func (f *fields) expiry(path string) card.Expiry {
	return parsed(f, path, f.text(path), card.ParseExpiry)
}

func (f *fields) sequence(path string) card.Sequence {
	if !f.doc.Has(path) {
		return 0
	}
	return parsed(f, path, f.digits(path), card.ParseSequence)
}

// parsed makes a domain value. Its error texts carry no digits.
func parsed[T any](f *fields, path string, sent secret.Text, parse func(string) (T, error)) T {
	value, err := parse(sent.Reveal())
	if err != nil {
		f.refuse(wire.CodeFieldValue, path, "send a good value: "+err.Error())
	}
	return value
}
