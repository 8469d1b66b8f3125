//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/need"
	"github.com/firsttap/firsttap/keys"
)

// vectors reads a file of dcvv2's published worked cases.
func vectors(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "dcvv2", "testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			rows = append(rows, f)
		}
	}
	return rows
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkCode computes the code of a row: profile, key, PAN, PSN, expiry, hours,
// window, generation, code.
func checkCode(t *testing.T, master dcvv2.Master, profile, pan, psn, expiry, hours, window, generation, code string) {
	t.Helper()
	p, err := dcvv2.ProfileByName(profile)
	if err != nil {
		t.Fatal(err)
	}
	number16, err := card.ParsePAN(pan)
	if err != nil {
		t.Fatal(err)
	}
	until, err := card.ParseExpiry(expiry)
	if err != nil {
		t.Fatal(err)
	}
	account := dcvv2.Account{PAN: number16, Sequence: card.Sequence(number(t, psn)), Expiry: until, Generation: uint16(number(t, generation))}
	got, err := dcvv2.CodeOf(p, master, account, dcvv2.Window{Hours: int(number(t, hours)), Index: number(t, window)})
	want, _ := dcvv2.ParseCode(code)
	if err != nil || got != want {
		t.Errorf("%s, window %s of %s hours: another code, %v", profile, window, hours, err)
	}
}

// TestCodesOfThePublishedCasesComeOutOfTheModule computes every vector of the
// three profiles with master keys that are inside.
func TestCodesOfThePublishedCasesComeOutOfTheModule(t *testing.T) {
	m := opened(t, newToken(t))
	masters := map[string]dcvv2.Master{codeKey: imported(t, m, 1, codeKey), wideKey: imported(t, m, 2, wideKey)}
	n := 0
	for _, f := range vectors(t, "codes.txt") {
		if master := masters[f[1]]; master != nil {
			checkCode(t, master, f[0], f[2], f[3], f[4], f[6], f[7], f[9], f[10])
			n++
		}
	}
	if n < 100 {
		t.Errorf("%d vectors", n)
	}
}

// TestModuleAndMemoryDeriveTheSame compares raw derivations.
func TestModuleAndMemoryDeriveTheSame(t *testing.T) {
	m := opened(t, newToken(t))
	soft := map[int]dcvv2.MasterKey{1: masterKey(t, codeKey), 2: masterKey(t, wideKey)}
	hard := map[int]dcvv2.Master{1: imported(t, m, 1, codeKey), 2: imported(t, m, 2, wideKey)}
	for version := range soft {
		for _, d := range []dcvv2.Derivation{dcvv2.DeriveTDES, dcvv2.DeriveCMAC, dcvv2.DeriveHMAC, 0, 99} {
			for _, length := range []int{15, 16, 17, 33} {
				input := []byte(strings.Repeat("dCVV2", 10))[:length]
				want, wantErr := soft[version].Derive(d, input)
				got, err := hard[version].Derive(d, input)
				if got != want || (err == nil) != (wantErr == nil) {
					t.Errorf("version %d, %s of %d bytes: %v in the module, %v in memory", version, d, length, err, wantErr)
				}
			}
		}
	}
	if _, err := hard[1].Derive(dcvv2.DeriveCMAC, make([]byte, 16)); !errors.Is(err, dcvv2.ErrMasterKey) {
		t.Errorf("a TDES key for AES-CMAC: %v", err)
	}
}

