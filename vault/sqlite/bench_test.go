package sqlite_test

import (
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
	"github.com/firsttap/firsttap/vault/vaulttest"
)

// benchmarkCallers is how many callers claim at the same time.
const benchmarkCallers = 64

// empty is a vault of the benchmark's own.
func empty(b *testing.B, options ...sqlite.Option) vault.Store {
	b.Helper()
	store, err := sqlite.Open(filepath.Join(b.TempDir(), "vault.db"), vaulttest.Cipher(b), options...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

// BenchmarkTap measures what a tap costs the vault: a claim that raises a
// counter, and its conclusion, both durable, by 64 callers.
//
//	go test -run '^$' -bench Tap ./vault/sqlite
func BenchmarkTap(b *testing.B) {
	for _, mode := range []struct {
		name      string
		perCommit int
	}{
		{"grouped", 256},
		{"single", 1},
	} {
		b.Run(mode.name, func(b *testing.B) { benchmarkTap(b, sqlite.ChangesPerCommitMax(mode.perCommit)) })
	}
}

func benchmarkTap(b *testing.B, option sqlite.Option) {
	store := empty(b, option)
	at := time.Unix(1_800_000_000, 0).UTC()
	for n := range benchmarkCallers {
		mint(b, store, n, at)
	}
	var caller atomic.Int64
	b.SetParallelism(max(1, benchmarkCallers/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		n := int(caller.Add(1) - 1)
		reference := vaulttest.Token(n % benchmarkCallers).Reference
		for i := 0; pb.Next(); i++ {
			key := fmt.Sprintf("tap %d of caller %d", i, n)
			claim := vault.Claim{Key: key, Content: []byte(key), Kind: vault.KindTap, TransactionID: "1", At: at, Reference: reference, ATC: uint16(i + 1)}
			if _, err := store.Claim(b.Context(), claim); err != nil {
				b.Error(err)
				return
			}
			end := vault.Conclusion{Key: key, At: at, Outcome: token.Outcome{Response: token.Approved, Reference: reference}}
			if err := store.Conclude(b.Context(), end); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}

// BenchmarkGuess measures what a wrong code costs the vault when it is counted
// on two scopes that already have many failures, spread over the hour.
//
//	go test -run '^$' -bench Guess ./vault/sqlite
func BenchmarkGuess(b *testing.B) {
	for _, before := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprintf("%d failures before", before), func(b *testing.B) { benchmarkGuess(b, before) })
	}
}

func benchmarkGuess(b *testing.B, before int) {
	store := empty(b)
	at := time.Unix(1_800_000_000, 0).UTC()
	guess := func(n int, at time.Time) error {
		claim := activation(fmt.Sprint("guess ", n), n, at)
		claim.Spend, claim.Failed, claim.Outcome = dcvv2.Window{}, true, &token.Outcome{Response: token.CVV2Failed}
		claim.Scopes = []vault.Scope{
			{Name: "requestor/40010030273", FailuresMax: math.MaxInt, AlarmAt: math.MaxInt},
			{Name: "range/4761739", FailuresMax: math.MaxInt, AlarmAt: math.MaxInt},
		}
		_, err := store.Claim(b.Context(), claim)
		return err
	}
	var count atomic.Int64
	for n := range before {
		count.Add(1)
		if err := guess(n, at.Add(time.Duration(n)*vault.ScopeFailuresFor/time.Duration(before))); err != nil {
			b.Fatal(err)
		}
	}
	at = at.Add(vault.ScopeFailuresFor - 1)
	b.SetParallelism(max(1, benchmarkCallers/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := guess(int(count.Add(1)), at); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// mint stores the n-th test token.
func mint(tb testing.TB, store vault.Store, n int, at time.Time) {
	tb.Helper()
	one := vaulttest.Token(n)
	key := fmt.Sprintf("activation %d", n)
	claim := vault.Claim{Key: key, Kind: vault.KindActivation, TransactionID: one.TransactionID, At: at, PAN: one.PAN}
	if result, err := store.Claim(tb.Context(), claim); err != nil || result.State != vault.Won {
		tb.Fatalf("claiming: %s, %v", result.State, err)
	}
	end := vault.Conclusion{Key: key, At: at, Outcome: token.Outcome{Response: token.Approved, Reference: one.Reference}, Token: &one}
	if err := store.Conclude(tb.Context(), end); err != nil {
		tb.Fatalf("concluding: %v", err)
	}
}

// BenchmarkRead measures what is read before a request is decided: a tap's
// token, an activation's account and the failures on its scopes.
func BenchmarkRead(b *testing.B) {
	store := empty(b)
	at := time.Unix(1_800_000_000, 0).UTC()
	for n := range benchmarkCallers {
		mint(b, store, n, at)
	}
	t := vaulttest.Token(1)
	for _, one := range []struct {
		name string
		read func() error
	}{
		{"token", func() error { _, err := store.Token(b.Context(), t.Number); return err }},
		{"account", func() error { _, err := store.Account(b.Context(), t.PAN, at); return err }},
		{"scope", func() error { _, err := store.ScopeFailures(b.Context(), "range/4761739", at); return err }},
	} {
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := one.read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkActivation measures what an activation costs the vault: a claim that
// spends a code, and its conclusion with a token and a notice, both durable, by
// 64 callers.
func BenchmarkActivation(b *testing.B) {
	store := empty(b)
	at := time.Unix(1_800_000_000, 0).UTC()
	var count atomic.Int64
	b.SetParallelism(max(1, benchmarkCallers/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := int(count.Add(1))
			if err := activate(b, store, n, at); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}

func activate(b *testing.B, store vault.Store, n int, at time.Time) error {
	one := vaulttest.Token(n)
	claim := activation(fmt.Sprintf("requestor/activation/1128%06d/%06d", n/1e6, n%1e6), n, at)
	claim.TransactionID = one.TransactionID
	claim.Scopes = []vault.Scope{
		{Name: "requestor/40010030273", FailuresMax: math.MaxInt, AlarmAt: math.MaxInt},
		{Name: "range/4761739", FailuresMax: math.MaxInt, AlarmAt: math.MaxInt},
	}
	if got, err := store.Claim(b.Context(), claim); err != nil || got.State != vault.Won {
		return fmt.Errorf("claiming: %s, %w", got.State, err)
	}
	notice := token.Notice{Reason: token.NoticeCreated, TransactionID: one.TransactionID, Reference: one.Reference}
	return store.Conclude(b.Context(), vault.Conclusion{
		Key: claim.Key, At: at, Outcome: token.Outcome{Response: token.Approved, Reference: one.Reference},
		Token: &one, Notices: []token.Notice{notice}, PAN: one.PAN, Succeeded: true,
	})
}
