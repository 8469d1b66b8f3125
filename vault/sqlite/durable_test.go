package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
	"github.com/firsttap/firsttap/vault/vaulttest"
)

const (
	// childVariable makes this test program a child that writes to the vault
	// it names until it is killed.
	childVariable = "FIRSTTAP_TEST_VAULT"
	// childCallers is how many callers the child has.
	childCallers = 16
	// killRounds is how often a child is killed over one file.
	killRounds = 3
	// linesPerRound is how many durable changes a child tells before the kill.
	linesPerRound = 400
)

// TestKillLosesNothing kills a writing process again and again without warning.
// Whatever it had told before it died must be there.
func TestKillLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	for round := range killRounds {
		told := runAndKill(t, path)
		store, err := sqlite.Open(path, vaulttest.Cipher(t)) // the dead child's lock is free
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if len(told) < linesPerRound {
			t.Fatalf("round %d: the child told only %d lines", round, len(told))
		}
		for _, line := range told {
			checkTold(t, store, line)
		}
		checkAdvised(t, store, told)
		checkTrail(t, store)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill gives the whole lines that a child printed before its death.
func runAndKill(t *testing.T, path string) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var told []string
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what is left of a line was never told
		}
		if err != nil {
			t.Fatal(err)
		}
		if told = append(told, strings.TrimSpace(line)); len(told) == linesPerRound {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return told
}

// childWrites claims and concludes for ever, and tells each change once it is
// durable.
func childWrites(path string) int {
	testing.Init()
	cipher, err := vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
	if err != nil {
		return 1
	}
	store, err := sqlite.Open(path, cipher)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	failed := make(chan error)
	for caller := range childCallers {
		go func() { failed <- writeForEver(store, caller) }()
	}
	fmt.Fprintln(os.Stderr, <-failed)
	return 1
}

func writeForEver(store vault.Store, caller int) error {
	at := vaulttest.Token(1).Created
	for i := 0; ; i++ {
		number := (os.Getpid()%10_000*1000+i)*childCallers + caller
		key := fmt.Sprint("activation ", number)
		claim := activation(key, number, at)
		result, err := store.Claim(context.Background(), claim)
		if err != nil || result.State != vault.Won {
			return fmt.Errorf("claim %s: %s, %w", key, result.State, err)
		}
		fmt.Printf("claimed %d\n", number)
		if _, err := store.ServeAccount(context.Background(), enrolment(number, at)); err != nil {
			return fmt.Errorf("enrolling for %s: %w", key, err)
		}
		fmt.Printf("served %d\n", number)
		one := waiting(number)
		end := vault.Conclusion{Key: key, At: at, Outcome: token.Outcome{Response: token.Approved, Reference: one.Reference}, Token: &one}
		if err := store.Conclude(context.Background(), end); err != nil {
			return fmt.Errorf("concluding %s: %w", key, err)
		}
		fmt.Printf("concluded %d\n", number)
		if err := liveForEver(store, one, number, at); err != nil {
			return fmt.Errorf("after %s: %w", key, err)
		}
	}
}

// liveForEver does what comes after an activation, telling each change.
func liveForEver(store vault.Store, one token.Token, number int, at time.Time) error {
	for _, c := range []struct {
		word  string
		claim vault.Claim
	}{{"tried", trial(number, at)}, {"reversed", undoing(number, at)}} {
		if got, err := store.Claim(context.Background(), c.claim); err != nil || got.State != vault.Won {
			return fmt.Errorf("%s: %s, %w", c.word, got.State, err)
		}
		fmt.Printf("%s %d\n", c.word, number)
	}
	if _, err := store.LendKey(context.Background(), one.Reference, at); err != nil {
		return err
	}
	fmt.Printf("lent %d\n", number)
	return nil
}

// waiting is the n-th token, which waits for its passcode.
func waiting(n int) token.Token {
	one := vaulttest.Token(n)
	one.Status, one.Passcode = token.Inactive, token.Passcode{Number: 1, Expires: one.Created.Add(token.PasscodeFor)}
	return one
}

// trial is a wrong passcode of the n-th token.
func trial(n int, at time.Time) vault.Claim {
	reference := vaulttest.Token(n).Reference
	return vault.Claim{
		Key: fmt.Sprint("trial ", n), Kind: vault.KindLifeCycle, At: at, Outcome: &token.Outcome{Response: token.VerificationFailed},
		Change: &token.Change{Reference: reference, Event: token.FailPasscode, By: token.Requestor, PasscodeNumber: 1},
	}
}

