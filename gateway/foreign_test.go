package gateway_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"
	"github.com/moov-io/iso8583-connection/server"
	moov "github.com/moov-io/iso8583/specs"

	"github.com/firsttap/firsttap/specs"
)

// foreign speaks a profile as a stranger does: with moov's stock codec, moov's
// stock connections and the descriptions in examples/client.
type foreign struct {
	testing.TB
	profile string
	spec    *iso8583.MessageSpec
	sets    *iso8583.MessageSpec // has the fields with sets in bytes, their text in ASCII
}

// content is what a message has, by path: characters, and bytes in hexadecimal.
type content map[string]string

func newForeign(t testing.TB, profile string) *foreign {
	t.Helper()
	return &foreign{t, profile, imported(t, profile), imported(t, specs.NameVisaStyle, "EBCDIC1047", "ASCII")}
}

func imported(t testing.TB, profile string, instead ...string) *iso8583.MessageSpec {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "examples", "client", profile+".json"))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := moov.ImportJSON([]byte(strings.NewReplacer(instead...).Replace(string(raw))))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// inSet tells whether a path is in a field that the profile's stock description
// has as one text in hexadecimal.
func (f *foreign) inSet(path string) (field int, inSet bool) {
	field, _ = strconv.Atoi(strings.Split(path, ".")[0])
	return field, f.profile == specs.NameASCII87 && (field == 55 || field == 123 || field == 125)
}

// message is one of moov's; it gives nil, and fails the test, for what moov does
// not take.
func (f *foreign) message(mti string, c content) *iso8583.Message {
	m, sets := iso8583.NewMessage(f.spec), iso8583.NewMessage(f.sets)
	m.MTI(mti)
	for path, value := range c {
		field, inSet := f.inSet(path)
		if !inSet {
			if err := m.MarshalPath(path, value); err != nil {
				f.Errorf("%s: %v", path, err)
				return nil
			}
			continue
		}
		if err := sets.MarshalPath(path, value); err != nil {
			f.Errorf("%s: %v", path, err)
			return nil
		}
		raw, err := sets.GetBytes(field)
		if err != nil {
			f.Errorf("%s: %v", path, err)
			return nil
		}
		if err := m.Field(field, fmt.Sprintf("%X", raw)); err != nil {
			f.Errorf("%s: %v", path, err)
			return nil
		}
	}
	return m
}

// read gives a value, or "".
func (f *foreign) read(m *iso8583.Message, path string) (value string) {
	if field, inSet := f.inSet(path); inSet {
		text, err := m.GetString(field)
		if err != nil {
			f.Errorf("%s: %v", path, err)
		}
		raw, err := hex.DecodeString(text)
		if err != nil {
			f.Errorf("%s: %v", path, err)
		}
		m = iso8583.NewMessage(f.sets)
		if err := m.BinaryField(field, raw); err != nil {
			f.Errorf("%s: %v", path, err)
		}
	}
	if err := m.UnmarshalPath(path, &value); err != nil {
		f.Errorf("%s: %v", path, err)
	}
	return value
}

// want wants a message to be of a type and to have values.
func (f *foreign) want(m *iso8583.Message, mti string, values content) {
	f.Helper()
	if got := f.mti(m); got != mti {
		f.Errorf("a %s is a %s", mti, got)
	}
	for path, value := range values {
		if got := f.read(m, path); got != value {
			f.Errorf("a %s has %s=%q, not %q", mti, path, got, value)
		}
	}
}

// mti is a message's type.
func (f *foreign) mti(m *iso8583.Message) string {
	mti, err := m.GetMTI()
	if err != nil {
		f.Error(err)
	}
	return mti
}

// entryMode is field 22: the profile's stock description has three digits in
// ASCII.
func (f *foreign) entryMode(digits string) string {
	return digits[:f.spec.Fields[22].Spec().Length]
}

// foreignStation is a stranger's connection to a door.
type foreignStation struct {
	*foreign
	conn *connection.Connection
}

func (f *foreign) dial(address string) *foreignStation {
	f.Helper()
	conn, err := connection.New(address, f.spec, readVAP, writeVAP, connection.SetRequestIDGenerator(byTrace{}),
		connection.SendTimeout(patience))
	if err == nil {
		err = conn.Connect()
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = conn.Close() })
	return &foreignStation{f, conn}
}

