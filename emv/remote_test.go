package emv_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/firsttap/firsttap/emv"
)

const remoteHex = "0100071A2B3C4DF8BF255996A9B0020000000000"

func TestRemote(t *testing.T) {
	raw, err := hex.DecodeString(remoteHex)
	if err != nil {
		t.Fatal(err)
	}
	r, err := emv.ParseRemote(raw)
	if err != nil {
		t.Fatal(err)
	}
	if r.ATC != 7 || r.Unpredictable != [4]byte{0x1A, 0x2B, 0x3C, 0x4D} || r.IsZero() {
		t.Errorf("reads %+v", r)
	}
	if got := r.Append([]byte{0xFF}); !bytes.Equal(got, append([]byte{0xFF}, raw...)) {
		t.Errorf("writes %X", got)
	}
	if got := (emv.Remote{}).Append(nil); got != nil {
		t.Errorf("none is written as %X", got)
	}
	for at, value := range map[int]byte{0: 0x02, 15: 0x01, 19: 0x80} {
		bad := bytes.Clone(raw)
		bad[at] = value
		if _, err := emv.ParseRemote(bad); !errors.Is(err, emv.ErrRemote) {
			t.Errorf("byte %d as %02X gives %v", at, value, err)
		}
	}
	for _, bad := range [][]byte{nil, raw[:19], append(bytes.Clone(raw), 0)} {
		if _, err := emv.ParseRemote(bad); !errors.Is(err, emv.ErrRemote) {
			t.Errorf("%d bytes give %v", len(bad), err)
		}
	}
}

// Every part of the input is covered by the cryptogram.
func TestRemoteInput(t *testing.T) {
	key, err := emv.ParseKey("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		t.Fatal(err)
	}
	un := [4]byte{1, 2, 3, 4}
	made, err := emv.ApplicationCryptogram(key, emv.RemoteInput(1250, 840, 7, un))
	if err != nil {
		t.Fatal(err)
	}
	if !emv.VerifyCryptogram(key, emv.RemoteInput(1250, 840, 7, un), made) {
		t.Error("the same input does not verify")
	}
	for _, other := range []emv.Input{
		emv.RemoteInput(1251, 840, 7, un), emv.RemoteInput(1250, 978, 7, un),
		emv.RemoteInput(1250, 840, 8, un), emv.RemoteInput(1250, 840, 7, [4]byte{1, 2, 3, 5}),
	} {
		if emv.VerifyCryptogram(key, other, made) {
			t.Errorf("%+v verifies too", other)
		}
	}
}

func FuzzParseRemote(f *testing.F) {
	raw, err := hex.DecodeString(remoteHex)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:12])
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := emv.ParseRemote(b); err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Errorf("%X is written as %X", b, r.Append(nil))
		}
	})
}
