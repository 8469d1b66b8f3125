package phone_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
)

// worn is the index of the worked token's limited-use key; its key is derived.
const worn = "6781301"

const tokenReference = "0123456789abcdef0123456789abcdef"

// today is when the phones of these tests think it is; their keys are good for
// a day from then.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func lent(t testing.TB, index string, uses int) phone.LentKey {
	t.Helper()
	card, err := emv.ParseKey(cardKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := emv.LimitedUseKey(card, index)
	if err != nil {
		t.Fatal(err)
	}
	return phone.LentKey{Index: index, Key: key, UsesMax: uses, Expires: today.Add(24 * time.Hour)}
}

func cloudMaterial(t testing.TB, index string, uses int) phone.Material {
	t.Helper()
	m := material(t)
	m.CardKey, m.Version, m.Lent = emv.Key{}, phone.Version43, lent(t, index, uses)
	return m
}

// cloudPhone holds the worked token as a cloud token that was tapped six times.
// Its clock stands still.
func cloudPhone(t testing.TB, index string, uses int) *phone.Phone {
	t.Helper()
	now := today
	return cloudPhoneAt(t, index, uses, &now)
}

func cloudPhoneAt(t testing.TB, index string, uses int, now *time.Time) *phone.Phone {
	t.Helper()
	p, err := phone.New(seeded(1), phone.Clock(func() time.Time { return *now }))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Load(cloudMaterial(t, index, uses)); err != nil {
		t.Fatal(err)
	}
	p.SetCounter(6)
	return p
}

func tap(t testing.TB, p *phone.Phone) string {
	t.Helper()
	_, status := ask(t, p, selectAID, options)
	return status
}

func TestAKeyHasItsUsesAndNoMore(t *testing.T) {
	p := cloudPhone(t, worn, 2)
	for left := 2; left > 0; left-- {
		if k := p.Keys(); !k.Lent || k.Uses != left || k.Next != worn || k.Why != nil || k.Reference != tokenReference {
			t.Errorf("before tap: %+v", k)
		}
		if status := tap(t, p); status != "9000" {
			t.Errorf("with %d uses left the phone answered %s", left, status)
		}
	}
	if k := p.Keys(); k.Uses != 0 || k.Next != "" || !errors.Is(k.Why, phone.ErrKeysUsedUp) {
		t.Errorf("after the last use: %+v", k)
	}
	if status := tap(t, p); status != "6985" {
		t.Errorf("a tap more answered %s", status)
	}
	if got := p.LastTap().ATC; got != 8 {
		t.Errorf("a tap without a key was counted: %d", got)
	}
}

func TestAKeyExpires(t *testing.T) {
	now := today
	p := cloudPhoneAt(t, worn, 5, &now)
	now = today.Add(24*time.Hour - time.Nanosecond)
	if status := tap(t, p); status != "9000" {
		t.Errorf("the moment before, the phone answered %s", status)
	}
	now = today.Add(24 * time.Hour)
	if k := p.Keys(); k.Uses != 0 || !errors.Is(k.Why, phone.ErrKeysExpired) {
		t.Errorf("at that moment: %+v", k)
	}
	if status := tap(t, p); status != "6985" {
		t.Errorf("at that moment the phone answered %s", status)
	}
}

// A refused command costs no use: only a tap that begins does.
func TestRefusedCommandsCostNoUse(t *testing.T) {
	p := cloudPhone(t, worn, 1)
	ask(t, p, selectAID, "80A8000000", strings.Replace(options, "1250", "12F0", 1), strings.Replace(options, "8321", "8421", 1))
	if k := p.Keys(); k.Uses != 1 {
		t.Errorf("left: %+v", k)
	}
}

func TestReplenish(t *testing.T) {
	p := cloudPhone(t, worn, 1)
	if err := p.Replenish(tokenReference, lent(t, "6781302", 2)); err != nil {
		t.Fatal(err)
	}
	if k := p.Keys(); k.Uses != 3 || k.Next != worn {
		t.Errorf("the key in use comes first: %+v", k)
	}
	for _, index := range []string{worn, "6781302", "6781302"} {
		data, status := ask(t, p, selectAID, options)
		list, err := emv.ParseTLV(data)
		if status != "9000" || err != nil {
			t.Fatalf("a tap answered %s, %v", status, err)
		}
		iad, _ := emv.Find(list, emv.TagIAD)
		if got, err := emv.LimitedUseIndex(iad); err != nil || got != index {
			t.Errorf("the tap names key %s, want %s: %v", got, index, err)
		}
	}
	if status := tap(t, p); status != "6985" {
		t.Errorf("after both keys the phone answered %s", status)
	}
}

