package main

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/simulator/story"
	"github.com/firsttap/firsttap/specs"
)

// TestStoryInOtherProfiles provisions and taps where doors and lines speak
// ascii87, all of them or some, in each framing.
func TestStoryInOtherProfiles(t *testing.T) {
	ascii := config.Wire{Spec: specs.NameASCII87, Framing: specs.FramingASCII4}
	visa := config.Wire{Spec: specs.NameVisaStyle, Framing: specs.FramingVAP}
	visa2 := config.Wire{Spec: specs.NameVisaStyle, Framing: specs.FramingBinary2}
	framed := config.Wire{Spec: specs.NameASCII87, Framing: specs.FramingVAP}
	for name, told := range map[string]wires{
		allInASCII:                     {network.Wallets: ascii, network.Merchants: ascii, lineIssuer: ascii},
		"wallet in ASCII":              {network.Wallets: ascii, lineIssuer: visa},
		"issuer in ASCII":              {network.Merchants: visa2, lineIssuer: ascii},
		"merchant in ASCII behind vap": {network.Merchants: framed, lineIssuer: visa2},
	} {
		t.Run(name, func(t *testing.T) {
			for _, wrong := range []string{"", "wrong-code", "altered-amount"} {
				playIn(t, told, wrong, name == allInASCII)
			}
		})
	}
}

const allInASCII = "all in ASCII"

func playIn(t *testing.T, told wires, wrong string, allASCII bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var c story.Case
	if wrong != "" {
		var err error
		if c, err = story.CaseByName(wrong); err != nil {
			t.Fatal(err)
		}
	}
	var ascii, all atomic.Int64
	w, err := openWorld(ctx, worldOptions{
		dir: t.TempDir(), seed: 7, fixedKeys: true, start: sweepTime, holder: "Ada Lovelace", amount: 1250,
		log: zerolog.New(io.Discard), wires: told,
		raw: func(body []byte) {
			all.Add(1)
			if body[0] == '0' { // the type in ASCII; packed it begins with 01, 06 or 08
				ascii.Add(1)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := story.Play(ctx, w.story, c)
	if err != nil || !report.OK() {
		t.Errorf("%q: %v, %+v", wrong, err, report.Refusal)
	}
	if wrong == "" && (report.Token == nil || report.Token.CVV2 != "M" || report.Tap == nil || report.Tap.ResponseCode != "00") {
		t.Errorf("token %+v, tap %+v", report.Token, report.Tap)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
	if wrong == "" && ascii.Load() == 0 || allASCII && ascii.Load() < all.Load() {
		t.Errorf("%d of %d messages are in ASCII", ascii.Load(), all.Load())
	}
}
