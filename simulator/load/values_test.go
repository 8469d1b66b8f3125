package load

import (
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

var panOfAnother = mustComplete("400000000000000")

func fourBytes(t *testing.T) emv.Cryptogram {
	t.Helper()
	c, err := emv.NewCryptogram([]byte{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustComplete(digits string) card.PAN {
	pan, err := card.CompletePAN(digits)
	if err != nil {
		panic(err)
	}
	return pan
}