func TestKeysAreMadeInTheModuleAndStay(t *testing.T) {
	m := opened(t, newToken(t))
	if _, err := m.CodeMaster(testRange, 1); !errors.Is(err, keys.ErrNoKey) {
		t.Fatalf("a key that is not there: %v", err)
	}
	narrow := keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 1}
	wide := keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 2, Bytes: 32}
	results := make(map[[32]byte]bool)
	for range 2 { // the second time changes nothing
		for _, w := range []keys.Wanted{narrow, wide} {
			if err := m.Ensure(w); err != nil {
				t.Fatal(err)
			}
		}
		for version, ds := range map[int][]dcvv2.Derivation{1: {dcvv2.DeriveTDES}, 2: {dcvv2.DeriveCMAC, dcvv2.DeriveHMAC}} {
			master, err := m.CodeMaster(testRange, version)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				out, err := master.Derive(d, make([]byte, 16))
				if err != nil {
					t.Errorf("%s: %v", d, err)
				}
				results[out] = true
			}
		}
	}
	if len(results) != 3 {
		t.Errorf("%d different results of three keys", len(results))
	}
	for handle := range valuesOf(m) {
		_, err := m.ctx.GetAttributeValue(mustSession(t, m), handle, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
		if !is(err, pkcs11.CKR_ATTRIBUTE_SENSITIVE) {
			t.Errorf("the module gives a key out: %v", err)
		}
	}
}

func valuesOf(m *Module) map[pkcs11.ObjectHandle]bool {
	all := make(map[pkcs11.ObjectHandle]bool)
	for _, handle := range m.objects {
		all[handle] = true
	}
	return all
}

func mustSession(t *testing.T, m *Module) pkcs11.SessionHandle {
	t.Helper()
	session, err := m.session()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.ctx.CloseSession(session) })
	return session
}

func TestListShowsTheCheckValuesOfTheRing(t *testing.T) {
	m := opened(t, newToken(t))
	imported(t, m, 2, wideKey)
	imported(t, m, 1, codeKey)
	strange := template("another program's", dcvv2.DeriveCMAC, masterKey(t, wideKey).Reveal())
	if _, err := m.ctx.CreateObject(mustSession(t, m), strange); err != nil {
		t.Fatal(err)
	}
	got, err := m.List()
	var shown []string
	for _, info := range got {
		if !keys.Published(info) || info.Usage != keys.DCVV2 || info.Range != testRange || info.Exportability != keys.ExportNever {
			t.Errorf("%+v", info)
		}
		shown = append(shown, fmt.Sprint(info.Version, info.Algorithm, info.CheckValue))
	}
	if want := []string{"1TDES08D7B4", "2AES377822", "2HMACD38B42"}; err != nil || fmt.Sprint(shown) != fmt.Sprint(want) {
		t.Errorf("%v, %v", shown, err)
	}
}

func TestWhatTheModuleRefuses(t *testing.T) {
	m := opened(t, newToken(t))
	imported(t, m, 1, codeKey)
	ensure := func(u keys.Usage, accountRange string, version, length int) error {
		return m.Ensure(keys.Wanted{Usage: u, Range: accountRange, Version: version, Bytes: length})
	}
	for _, one := range []struct {
		name string
		err  error
		want error
	}{
		{"a name that is taken", m.Import(testRange, 1, masterKey(t, codeKey)), keys.ErrExists},
		{"a taken name with another length", m.Import(testRange, 1, masterKey(t, wideKey)), keys.ErrExists},
		{"24 bytes", m.Import(testRange, 3, masterKey(t, wideKey[:48])), keys.ErrKey},
		{"version 0", m.Import(testRange, 0, masterKey(t, codeKey)), keys.ErrName},
		{"version 100", ensure(keys.DCVV2, testRange, 100, 16), keys.ErrName},
		{"no range", ensure(keys.DCVV2, "", 1, 16), keys.ErrName},
		{"another length", ensure(keys.DCVV2, testRange, 1, 32), keys.ErrKey},
		{"17 bytes", ensure(keys.DCVV2, testRange, 4, 17), keys.ErrKey},
		{"a token key", ensure(keys.Token, "", 1, 16), ErrCannot},
	} {
		if !errors.Is(one.err, one.want) {
			t.Errorf("%s: %v", one.name, one.err)
		}
	}
}

