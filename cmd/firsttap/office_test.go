package main

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/token"
)

// branch is a world whose issuer follows a persona, with a person's card.
type branch struct {
	*world
	ctx      context.Context
	person   site.Cardholder
	page     string // of the card
	wallet   *wallet.Wallet
	merchant *merchant.Merchant
}

func openBranch(t *testing.T, p issuer.Persona) *branch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w, err := openWorld(ctx, worldOptions{
		dir: t.TempDir(), seed: 7, fixedKeys: true, start: sweepTime, holder: "Ada Lovelace", amount: 1250, log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	o := &branch{world: w, ctx: ctx, person: w.story.Person}
	w.issuer.host.Follow(p)
	application, err := o.person.Apply(ctx, w.story.SiteURL, "Ada Lovelace")
	o.must(t, err)
	o.must(t, o.person.Approve(ctx, application))
	_, o.page, err = o.person.Show(ctx, application)
	o.must(t, err)
	o.wallet, err = w.openWallet(ctx, token.SecureElement)
	o.must(t, err)
	t.Cleanup(o.wallet.Close)
	o.merchant, err = w.openMerchant(ctx, nil)
	o.must(t, err)
	t.Cleanup(o.merchant.Close)
	return o
}

func (o *branch) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// provision asks for a token with what the card's page shows, and gives its
// reference.
func (o *branch) provision(t *testing.T, want token.Response, method token.Method) string {
	t.Helper()
	shown, err := o.person.ReadPage(o.ctx, o.page)
	o.must(t, err)
	got, err := o.wallet.Provision(o.ctx, shown)
	o.must(t, err)
	if got.Answer.Outcome.Response != want || got.Answer.Token == nil || got.Answer.Method != method {
		t.Fatalf("the activation is answered by %+v", got.Answer)
	}
	return got.Answer.Token.Reference
}

// told waits until the issuer knows of a token what a notice brings.
func (o *branch) told(t *testing.T, reference string, holds func(ledger.Token) bool) {
	t.Helper()
	for {
		changed := o.wire.Changed()
		if known, ok := o.issuer.host.Book.Tokens().Find(reference); ok && holds(known) {
			return
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond): // the host knows a little after the wire has seen
		case <-o.ctx.Done():
			t.Fatal("the issuer was not told of the token")
		}
	}
}

func (o *branch) pays(t *testing.T, want token.Response) {
	t.Helper()
	receipt, err := o.merchant.Tap(o.ctx, o.wallet.Phone().Card(), o.story.Amount)
	o.must(t, err)
	if got := receipt.Answer.Outcome.Response; got != want {
		t.Errorf("the tap is answered %s, want %s", got, want)
	}
}

// The cardholder types the passcode that came with a 0620 into the wallet.
func TestAStepUpByPasscode(t *testing.T) {
	o := openBranch(t, issuer.Persona{Decides: issuer.Yellow})
	reference := o.provision(t, token.StepUp, token.ByPasscode)
	o.told(t, reference, func(k ledger.Token) bool { return !k.Passcode.IsZero() })
	code, err := o.person.Passcode(o.ctx, o.page, reference)
	o.must(t, err)
	answer, _, err := o.wallet.Answer(o.ctx, reference, code)
	o.must(t, err)
	if answer.Response != token.Approved {
		t.Fatalf("the passcode is answered %s", answer.Response)
	}
	o.told(t, reference, func(k ledger.Token) bool { return k.Status == token.Active && k.Passcode.IsZero() })
	o.pays(t, token.Approved)
}

// The cardholder confirms in the app, or calls: the issuer asks on the connection
// that the gateway dialled.
func TestAStepUpByTheIssuer(t *testing.T) {
	for name, method := range map[string]token.Method{"app": token.ByIssuerApp, "call centre": token.ByCallCentre} {
		t.Run(name, func(t *testing.T) {
			o := openBranch(t, issuer.Persona{Decides: issuer.Yellow, Method: method})
			reference := o.provision(t, token.StepUp, method)
			o.told(t, reference, func(k ledger.Token) bool { return k.Status == token.Inactive })
			press := o.person.Activate
			if method == token.ByIssuerApp {
				press = o.person.Confirm
			}
			shown, err := press(o.ctx, o.page, reference)
			o.must(t, err)
			if shown.Status != "active" || shown.Kind != "ADAS PHONE – Phone" {
				t.Fatalf("the page shows %+v", shown)
			}
			_, err = o.wallet.Load(o.ctx, reference)
			o.must(t, err)
			o.pays(t, token.Approved)
		})
	}
}

// The office goes through a token's life, and the phone pays or does not.
func TestATokensLifeAtTheOffice(t *testing.T) {
	o := openBranch(t, issuer.Persona{})
	reference := o.provision(t, token.Approved, "")
	o.told(t, reference, func(k ledger.Token) bool { return k.Status == token.Active })
	o.pays(t, token.Approved)
	before := o.issuer.site.Book().All()[0]
	press := func(button func(context.Context, string, string) (site.ShownToken, error), status string) {
		t.Helper()
		shown, err := button(o.ctx, o.page, reference)
		o.must(t, err)
		if shown.Status != status || shown.Response != token.Approved {
			t.Fatalf("the office shows %+v", shown)
		}
	}
	press(o.person.Suspend, "suspended")
	o.pays(t, token.RestrictedCard)
	press(o.person.Resume, "active")
	o.pays(t, token.Approved)
	for _, change := range []func(context.Context, string) ([]site.ShownToken, error){o.person.NewExpiry, o.person.ReplaceCard} {
		shown, err := change(o.ctx, o.page)
		o.must(t, err)
		if len(shown) != 1 || shown[0].Response != token.Approved {
			t.Fatalf("the office shows %+v", shown)
		}
		o.pays(t, token.Approved)
	}
	accounts := o.issuer.site.Book().All()
	if len(accounts) != 2 || accounts[1].PAN == before.PAN || accounts[1].Balance != before.Balance-3*o.story.Amount {
		t.Errorf("the accounts are %+v", accounts)
	}
	press(o.person.Delete, "deactivated")
	o.pays(t, token.ClosedAccount)
}

// What the office asks and the network declines stands there in words.
func TestTheNetworkDeclinesTheOffice(t *testing.T) {
	o := openBranch(t, issuer.Persona{})
	reference := o.provision(t, token.Approved, "")
	o.told(t, reference, func(k ledger.Token) bool { return k.Status == token.Active })
	_, err := o.wallet.Step(o.ctx, reference, token.NoticeSuspended)
	o.must(t, err)
	reply, err := o.issuer.host.Activate(o.ctx, reference, token.ByCallCentre)
	o.must(t, err)
	if reply.Response != token.InvalidTransaction || reply.Words() == "" {
		t.Errorf("activating what is suspended gave %+v", reply)
	}
	if reply, err = o.issuer.host.Inquire(o.ctx, "00000000000000000000000000000000"); err != nil || reply.Response != token.RecordNotFound {
		t.Errorf("an inquiry of nothing gave %+v, %v", reply, err)
	}
	if reply, err = o.issuer.host.Inquire(o.ctx, reference); err != nil || reply.Record.Status != token.Suspended {
		t.Errorf("an inquiry gave %+v, %v", reply, err)
	}
}
