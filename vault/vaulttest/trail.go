package vaulttest

import (
	"errors"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var trailTests = []test{
	{"the trail tells the whole story", trailStory},
	{"the chain holds, and shows what was changed", trailChain},
	{"the trail is read in pages", trailPages},
	{"the trail explains a transaction", trailExplains},
}

// story does one of everything that the trail tells.
func (b *bench) story() {
	b.Helper()
	b.change(vault.ChangeEnrol, 1, noon)
	b.claim(guess("wrong code", 1), vault.Won)
	b.claim(spending("issuer away", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "issuer away", At: noon, PAN: PAN(1), Release: true, Outcome: declined(token.ReasonIssuerUnavailable), Unanswered: "nothing received in 2s"}))

	one := Token(1)
	b.claim(spending("activation", 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{
		Key: "activation", At: noon, Outcome: approved(one.Reference), Token: &one,
		Notices: []token.Notice{created(1)}, PAN: PAN(1), Succeeded: true,
	}))
	b.acknowledge(b.due(noon)...)

	b.claim(tap("good tap", one.Reference, 1), vault.Won)
	b.must(b.store.Conclude(b.ctx, vault.Conclusion{Key: "good tap", At: noon, Outcome: approved(one.Reference)}))
	bad := tap("bad tap", "", 0)
	bad.Outcome = &token.Outcome{Response: token.CardAuthentication, Reference: one.Reference, Reason: token.ReasonBadCryptogram}
	b.claim(bad, vault.Won)
	b.step(one, token.Suspend)
	b.change(vault.ChangeUnenrol, 1, noon)
}

func trailStory(b *bench) {
	b.story()
	masked, reference := PAN(1).Masked(), Token(1).Reference
	const activated, tapped = "000000000000001", "000000000000002"
	type line struct{ Event, Subject, Transaction, Detail string }
	want := []line{
		{"account enrolled", masked, "", "generation 0, by greenbank"},
		{"activation claimed", masked, activated, ""},
		{"activation declined", masked, activated, "response N7: wrong code"},
		{"activation claimed", masked, activated, ""},
		{"code used", masked, activated, "window 498708 of 1 h"},
		{"activation declined", masked, activated, "response N7: issuer did not answer: nothing received in 2s"},
		{"code released", masked, activated, ""},
		{"activation claimed", masked, activated, ""},
		{"code used", masked, activated, "window 498708 of 1 h"},
		{"activation approved", masked, activated, "response 00: issuer approved"},
		{"token created", reference, activated, "for " + masked},
		{"notice acknowledged", reference, activated, "reason 3700"},
		{"tap accepted", reference, tapped, "response 00: issuer approved"},
		{"tap declined", reference, tapped, "response Q1: cryptogram does not verify"},
		{"token suspended", reference, activated, "was active, by operator"},
		{"account unenrolled", masked, "", "generation 0, by greenbank"},
	}
	var got []line
	for _, e := range b.trail() {
		got = append(got, line{e.Event, e.Subject, e.Transaction, e.Detail})
		if !e.At.Equal(noon) {
			b.Errorf("entry %d is of %s", e.Number, e.At)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
}

func trailChain(b *bench) {
	b.story()
	trail := b.trail()
	b.must(vault.VerifyChain(trail, [32]byte{}))
	b.must(vault.VerifyChain(trail[3:], trail[2].Hash))
	for _, change := range []struct {
		name string
		make func([]vault.Entry) []vault.Entry
	}{
		{"a detail", func(l []vault.Entry) []vault.Entry { l[4].Detail += "."; return l }},
		{"an event", func(l []vault.Entry) []vault.Entry { l[4].Event = "code released"; return l }},
		{"a subject", func(l []vault.Entry) []vault.Entry { l[4].Subject = PAN(2).Masked(); return l }},
		{"a transaction", func(l []vault.Entry) []vault.Entry { l[4].Transaction = "000000000000002"; return l }},
		{"a time", func(l []vault.Entry) []vault.Entry { l[4].At = l[4].At.Add(1); return l }},
		{"a number", func(l []vault.Entry) []vault.Entry { l[4].Number = 99; return l }},
		{"text moved between fields", func(l []vault.Entry) []vault.Entry {
			l[4].Event, l[4].Subject = strings.TrimSuffix(l[4].Event, "d"), "d"+l[4].Subject
			return l
		}},
		{"left out", func(l []vault.Entry) []vault.Entry { return append(l[:4], l[5:]...) }},
		{"left out at the beginning", func(l []vault.Entry) []vault.Entry { return l[1:] }},
		{"changed places", func(l []vault.Entry) []vault.Entry { l[3], l[4] = l[4], l[3]; return l }},
		{"a hash made to fit", func(l []vault.Entry) []vault.Entry {
			l[4].Detail += "."
			l[4].Hash = l[4].Chain(l[3].Hash)
			return l
		}},
	} {
		if err := vault.VerifyChain(change.make(b.trail()), [32]byte{}); !errors.Is(err, vault.ErrChain) {
			b.Errorf("%s: %v", change.name, err)
		}
	}
}

func trailPages(b *bench) {
	b.story()
	all := b.trail()
	var paged []vault.Entry
	for after := int64(0); ; {
		page, err := b.store.Audit(b.ctx, after, 5)
		b.must(err)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
		after = page[len(page)-1].Number
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		b.Errorf("pages differ from the whole:\n%s", diff)
	}
}

func trailExplains(b *bench) {
	b.story()
	for _, id := range []string{"000000000000001", "000000000000002", "000000000000003", ""} {
		var want []vault.Entry
		for _, e := range b.trail() {
			if id != "" && e.Transaction == id {
				want = append(want, e)
			}
		}
		got, err := b.store.Explain(b.ctx, id)
		b.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			b.Errorf("transaction %q (-want +got):\n%s", id, diff)
		}
	}
}
