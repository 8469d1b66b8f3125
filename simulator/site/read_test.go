package site_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/site"
)

const goodPage = `<div id="card-number">4761 7390 0101 0010</div><span id=card-expiry>12/31</span>
<b id="card-code"> 0<i>7</i>5 </b><time id="code-expires" datetime="2026-11-22T13:00:00Z">one o'clock</time>`

func TestReadCard(t *testing.T) {
	c, err := site.ReadCard(strings.NewReader(goodPage))
	if err != nil {
		t.Fatal(err)
	}
	if c.PAN != card.MustPAN("4761739001010010") || c.Expiry != card.MustExpiry("3112") || c.Code.Reveal() != "075" {
		t.Error("the page was misread")
	}
	if got := c.Expires.Format("15:04"); got != "13:00" {
		t.Errorf("the code ends at %s", got)
	}
	if shown := fmt.Sprintf("%+v", c); strings.Contains(shown, "4761739001010010") || strings.Contains(shown, "075") {
		t.Error("what was read must not print")
	}
}

func TestReadCardSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           error
		element        string
	}{
		{"no number", "card-number", "x", site.ErrMissing, site.NumberID},
		{"no date", "card-expiry", "x", site.ErrMissing, site.ExpiryID},
		{"no code", "card-code", "x", site.ErrMissing, site.CodeID},
		{"no end", "code-expires", "x", site.ErrMissing, site.ExpiresID},
		{"a number with a wrong digit", "0010", "0011", site.ErrContent, site.NumberID},
		{"a short number", "4761 7390 0101 0010", "4761", site.ErrContent, site.NumberID},
		{"a date without a slash", "12/31", "1231", site.ErrContent, site.ExpiryID},
		{"a thirteenth month", "12/31", "13/31", site.ErrContent, site.ExpiryID},
		{"a code of two digits", "<i>7</i>", "", site.ErrContent, site.CodeID},
		{"an end that is no time", "2026-11-22T13", "soon", site.ErrContent, site.ExpiresID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := site.ReadCard(strings.NewReader(strings.Replace(goodPage, tt.old, tt.new, 1)))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.element) {
				t.Errorf("ReadCard gave %v, want one that names %s", err, tt.element)
			}
		})
	}
}

func FuzzReadCard(f *testing.F) {
	f.Add(goodPage)
	f.Add("")
	f.Add(`<p id="card-number"><table id="card-expiry"><svg id=card-code>`)
	f.Fuzz(func(t *testing.T, page string) {
		c, err := site.ReadCard(strings.NewReader(page))
		if err == nil && (c.PAN.IsZero() || c.Expiry.IsZero() || c.Code.IsZero() || c.Expires.IsZero()) {
			t.Error("a card with something missing was read without an error")
		}
	})
}