func TestReplenishRefuses(t *testing.T) {
	expired, soon, noUse, many, most := lent(t, "6781399", 5), lent(t, "6781398", 5), lent(t, "6781302", 0), lent(t, "6781302", phone.LentUsesMax+1), lent(t, "6781397", phone.LentUsesMax)
	expired.Expires = today
	soon.Expires = today.Add(time.Nanosecond)
	noKey, noTime := lent(t, "6781302", 5), lent(t, "6781302", 5)
	noKey.Key, noTime.Expires = emv.Key{}, time.Time{}
	short, letters := lent(t, "6781302", 5), lent(t, "6781302", 5)
	short.Index, letters.Index = "678130", "678130A"
	for name, c := range map[string]struct {
		key  phone.LentKey
		want error
	}{
		"expired now": {expired, phone.ErrMaterial}, "about to expire": {soon, nil},
		"no use": {noUse, phone.ErrMaterial}, "a use too many": {many, phone.ErrMaterial}, "the most uses": {most, nil},
		"no key": {noKey, phone.ErrMaterial}, "no time": {noTime, phone.ErrMaterial},
		"a short index": {short, emv.ErrIndex}, "a letter in the index": {letters, emv.ErrIndex},
		"the key in use": {lent(t, worn, 5), phone.ErrMaterial},
	} {
		p := cloudPhone(t, worn, 1)
		before := p.Keys()
		if err := p.Replenish(tokenReference, c.key); !errors.Is(err, c.want) {
			t.Errorf("%s gave %v", name, err)
		}
		if c.want != nil && p.Keys() != before {
			t.Errorf("%s was refused and changed the keys: %+v", name, p.Keys())
		}
	}
	if err := cloudPhone(t, worn, 1).Replenish("unknown", lent(t, "6781302", 5)); !errors.Is(err, phone.ErrNotLoaded) {
		t.Errorf("an unknown token gave %v", err)
	}
	if err := loaded(t).Replenish(tokenReference, lent(t, "6781302", 5)); !errors.Is(err, phone.ErrNotLent) {
		t.Errorf("a token with a card key gave %v", err)
	}
}

// A used-up key that comes again gives no use back, as long as it is good.
func TestAUsedUpKeyIsNotLoadedAgain(t *testing.T) {
	p := cloudPhone(t, worn, 1)
	tap(t, p)
	if err := p.Replenish(tokenReference, lent(t, worn, 1)); !errors.Is(err, phone.ErrMaterial) {
		t.Errorf("replenishing with it gave %v", err)
	}
	if err := p.Load(cloudMaterial(t, worn, 1)); err != nil {
		t.Fatal(err)
	}
	if status := tap(t, p); status != "6985" {
		t.Errorf("after loading it again the phone answered %s", status)
	}
	if got := p.LastTap().ATC; got != 7 {
		t.Errorf("the counter did not go on: %d", got)
	}
}

func TestAPhoneHoldsSoManyKeys(t *testing.T) {
	now := today
	p := cloudPhoneAt(t, worn, 1, &now)
	add := func(n int) error { return p.Replenish(tokenReference, lent(t, fmt.Sprintf("67813%02d", n), 1)) }
	for n := 2; n <= phone.LentKeysMax; n++ {
		if err := add(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(50); !errors.Is(err, phone.ErrKeysFull) {
		t.Errorf("key %d gave %v", phone.LentKeysMax+1, err)
	}
	tap(t, p)
	if err := add(50); err != nil {
		t.Errorf("a used-up key must make room: %v", err)
	}
	now = today.Add(48 * time.Hour)
	late := lent(t, "6781351", 1)
	late.Expires = now.Add(time.Hour)
	if err := p.Replenish(tokenReference, late); err != nil {
		t.Errorf("expired keys must make room: %v", err)
	}
	if k := p.Keys(); k.Uses != 1 || k.Next != "6781351" {
		t.Errorf("left: %+v", k)
	}
}

func TestKeysOfOtherPhones(t *testing.T) {
	if k := mustNew(t, 3).Keys(); k != (phone.Keys{}) {
		t.Errorf("a phone without tokens has %+v", k)
	}
	if k := loaded(t).Keys(); k != (phone.Keys{Reference: tokenReference}) {
		t.Errorf("a token with a card key has %+v", k)
	}
}

// A clone has the same uses once more: only the network can notice.
func TestACloneCountsItsUsesApart(t *testing.T) {
	p := cloudPhone(t, worn, 1)
	twin := p.Clone()
	if tap(t, p) != "9000" || tap(t, p) != "6985" || tap(t, twin) != "9000" || tap(t, twin) != "6985" {
		t.Error("phone and clone must have one use each")
	}
}

func TestALentKeyDoesNotPrint(t *testing.T) {
	p := cloudPhone(t, worn, 5)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		shown := strings.ToUpper(fmt.Sprintf(verb, []any{lent(t, worn, 5), cloudMaterial(t, worn, 5), p}))
		if strings.Contains(shown, "79FF348AE57DC85B") || strings.Contains(shown, number) {
			t.Errorf("%s shows a key or number", verb)
		}
	}
}

// A key that was used up is told so, also when its time is over.
func TestWhyThereIsNoKey(t *testing.T) {
	now := today
	p := cloudPhoneAt(t, worn, 1, &now)
	tap(t, p)
	now = today.Add(24 * time.Hour)
	if why := p.Keys().Why; !errors.Is(why, phone.ErrKeysUsedUp) {
		t.Errorf("a used-up key that is over: %v", why)
	}
	now = today
	if err := p.Replenish(tokenReference, lent(t, "6781302", 1)); err != nil {
		t.Fatal(err)
	}
	now = today.Add(24 * time.Hour)
	if why := p.Keys().Why; !errors.Is(why, phone.ErrKeysExpired) {
		t.Errorf("one used up and one over: %v", why)
	}
}