// TestAKeyThatMayLeaveIsRefused makes objects by hand, as somebody else might.
func TestAKeyThatMayLeaveIsRefused(t *testing.T) {
	m := opened(t, newToken(t))
	session := mustSession(t, m)
	loose := template(labelOf(testRange, 1), dcvv2.DeriveCMAC, masterKey(t, wideKey).Reveal())
	for _, a := range loose {
		if a.Type == pkcs11.CKA_EXTRACTABLE {
			a.Value = []byte{1}
		}
	}
	twice := template(labelOf(testRange, 2), dcvv2.DeriveCMAC, masterKey(t, wideKey).Reveal())
	for _, of := range [][]*pkcs11.Attribute{loose, twice, twice} {
		if _, err := m.ctx.CreateObject(session, of); err != nil {
			t.Fatal(err)
		}
	}
	for version, says := range map[int]string{1: "may leave the module", 2: "2 objects"} {
		if _, err := m.CodeMaster(testRange, version); !errors.Is(err, ErrObject) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v", err)
		}
		if err := m.Ensure(keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: version, Bytes: 32}); !errors.Is(err, ErrObject) {
			t.Errorf("made beside it: %v", err)
		}
	}
}

// TestAPairIsMadeWholeOrNotAtAll lets the second object of a key fail.
func TestAPairIsMadeWholeOrNotAtAll(t *testing.T) {
	m := opened(t, newToken(t))
	saved := ways[dcvv2.DeriveHMAC]
	t.Cleanup(func() { ways[dcvv2.DeriveHMAC] = saved })
	broken := saved
	broken.generate, broken.keyType = pkcs11.CKM_VENDOR_DEFINED, pkcs11.CKK_VENDOR_DEFINED
	w := keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 1, Bytes: 32}

	ways[dcvv2.DeriveHMAC] = broken
	if m.Ensure(w) == nil || m.Import(testRange, 1, masterKey(t, wideKey)) == nil {
		t.Error("made without its second object")
	}
	ways[dcvv2.DeriveHMAC] = saved
	if _, err := m.CodeMaster(testRange, 1); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("the first object was left: %v", err)
	}
	for range 2 {
		if err := m.Ensure(w); err != nil {
			t.Error(err)
		}
	}

	w.Version = 2
	lone := template(w.String(), dcvv2.DeriveHMAC, masterKey(t, wideKey).Reveal())
	if _, err := m.ctx.CreateObject(mustSession(t, m), lone); err != nil {
		t.Fatal(err)
	}
	if err := m.Ensure(w); !errors.Is(err, ErrObject) || !strings.Contains(err.Error(), "none for") {
		t.Errorf("half a pair: %v", err)
	}
}

// TestASessionThatFailedIsOpenedAnew takes sessions and log-in away under a
// module in use.
func TestASessionThatFailedIsOpenedAnew(t *testing.T) {
	s := newToken(t)
	s.Sessions = 2
	m := opened(t, s)
	master := imported(t, m, 1, codeKey)
	want, err := master.Derive(dcvv2.DeriveTDES, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := m.ctx.CloseAllSessions(m.slot); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got, err := master.Derive(dcvv2.DeriveTDES, make([]byte, 16)); err != nil || got != want {
				t.Errorf("after the sessions were closed: %v", err)
			}
		}
	}
}

// loseSessions closes all sessions behind the module's back, but none that is at
// work: SoftHSM frees it under the one who uses it.
func loseSessions(m *Module) {
	var all []pkcs11.SessionHandle
	for range cap(m.sessions) {
		all = append(all, <-m.sessions)
	}
	_ = m.ctx.CloseAllSessions(m.slot)
	for _, session := range all {
		m.sessions <- session
	}
}