func (s *foreignStation) ask(mti string, c content) *iso8583.Message {
	s.Helper()
	question := s.message(mti, c)
	if question == nil {
		s.FailNow()
	}
	answer, err := s.conn.Send(question)
	if err != nil {
		s.Fatal(err)
	}
	return answer
}

// foreignHost is a stranger's issuer: moov's stock server.
type foreignHost struct {
	*foreign
	address string

	mu     sync.Mutex
	seen   []*iso8583.Message
	silent map[string]bool // types that get no answer
}

func (f *foreign) host() *foreignHost {
	f.Helper()
	h := &foreignHost{foreign: f, silent: map[string]bool{}}
	s := server.New(f.spec, readVAP, writeVAP, connection.InboundMessageHandler(h.answer))
	if err := s.Start("127.0.0.1:0"); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	h.address = s.Addr
	return h
}

// echoed are the fields that an answer has from its question, by the answer's
// type.
var echoed = map[string][]string{
	"0110": {"2", "3", "4", "7", "11", "32", "37", "41", "42", "49", "62.2", "63.3"},
	"0130": {"7", "11", "32", "37", "41", "42", "62.2"},
	"0430": {"7", "11", "32", "37", "41", "42", "62.2", "90"},
	"0630": {"7", "11", "32", "37", "41", "42", "62.2", "63.3"},
	"0810": {"7", "11", "70"},
}

func (h *foreignHost) answer(c *connection.Connection, question *iso8583.Message) {
	h.mu.Lock()
	mti := h.mti(question)
	silent := h.silent[mti]
	if mti != "0800" {
		h.seen = append(h.seen, question)
	}
	h.mu.Unlock()
	if silent {
		return
	}
	mti = mti[:2] + string(mti[2]+1) + "0" // of a repeat, too
	said := content{"39": "00"}
	if mti == "0110" {
		said["38"], said["44"] = authorizationID, "5"
	}
	for _, path := range echoed[mti] {
		if value := h.read(question, path); value != "" {
			said[path] = value
		}
	}
	if answer := h.message(mti, said); answer != nil {
		if err := c.Reply(answer); err != nil {
			h.Errorf("%s: %v", mti, err)
		}
	}
}

// silence lets a type get no answer any more.
func (h *foreignHost) silence(mti string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent[mti] = true
}

// saw lists what came of a type.
func (h *foreignHost) saw(mti string) []*iso8583.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*iso8583.Message
	for _, m := range h.seen {
		if h.mti(m) == mti {
			list = append(list, m)
		}
	}
	return list
}

// only is the one message that came of a type.
func (h *foreignHost) only(mti string) *iso8583.Message {
	h.Helper()
	list := h.saw(mti)
	if len(list) != 1 {
		h.Fatalf("the issuer got %d messages %s, not one", len(list), mti)
	}
	return list[0]
}

// byTrace knows an answer by what it repeats of its question; moov's own way is
// field 11 alone.
type byTrace struct{}

func (byTrace) GenerateRequestID(m *iso8583.Message) (string, error) {
	mti, err := m.GetMTI()
	if err != nil || len(mti) < 2 {
		return "", fmt.Errorf("a message of type %q: %w", mti, err)
	}
	key := mti[:2]
	for _, field := range []int{7, 11, 32, 37, 41} {
		value, _ := m.GetString(field)
		key += "/" + value
	}
	return key, nil
}

// vapBytes are two of length, two zeros and the header, which counts as part of
// the message.
const vapBytes, vapHeaderBytes = 26, 22

func writeVAP(w io.Writer, n int) (int, error) {
	h := [vapBytes]byte{4: vapHeaderBytes, 5: 1, 6: 2, 12: 0x10, 14: 0x01}
	binary.BigEndian.PutUint16(h[0:], uint16(n+vapHeaderBytes))
	binary.BigEndian.PutUint16(h[7:], uint16(n+vapHeaderBytes))
	return w.Write(h[:])
}

func readVAP(r io.Reader) (int, error) {
	var h [vapBytes]byte
	_, err := io.ReadFull(r, h[:])
	return int(binary.BigEndian.Uint16(h[:])) - vapHeaderBytes, err
}
