package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/keys"
)

// calculation is what the flags of a dynamic code ask for.
type calculation struct {
	schedule dcvv2.Schedule
	masters  dcvv2.Masters
	account  dcvv2.Account
	at       time.Time
}

func (f codesFlags) calculation() (k calculation, err error) {
	if k.account, err = f.account(); err != nil {
		return k, err
	}
	if k.schedule, err = f.schedule(); err != nil {
		return k, err
	}
	if k.at, err = f.time(); err != nil {
		return k, err
	}
	k.masters, err = f.masters(k.account.PAN)
	return k, err
}

// issuedDocument is a code with the window it is due in.
type issuedDocument struct {
	Code      string    `json:"code"`
	Window    int64     `json:"window"`
	ValidFrom time.Time `json:"validFrom"`
	Expires   time.Time `json:"expires"`
}

func generateCodes(c *cobra.Command, f codesFlags) error {
	k, err := f.calculation()
	if err != nil {
		return err
	}
	issued, err := dcvv2.Generate(k.schedule, k.masters, k.account, k.at, f.count, f.minRemaining)
	if err != nil {
		return wrongCalculation(err)
	}
	all := make([]issuedDocument, len(issued))
	for i, one := range issued {
		all[i] = issuedDocument{Code: one.Code.Reveal(), Window: one.Window.Index, ValidFrom: one.Start, Expires: one.End}
	}
	if f.json {
		return printJSON(c.OutOrStdout(), map[string][]issuedDocument{"codes": all})
	}
	fmt.Fprintf(c.OutOrStdout(), "%s of card %s, windows of %d h\n", f.profile, k.account.PAN, f.hours)
	table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "code\twindow\tvalid from\texpires")
	for _, one := range all {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", one.Code, one.Window, one.ValidFrom.Format(time.RFC3339), one.Expires.Format(time.RFC3339))
	}
	return table.Flush()
}

// findingDocument is what verify found, with the window that has the code.
type findingDocument struct {
	Result    string     `json:"result"`
	Window    *int64     `json:"window,omitempty"`
	ValidFrom *time.Time `json:"validFrom,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
}

func verifyCode(c *cobra.Command, f codesFlags) error {
	if f.code == "" {
		return usage("--code gives the code to check, and it is missing")
	}
	code, err := dcvv2.ParseCode(f.code)
	if err != nil {
		return usage("--code: %v", err)
	}
	k, err := f.calculation()
	if err != nil {
		return err
	}
	found, err := dcvv2.Verify(k.schedule, k.masters, k.account, code, k.at)
	if err != nil {
		return wrongCalculation(err)
	}
	if err := f.sayFinding(c.OutOrStdout(), found); err != nil {
		return err
	}
	if found.Verdict != dcvv2.Matched {
		return errSaid
	}
	return nil
}

func (f codesFlags) sayFinding(w io.Writer, found dcvv2.Finding) error {
	d := findingDocument{Result: map[dcvv2.Verdict]string{
		dcvv2.Matched: "match", dcvv2.TooEarly: "too early", dcvv2.Expired: "expired", dcvv2.Wrong: "no match",
	}[found.Verdict]}
	if found.Verdict != dcvv2.Wrong {
		d.Window, d.ValidFrom, d.Expires = &found.Window.Index, &found.Start, &found.End
	}
	if f.json {
		return printJSON(w, d)
	}
	if d.Window == nil {
		_, err := fmt.Fprintln(w, d.Result)
		return err
	}
	_, err := fmt.Fprintf(w, "%s: window %d, %s to %s\n", d.Result, *d.Window, d.ValidFrom.Format(time.RFC3339), d.Expires.Format(time.RFC3339))
	return err
}

func staticCode(c *cobra.Command, f cardFlags, serviceCode string) error {
	pan, expiry, err := f.card()
	if err != nil {
		return err
	}
	key, err := f.cvk(pan)
	if err != nil {
		return err
	}
	code, err := dcvv2.StaticCVV(key, pan, expiry, serviceCode)
	if err != nil {
		return wrongCalculation(err)
	}
	if f.json {
		return printJSON(c.OutOrStdout(), map[string]string{"code": code.Reveal(), "serviceCode": serviceCode})
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), code.Reveal())
	return err
}

// wrongCalculation tells what was asked wrongly from what could not be done.
func wrongCalculation(err error) error {
	for what, is := range map[string]error{
		"--count": dcvv2.ErrCount, "--min-remaining": dcvv2.ErrMinRemaining, "--at": dcvv2.ErrWindow, "--service-code": dcvv2.ErrServiceCode,
	} {
		if errors.Is(err, is) {
			return usage("%s: %v", what, err)
		}
	}
	return err
}

// masters gives the test key of the flags, or the ring's keys of the card's
// account range.
func (f codesFlags) masters(pan card.PAN) (dcvv2.Masters, error) {
	if f.testKey == "" {
		ring, accountRange, err := f.fromRing(keys.DCVV2, pan)
		return func(version int) (dcvv2.Master, error) { return ring.CodeMaster(accountRange, version) }, err
	}
	profile, err := dcvv2.ProfileByName(f.profile)
	if err != nil {
		return nil, usage("--profile: %v", err)
	}
	b, err := hex.DecodeString(f.testKey)
	if err != nil || len(b) != profile.KeyBytes() {
		return nil, usage("--test-key: %s takes %d hexadecimal digits", f.profile, 2*profile.KeyBytes())
	}
	key, err := dcvv2.NewMasterKey(b)
	return key.Masters, err
}

func (f cardFlags) cvk(pan card.PAN) (emv.Key, error) {
	if f.testKey == "" {
		ring, accountRange, err := f.fromRing(keys.CVK, pan)
		if err != nil {
			return emv.Key{}, err
		}
		return ring.CVK(accountRange, f.keyVersion)
	}
	key, err := emv.ParseKey(f.testKey)
	if err != nil {
		return key, usage("--test-key: %v", err)
	}
	return key, nil
}

// fromRing opens the ring and finds the narrowest account range with a key of
// the usage and the version that the card lies in.
func (f cardFlags) fromRing(u keys.Usage, pan card.PAN) (*keys.Ring, string, error) {
	if f.keyVersion < 1 || f.keyVersion > keys.VersionMax {
		return nil, "", usage("--key-version is 1 to %d, not %d", keys.VersionMax, f.keyVersion)
	}
	ring, err := keys.Open(f.dir)
	if err != nil {
		return nil, "", fmt.Errorf("%w; --dir names the folder of a gateway's key ring, --test-key a published key instead", err)
	}
	var narrowest card.Range
	for _, info := range ring.List() {
		accountRange, err := card.ParseRange(info.Range)
		if err != nil || info.Usage != u || info.Version != f.keyVersion || !accountRange.Contains(pan) {
			continue
		}
		if narrowest.IsZero() || accountRange.NarrowerThan(narrowest) {
			narrowest = accountRange
		}
	}
	if narrowest.IsZero() {
		return nil, "", fmt.Errorf("%w: the ring in %s has no %s key of version %d for a range that card %s lies in; see firsttap keys list",
			keys.ErrNoKey, f.dir, u, f.keyVersion, pan)
	}
	return ring, narrowest.String(), nil
}