func TestManyMayUseTheModule(t *testing.T) {
	s := newToken(t)
	s.Sessions = 3
	m := opened(t, s)
	soft, hard := masterKey(t, wideKey), imported(t, m, 1, wideKey)
	var done sync.WaitGroup
	for n := range 16 {
		done.Go(func() {
			for i := range 20 {
				if i == 10 && n == 0 {
					loseSessions(m)
				}
				input := fmt.Appendf(nil, "%d/%d", n, i)
				d := []dcvv2.Derivation{dcvv2.DeriveCMAC, dcvv2.DeriveHMAC}[i%2]
				want, _ := soft.Derive(d, input)
				if got, err := hard.Derive(d, input); err != nil || got != want {
					t.Errorf("%s: %v", d, err)
				}
				if _, err := m.CodeMaster(testRange, 1); err != nil {
					t.Error(err)
				}
			}
			if err := m.Ensure(keys.Wanted{Usage: keys.DCVV2, Range: testRange, Version: 2 + n%4}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

func TestOpenRefusesWithTheReason(t *testing.T) {
	good := newToken(t)
	for _, one := range []struct {
		name   string
		change func(s *Settings)
		says   string
	}{
		{"no such library", func(s *Settings) { s.Module = filepath.Join(t.TempDir(), "no.so") }, "cannot be loaded"},
		{"no such token", func(s *Settings) { s.Token = "other" }, "0 tokens of this label"},
		{"no PIN file", func(s *Settings) { s.PINFile = "no such file" }, "no good PIN file"},
		{"too many sessions", func(s *Settings) { s.Sessions = SessionsMax + 1 }, "not 1 to 64"},
		{"a wrong PIN", func(s *Settings) {
			s.PINFile = filepath.Join(t.TempDir(), "pin")
			write(t, s.PINFile, "000000")
		}, "CKR_PIN_INCORRECT"},
		{"what no module can", func(s *Settings) { s.Needs = []dcvv2.Derivation{dcvv2.DeriveCMAC, 99} }, "the module cannot do this"},
	} {
		s := good
		one.change(&s)
		m, err := Open(s)
		if err == nil || !strings.Contains(err.Error(), one.says) || strings.Contains(err.Error(), need.PIN) {
			t.Errorf("%s: %v", one.name, err)
		}
		if m != nil {
			t.Errorf("%s: a module", one.name)
		}
	}
	good.Needs = derivations
	opened(t, good)
}

// TestAMechanismThatIsMissingIsRefused takes one out of what was probed.
func TestAMechanismThatIsMissingIsRefused(t *testing.T) {
	m := opened(t, newToken(t))
	saved := ways[dcvv2.DeriveCMAC]
	t.Cleanup(func() { ways[dcvv2.DeriveCMAC] = saved })
	lacking := saved
	lacking.mechanism = pkcs11.CKM_VENDOR_DEFINED
	ways[dcvv2.DeriveCMAC] = lacking
	if err := m.probe(); err != nil {
		t.Fatal(err)
	}
	if err := m.cannot(dcvv2.DeriveCMAC); !errors.Is(err, ErrCannot) || !strings.Contains(err.Error(), "CKM_AES_CMAC") {
		t.Errorf("%v", err)
	}
	master := imported(t, m, 1, wideKey) // for HMAC alone
	if _, err := master.Derive(dcvv2.DeriveCMAC, nil); !errors.Is(err, ErrCannot) {
		t.Errorf("%v", err)
	}
	if _, err := master.Derive(dcvv2.DeriveHMAC, nil); err != nil {
		t.Errorf("%v", err)
	}
}

func TestARefusedPINIsNotTriedAgain(t *testing.T) {
	m := opened(t, newToken(t))
	m.refused = pkcs11.Error(pkcs11.CKR_PIN_INCORRECT)
	if _, err := m.session(); !is(err, pkcs11.CKR_PIN_INCORRECT) {
		t.Errorf("%v", err)
	}
}

func TestAClosedModuleSaysSo(t *testing.T) {
	m, err := Open(newToken(t))
	if err != nil {
		t.Fatal(err)
	}
	master := imported(t, m, 1, codeKey)
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := master.Derive(dcvv2.DeriveTDES, make([]byte, 16)); !errors.Is(err, errClosed) {
		t.Errorf("%v", err)
	}
}
