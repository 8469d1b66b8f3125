package main

import (
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"
	"github.com/moov-io/iso8583/specs"
)

// Both are what `firsttap spec export NAME --stock` writes.
//
//go:embed visa-style.json ascii87.json
var descriptions embed.FS

// fields are the content of a message by path: 63.3 is subfield 3 of field 63,
// and 123.01.03 is tag 03 in set 01 of field 123.
type fields map[string]string

type line struct {
	conn  *connection.Connection
	spec  *iso8583.MessageSpec
	keyed string // field 22: entered by hand
	hex   bool   // fields with sets are one text in hexadecimal
	stan  int
}

func dial(addr, name string) *line {
	raw, err := descriptions.ReadFile(name)
	check(err)
	spec, err := specs.ImportJSON(raw)
	check(err)
	l := &line{spec: spec, keyed: "0100", stan: rand.IntN(1_000_000)}
	if name == "ascii87.json" {
		l.keyed, l.hex = "010", true // there, 22 has three digits
	}
	l.conn, err = connection.New(addr, spec, readHeader, writeHeader, connection.SetRequestIDGenerator(byTrace{}))
	check(err)
	check(l.conn.Connect())
	return l
}

// trace names a new question: when, number, who asks, and a reference, which is
// the last digit of the year, the day, the hour and the number.
func (l *line) trace() fields {
	now := time.Now().UTC()
	l.stan = (l.stan + 1) % 1_000_000
	stan := fmt.Sprintf("%06d", l.stan)
	return fields{"7": now.Format("0102150405"), "11": stan, "32": "400552", "37": now.Format("0600215")[1:] + stan}
}

func (l *line) ask(mti string, content fields) *iso8583.Message {
	question := iso8583.NewMessage(l.spec)
	question.MTI(mti)
	for path, value := range l.flat(content) {
		check(question.MarshalPath(path, value))
	}
	answer, err := l.conn.Send(question)
	check(err)
	return answer
}

// flat is content with sets as texts, for a description that has no more. moov
// has no composite in hexadecimal, so it is done by hand: a set is its id, its
// length in two bytes and its tags, a tag its id, its length in one and a value.
func (l *line) flat(content fields) fields {
	if !l.hex {
		return content
	}
	out, sets := fields{}, fields{}
	for _, path := range slices.Sorted(maps.Keys(content)) {
		if p := strings.Split(path, "."); len(p) == 3 {
			sets[p[0]+"."+p[1]] += fmt.Sprintf("%s%02X%X", p[2], len(content[path]), content[path])
		} else {
			out[path] = content[path]
		}
	}
	for _, path := range slices.Sorted(maps.Keys(sets)) {
		field, id, _ := strings.Cut(path, ".")
		out[field] += fmt.Sprintf("%s%04X%s", id, len(sets[path])/2, sets[path])
	}
	return out
}

// read gives a value of an answer, or "".
func (l *line) read(answer *iso8583.Message, path string) (value string) {
	p := strings.Split(path, ".")
	if !l.hex || len(p) < 3 {
		_ = answer.UnmarshalPath(path, &value) // which leaves absent ones alone
		return value
	}
	_ = answer.UnmarshalPath(p[0], &value)
	raw, err := hex.DecodeString(value)
	check(err)
	return string(part(part(raw, p[1], 2), p[2], 1))
}

// part finds what stands behind an id and a length of so many bytes.
func part(raw []byte, id string, lengthBytes int) []byte {
	for len(raw) > lengthBytes {
		length := binary.BigEndian.Uint16(append(make([]byte, 2-lengthBytes), raw[1:1+lengthBytes]...))
		value := raw[1+lengthBytes:]
		if int(length) > len(value) {
			return nil
		}
		if fmt.Sprintf("%02X", raw[0]) == id {
			return value[:length]
		}
		raw = value[length:]
	}
	return nil
}

// byTrace knows an answer by all that it repeats of its question. moov's own
// way, field 11 alone, mixes up questions of two terminals, and of two days.
type byTrace struct{}

func (byTrace) GenerateRequestID(m *iso8583.Message) (string, error) {
	mti, err := m.GetMTI()
	if err != nil || len(mti) < 2 {
		return "", fmt.Errorf("a message of type %q: %w", mti, err)
	}
	key := mti[:2]
	for _, number := range []int{7, 11, 32, 37, 41} {
		value, _ := m.GetString(number) // absent in both, or in neither
		key += "/" + value
	}
	return key, nil
}

// A vap frame: 2 bytes length, 2 zero bytes, a header of 22 bytes, the message.
func writeHeader(w io.Writer, n int) (int, error) {
	h := [26]byte{4: 22, 5: 1, 6: 2, 12: 0x10, 14: 0x01}
	binary.BigEndian.PutUint16(h[0:], uint16(n+22))
	binary.BigEndian.PutUint16(h[7:], uint16(n+22))
	return w.Write(h[:])
}

func readHeader(r io.Reader) (int, error) {
	var h [26]byte
	_, err := io.ReadFull(r, h[:])
	return int(binary.BigEndian.Uint16(h[:])) - 22, err
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
