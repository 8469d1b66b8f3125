package main

import (
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"strconv"
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
	conn       *connection.Connection
	spec, sets *iso8583.MessageSpec
	inHex      bool   // 123 and 125 are texts in hexadecimal, with what sets says in them
	keyed      string // field 22: entered by hand
	stan       int
}

func dial(addr, name string) *line {
	l := &line{spec: imported(name), keyed: "0100", stan: rand.IntN(1_000_000)}
	l.sets = imported("visa-style.json", "EBCDIC1047", "ASCII")
	if name == "ascii87.json" {
		l.inHex, l.keyed = true, "010" // there, 22 has three digits
	}
	var err error
	l.conn, err = connection.New(addr, l.spec, readHeader, writeHeader, connection.SetRequestIDGenerator(byTrace{}))
	check(err)
	check(l.conn.Connect())
	return l
}

func imported(name string, instead ...string) *iso8583.MessageSpec {
	raw, err := descriptions.ReadFile(name)
	check(err)
	spec, err := specs.ImportJSON([]byte(strings.NewReplacer(instead...).Replace(string(raw))))
	check(err)
	return spec
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
	question, sets := iso8583.NewMessage(l.spec), iso8583.NewMessage(l.sets)
	question.MTI(mti)
	for path, value := range content {
		if number, inSet := l.inSet(path); inSet {
			check(sets.MarshalPath(path, value))
			raw, err := sets.GetBytes(number)
			check(err)
			check(question.Field(number, fmt.Sprintf("%X", raw)))
			continue
		}
		check(question.MarshalPath(path, value))
	}
	answer, err := l.conn.Send(question)
	check(err)
	return answer
}

// inSet tells whether a path is in a field that is one text. moov has no names
// for a composite in hexadecimal, so that ascii87 calls 123 and 125 texts. In
// them is what visa-style has, but with characters in ASCII.
func (l *line) inSet(path string) (number int, inSet bool) {
	number, _ = strconv.Atoi(strings.Split(path, ".")[0])
	return number, l.inHex && (number == 123 || number == 125)
}

// read gives a value of an answer, or "".
func (l *line) read(answer *iso8583.Message, path string) (value string) {
	if number, inSet := l.inSet(path); inSet {
		text, err := answer.GetString(number)
		check(err)
		raw, err := hex.DecodeString(text)
		check(err)
		answer = iso8583.NewMessage(l.sets)
		check(answer.BinaryField(number, raw))
	}
	check(answer.UnmarshalPath(path, &value)) // which leaves "" where there is none
	return value
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