// undoing reverses the n-th activation, and advises of it.
func undoing(n int, at time.Time) vault.Claim {
	question := vault.Question{Issuer: "first bank", PAN: vaulttest.PAN(n)}
	return vault.Claim{
		Key: fmt.Sprint("reversal ", n), Kind: vault.KindReversal, At: at, PAN: vaulttest.PAN(n), Outcome: &token.Outcome{Response: token.Approved},
		Reverses: fmt.Sprint("activation ", n),
		Advices:  []vault.Advice{{Kind: vault.AdviceReversal, About: vault.KindActivation, TransactionID: fmt.Sprint(n), Question: question}},
	}
}

func activation(key string, n int, at time.Time) vault.Claim {
	return vault.Claim{
		Key: key, Kind: vault.KindActivation, TransactionID: "1", At: at, PAN: vaulttest.PAN(n),
		Limits: dcvv2.DefaultPolicy(), Spend: dcvv2.WindowAt(at, 1),
	}
}

func enrolment(n int, at time.Time) vault.AccountRequest {
	return vault.AccountRequest{
		Client: "greenbank", ID: fmt.Sprint("enrolment ", n), Content: []byte("content"),
		Change: vault.ChangeEnrol, PAN: vaulttest.PAN(n), At: at,
	}
}

func checkTold(t *testing.T, store vault.Store, line string) {
	t.Helper()
	var word string
	var n int
	if _, err := fmt.Sscan(line, &word, &n); err != nil {
		t.Fatalf("the child told %q: %v", line, err)
	}
	if word == "served" {
		answer, err := store.ServeAccount(t.Context(), enrolment(n, vaulttest.Token(1).Created.Add(time.Hour)))
		if err != nil || answer.State != vault.AnswerRepeated || !answer.At.Equal(vaulttest.Token(1).Created) || !answer.Account.Enrolment.Enrolled {
			t.Errorf("%s: its repeat is %+v, %v", line, answer, err)
		}
		return
	}
	if word == "tried" || word == "reversed" || word == "lent" {
		checkLife(t, store, line, word, n)
		return
	}
	claim := activation(fmt.Sprint("activation ", n), n, vaulttest.Token(1).Created)
	again, err := store.Claim(t.Context(), claim)
	if err != nil || again.State != vault.Busy && again.State != vault.Answered {
		t.Errorf("%s: its repeat is %s, %v", line, again.State, err)
	}
	claim.Key = "another request"
	if other, err := store.Claim(t.Context(), claim); err != nil || other.State != vault.Used {
		t.Errorf("%s: its code is %s, %v", line, other.State, err)
	}
	if word != "concluded" {
		return
	}
	if again.State != vault.Answered {
		t.Errorf("%s: its repeat is %s", line, again.State)
	}
	got, err := store.Token(t.Context(), vaulttest.Number(n))
	got.Passcode.Tries = 0 // it may have been tried
	if err != nil || got != waiting(n) {
		t.Errorf("%s: its token is %+v, %v", line, got, err)
	}
}

func checkLife(t *testing.T, store vault.Store, line, word string, n int) {
	t.Helper()
	at := vaulttest.Token(1).Created
	claim := trial(n, at)
	if word == "reversed" {
		claim = undoing(n, at)
	}
	if again, err := store.Claim(t.Context(), claim); err != nil || again.State != vault.Answered {
		t.Errorf("%s: its repeat is %s, %v", line, again.State, err)
	}
	switch word {
	case "tried":
		if got, err := store.Token(t.Context(), vaulttest.Number(n)); err != nil || got.Passcode.Tries != 1 {
			t.Errorf("%s: its token has %+v, %v", line, got.Passcode, err)
		}
	case "reversed":
		if got, err := store.Transaction(t.Context(), claim.Reverses); err != nil || !got.Reversed {
			t.Errorf("%s: the original is %+v, %v", line, got, err)
		}
	case "lent":
		if got, err := store.LendKey(t.Context(), vaulttest.Token(n).Reference, at); err != nil || got != emv.LimitedUseIndexAt(at, 1) {
			t.Errorf("%s: the key after it is %s, %v", line, got, err)
		}
	}
}

// checkAdvised looks that each reversal that was told of has its advice.
func checkAdvised(t *testing.T, store vault.Store, told []string) {
	t.Helper()
	due, err := store.DueAdvices(t.Context(), vaulttest.Token(1).Created, vault.ListMax)
	if err != nil {
		t.Fatal(err)
	}
	waits := map[string]bool{}
	for _, q := range due {
		waits[q.Advice.TransactionID] = true
	}
	for _, line := range told {
		if id, reversed := strings.CutPrefix(line, "reversed "); reversed && !waits[id] {
			t.Errorf("%s: its advice does not wait", line)
		}
	}
}

func checkTrail(t *testing.T, store vault.Store) {
	t.Helper()
	var last vault.Entry
	for {
		page, err := store.Audit(t.Context(), last.Number, vault.ListMax)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return
		}
		if err := vault.VerifyChain(page, last.Hash); err != nil {
			t.Fatal(err)
		}
		last = page[len(page)-1]
	}
}
