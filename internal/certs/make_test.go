package certs_test

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/internal/certs"
)

var (
	harbour = certs.Identity{Role: certs.Issuer, Name: "harbour"}
	other   = certs.Identity{Role: certs.Issuer, Name: "other"}
	asking  = certs.Identity{Role: certs.Enquirer, Name: "harbour"}
	ops     = certs.Identity{Role: certs.Operator, Name: "ops"}
)

func filled(t testing.TB, dir string, o certs.Order) []certs.Item {
	t.Helper()
	items, err := certs.Make(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func states(items []certs.Item) map[string]certs.State {
	all := make(map[string]certs.State)
	for _, i := range items {
		all[i.File] = i.State
	}
	return all
}

func leafIn(t testing.TB, dir, file string) *x509.Certificate {
	t.Helper()
	all, err := certs.Read(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestMakeMakesAllInOneGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	items := filled(t, dir, certs.Order{Hosts: []string{"gateway.example", "192.0.2.7", "127.0.0.1"}, Clients: []certs.Identity{harbour, ops, harbour}})
	want := map[string]certs.State{
		certs.AuthorityFile: certs.Made, certs.GatewayFile: certs.Made, "issuer-harbour.pem": certs.Made, "operator-ops.pem": certs.Made,
	}
	if diff := cmp.Diff(want, states(items)); diff != "" || items[0].File != certs.AuthorityFile || len(items) != 4 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, i := range items {
		for file, mode := range map[string]fs.FileMode{i.File: 0o644, i.KeyFile: 0o600} {
			if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", file, info.Mode(), err)
			}
		}
		c := leafIn(t, dir, i.File)
		if certs.FingerprintOf(c) != i.Print || !certs.IsTest(c) || !c.NotAfter.Equal(i.NotAfter) {
			t.Errorf("%s is not what was said: %+v", i.File, i)
		}
	}
	gateway := leafIn(t, dir, certs.GatewayFile)
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", "gateway.example", "192.0.2.7"} {
		if err := gateway.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if who, err := certs.IdentityOf(leafIn(t, dir, "issuer-harbour.pem")); err != nil || who != harbour {
		t.Errorf("got %v, %v", who, err)
	}
}

func TestMakeAgainKeepsAndAdds(t *testing.T) {
	dir := t.TempDir()
	first := filled(t, dir, certs.Order{Hosts: []string{"a.example"}, Clients: []certs.Identity{harbour}})
	again := filled(t, dir, certs.Order{Hosts: []string{"a.example", "A.b.example"}, Clients: []certs.Identity{asking}})
	want := map[string]certs.State{
		certs.AuthorityFile: certs.Kept, certs.GatewayFile: certs.Renewed, "issuer-harbour.pem": certs.Kept, "enquirer-harbour.pem": certs.Made,
	}
	if diff := cmp.Diff(want, states(again)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first[0].Print != again[0].Print || first[2].Print != again[3].Print {
		t.Error("what is kept is the same")
	}
	if err := leafIn(t, dir, certs.GatewayFile).VerifyHostname("a.example"); err != nil {
		t.Errorf("a renewed certificate keeps its hosts: %v", err)
	}
	for file, state := range states(filled(t, dir, certs.Order{})) {
		if state != certs.Kept {
			t.Errorf("%s was %s although nothing was missing", file, state)
		}
	}
}

func TestLeavesAreRenewedBeforeTheyEnd(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		left time.Duration
		want certs.State
	}{
		{"time enough", certs.RenewBefore, certs.Kept},
		{"a second too little", certs.RenewBefore - time.Second, certs.Renewed},
		{"ended", -time.Hour, certs.Renewed},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			made := filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}, Now: now})
			items := filled(t, dir, certs.Order{Now: made[2].NotAfter.Add(-c.left)})
			want := map[string]certs.State{certs.AuthorityFile: certs.Kept, certs.GatewayFile: c.want, "issuer-harbour.pem": c.want}
			if diff := cmp.Diff(want, states(items)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	dir := t.TempDir()
	authority := filled(t, dir, certs.Order{Now: now})[0]
	if _, err := certs.Make(dir, certs.Order{Now: authority.NotAfter.Add(-certs.RenewBefore)}); err != nil {
		t.Error(err)
	}
	if _, err := certs.Make(dir, certs.Order{Now: authority.NotAfter.Add(time.Second - certs.RenewBefore)}); !errors.Is(err, certs.ErrAuthorityEnds) {
		t.Errorf("an authority that ends: %v", err)
	}
}

func TestWhatMakeMends(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"a lost key":           func(dir string) error { return os.Remove(filepath.Join(dir, "issuer-harbour-key.pem")) },
		"another client's key": func(dir string) error { return move(dir, "issuer-other-key.pem", "issuer-harbour-key.pem") },
		"a lost certificate":   func(dir string) error { return os.Remove(filepath.Join(dir, "issuer-harbour.pem")) },
		"a key others may read": func(dir string) error {
			return os.Chmod(filepath.Join(dir, "issuer-harbour-key.pem"), 0o640)
		},
		"another client's certificate": func(dir string) error {
			return errors.Join(move(dir, "issuer-other.pem", "issuer-harbour.pem"), move(dir, "issuer-other-key.pem", "issuer-harbour-key.pem"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			filled(t, dir, certs.Order{Clients: []certs.Identity{harbour, other}})
			if err := harm(dir); err != nil {
				t.Fatal(err)
			}
			if got := states(filled(t, dir, certs.Order{Clients: []certs.Identity{harbour}}))["issuer-harbour.pem"]; got == certs.Kept {
				t.Error("it was kept")
			}
			if who, err := certs.IdentityOf(leafIn(t, dir, "issuer-harbour.pem")); err != nil || who != harbour {
				t.Errorf("it names %v, %v", who, err)
			}
			if _, err := certs.Client(certs.ClientFiles(dir, harbour)); err != nil {
				t.Error(err)
			}
		})
	}
}

func move(dir, from, to string) error {
	return os.Rename(filepath.Join(dir, from), filepath.Join(dir, to))
}

func TestWhatMakeRefuses(t *testing.T) {
	elsewhere := t.TempDir()
	filled(t, elsewhere, certs.Order{Clients: []certs.Identity{other}})
	long := strings.Repeat("z", certs.NameCharactersMax)
	for _, c := range []struct {
		name  string
		harm  func(dir string) error
		order certs.Order
		err   error
	}{
		{"no authority key", func(dir string) error { return os.Remove(filepath.Join(dir, certs.AuthorityKeyFile)) }, certs.Order{}, certs.ErrNoAuthorityKey},
		{"no authority at all", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, certs.AuthorityKeyFile)), os.Remove(filepath.Join(dir, certs.AuthorityFile)))
		}, certs.Order{}, certs.ErrNoAuthorityKey},
		{"no authority certificate", func(dir string) error { return os.Remove(filepath.Join(dir, certs.AuthorityFile)) }, certs.Order{}, fs.ErrNotExist},
		{"an authority key that others may read", func(dir string) error { return os.Chmod(filepath.Join(dir, certs.AuthorityKeyFile), 0o644) }, certs.Order{}, certs.ErrPermissions},
		{"a leaf as authority", func(dir string) error {
			return errors.Join(move(dir, "issuer-harbour.pem", certs.AuthorityFile), move(dir, "issuer-harbour-key.pem", certs.AuthorityKeyFile))
		}, certs.Order{}, certs.ErrNotTest},
		{"another authority's certificate", func(dir string) error {
			return os.Rename(filepath.Join(elsewhere, "issuer-other.pem"), filepath.Join(dir, "issuer-other.pem"))
		}, certs.Order{}, certs.ErrOtherAuthority},
		{"a file that is none", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, certs.GatewayFile), []byte("none"), 0o600)
		}, certs.Order{}, certs.ErrNoCertificate},
		{"a role that is none", nil, certs.Order{Clients: []certs.Identity{{Role: "root", Name: "a"}}}, certs.ErrIdentity},
		{"a name with a slash", nil, certs.Order{Clients: []certs.Identity{{Role: certs.Issuer, Name: "../a"}}}, certs.ErrIdentity},
		{"a name too long", nil, certs.Order{Clients: []certs.Identity{{Role: certs.Issuer, Name: long + "z"}}}, certs.ErrIdentity},
		{"a name like a key file", nil, certs.Order{Clients: []certs.Identity{{Role: certs.Issuer, Name: "a-key"}}}, certs.ErrName},
		{"a host with a port", nil, certs.Order{Hosts: []string{"gateway:443"}}, certs.ErrHost},
		{"a host with a blank", nil, certs.Order{Hosts: []string{"a b"}}, certs.ErrHost},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			filled(t, dir, certs.Order{Clients: []certs.Identity{harbour, {Role: certs.Issuer, Name: long}}})
			if c.harm != nil {
				if err := c.harm(dir); err != nil {
					t.Fatal(err)
				}
			}
			before := names(t, dir)
			if _, err := certs.Make(dir, c.order); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			if diff := cmp.Diff(before, names(t, dir)); diff != "" {
				t.Errorf("files came or went:\n%s", diff)
			}
		})
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	slices.Sort(all)
	return all
}

func TestAny(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{dir, filepath.Join(dir, "nosuch")} {
		if found, err := certs.Any(folder); found || err != nil {
			t.Errorf("%s: %v, %v", folder, found, err)
		}
	}
	filled(t, dir, certs.Order{})
	if found, err := certs.Any(dir); !found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
}
