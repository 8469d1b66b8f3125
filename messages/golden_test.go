package messages_test

import (
	"bytes"
	"encoding/hex"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// goldenFile is where the bytes of an example in a profile are: those of
// visa-style in testdata/golden, others in a folder there.
func goldenFile(profile, name string) string {
	if profile == specs.NameVisaStyle {
		profile = ""
	}
	return filepath.Join("testdata", "golden", profile, name+".txt")
}

// inEachProfile runs a test of every example in every profile.
func inEachProfile(t *testing.T, run func(t *testing.T, codec *specs.Codec, e example)) {
	t.Helper()
	for _, profile := range specs.SpecNames() {
		codec, err := specs.SpecByName(profile)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range family() {
			t.Run(profile+"/"+e.name, func(t *testing.T) { run(t, codec, e) })
		}
	}
}

// Every message of the family gives the bytes of its golden files, and the
// bytes give the message back.
func TestGolden(t *testing.T) {
	inEachProfile(t, func(t *testing.T, codec *specs.Codec, e example) {
		raw, err := codec.Append(nil, encoded(t, e))
		if err != nil {
			t.Fatal(err)
		}
		file := goldenFile(codec.Name(), e.name)
		golden.Check(t, file, annotated(t, codec, e.title, raw))
		m, err := codec.Parse(golden.Load(t, file))
		if err != nil {
			t.Fatal(err)
		}
		typed, err := messages.Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(e.typed, typed); d != "" {
			t.Errorf("decoding gives another message (-want +got):\n%s", d)
		}
	})
}

// A golden file that no example has is not left behind.
func TestNoGoldenFileIsLeftOver(t *testing.T) {
	known := map[string]bool{}
	for _, profile := range specs.SpecNames() {
		for _, e := range family() {
			known[goldenFile(profile, e.name)] = true
		}
	}
	err := filepath.WalkDir(filepath.Join("testdata", "golden"), func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !known[file] {
			t.Errorf("%s belongs to no example", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// moov's own message type, with nothing but the description of the profile,
// reads the golden bytes and writes them again.
func TestMoovReadsGolden(t *testing.T) {
	inEachProfile(t, func(t *testing.T, codec *specs.Codec, e example) {
		description, err := specs.Describe(codec.Name())
		if err != nil {
			t.Fatal(err)
		}
		raw := golden.Load(t, goldenFile(codec.Name(), e.name))
		m := iso8583.NewMessage(description)
		if err := m.Unpack(raw); err != nil {
			t.Fatalf("moov cannot unpack: %v", err)
		}
		again, err := m.Pack()
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("moov packs %X, %v", again, err)
		}
		if mti, _ := m.GetMTI(); mti != e.typed.MTI() {
			t.Errorf("moov sees a %s", mti)
		}
	})
}

// annotated cuts a message into its elements. Of an element with parts only
// the head stands on its own line.
func annotated(t *testing.T, codec *specs.Codec, title string, raw []byte) []golden.Line {
	t.Helper()
	in := codec.Inspect(raw)
	if in.Fault != nil {
		t.Fatal(in.Fault)
	}
	lines := []golden.Line{{Note: title}}
	for i, e := range in.Elements {
		length := e.Length
		if i+1 < len(in.Elements) && in.Elements[i+1].Depth > e.Depth {
			length = e.Prefix
		}
		note := strings.Repeat("  ", e.Depth) + e.Path + " " + e.Name
		if e.Value != "" && strings.Trim(e.Value, "*") != "" {
			note += ": " + strings.TrimRight(e.Value, " ")
		}
		lines = append(lines, golden.Line{Offset: e.Offset, Bytes: raw[e.Offset : e.Offset+length], Note: note})
	}
	return lines
}

// checkValue was agreed by jPOS and moov. It is an account verification, and an
// activation but for what names the token that is wanted.
const checkValue = "0100F224448108C080000000000000000004104895370012003478000000000000000000112212170000012329125999" +
	"01005106400552F5F3F2F6F1F2F0F0F0F1F2F3E3C5D9D4C9C4F0F1E3D6D2C5D5D9C5D8E4C5E2E3D6D9F1" +
	"08400E0040000000000000F1F140F1F2F3"

func TestCheckValue(t *testing.T) {
	raw, err := hex.DecodeString(checkValue)
	if err != nil {
		t.Fatal(err)
	}
	m, err := specs.VisaStyleCodec().Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	typed, err := messages.Decode(m)
	if r, ok := typed.(*messages.RemoteRequest); !ok || r.Number != card.MustPAN("4895370012003478") || r.Amount != 0 ||
		r.CVV2 != (dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code("123")}) {
		t.Errorf("decodes to %+v, %v", typed, err)
	}

	wanted := map[string]string{"63.3": "3700", "123.01.03": "40010030273", "123.01.06": "SE", "125.01.03": "device"}
	for p, value := range wanted {
		m.Set(path(t, p), value)
	}
	typed, err = messages.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	a := typed.(*messages.ActivationRequest).Activation
	if a.PAN != card.MustPAN("4895370012003478") || a.Expiry != card.MustExpiry("2912") || a.Sequence != 0 ||
		a.CVV2 != (dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code("123")}) {
		t.Errorf("decodes to %+v", a)
	}

	back, err := messages.Encode(typed)
	if err != nil {
		t.Fatal(err)
	}
	back.Delete(path(t, "23")) // always written
	for p := range wanted {
		back.Delete(path(t, p))
	}
	if got := packed(t, back); !bytes.Equal(got, raw) {
		t.Errorf("encodes to %X", got)
	}
}
