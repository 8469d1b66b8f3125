package vault_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// unusual is a policy in which no field has its default.
func unusual() dcvv2.Policy {
	return dcvv2.Policy{
		WindowHours: 7, Profile: dcvv2.ProfileNames()[1], KeyVersion: 12, Grace: 61 * time.Second, CodesMax: 3,
		EnrolByDefault: true, FailuresPerDayMax: 4, FailuresInRowMax: 9, RangeFailuresPerHourMax: 250,
		OnNoMatch: dcvv2.ActionAsk, OnMissing: dcvv2.ActionDecline,
		OnNotParticipating: dcvv2.ActionDecline, OnNotProcessed: dcvv2.ActionAsk,
	}
}

// registered is a range whose policy changed once.
func registered(t testing.TB) dcvv2.Registration {
	t.Helper()
	schedule, err := dcvv2.NewSchedule(
		dcvv2.Version{Policy: dcvv2.DefaultPolicy()},
		dcvv2.Version{From: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC), Policy: unusual()},
	)
	if err != nil {
		t.Fatal(err)
	}
	return dcvv2.Registration{Range: card.MustRange("4761739"), Issuer: "greenbank", Schedule: schedule}
}

const registeredText = `{"range":"4761739","issuer":"greenbank","versions":[` +
	`{"policy":{"window_hours":1,"profile":"cvv-hour","key_version":1,"grace":"15m0s","codes_max":24,"once_per_window":true,` +
	`"enrol_by_default":false,"failures_per_day_max":5,"failures_in_row_max":10,"range_failures_per_hour_max":100,` +
	`"on_no_match":"decline","on_missing":"ask","on_not_participating":"ask","on_not_processed":"decline"}},` +
	`{"from":"2026-11-22T13:00:00Z","policy":{"window_hours":7,"profile":"PROFILE","key_version":12,"grace":"1m1s","codes_max":3,"once_per_window":false,` +
	`"enrol_by_default":true,"failures_per_day_max":4,"failures_in_row_max":9,"range_failures_per_hour_max":250,` +
	`"on_no_match":"ask","on_missing":"decline","on_not_participating":"decline","on_not_processed":"ask"}}]}`

func TestRegistrationsAreStoredUnderTheirNames(t *testing.T) {
	want := strings.Replace(registeredText, "PROFILE", unusual().Profile, 1)
	got, err := vault.EncodeRegistration(registered(t))
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	back, err := vault.DecodeRegistration(got)
	if err != nil || !reflect.DeepEqual(back, registered(t)) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, back, registered(t))
	}
}

// TestEveryFieldOfAPolicyIsStored fails when a policy gets a field that the
// stored form does not have: unusual must set it, and then it must come back.
func TestEveryFieldOfAPolicyIsStored(t *testing.T) {
	usual, other := reflect.ValueOf(dcvv2.DefaultPolicy()), reflect.ValueOf(unusual())
	for i := range usual.NumField() {
		if usual.Field(i).Equal(other.Field(i)) {
			t.Errorf("the test's policy has the default in %s", usual.Type().Field(i).Name)
		}
	}
}

func TestStoredRegistrationsAreReadStrictly(t *testing.T) {
	good := strings.Replace(registeredText, "PROFILE", unusual().Profile, 1)
	for name, change := range map[string][2]string{
		"an unknown name":              {`"issuer"`, `"owner":"greenbank","issuer"`},
		"an unknown name of a policy":  {`"window_hours":1`, `"hours":1,"window_hours":1`},
		"no range":                     {`"range":"4761739"`, `"range":""`},
		"no issuer":                    {`greenbank`, ``},
		"no versions":                  {good[strings.Index(good, `[`):], `[]}`},
		"a grace that is none":         {`15m0s`, `soon`},
		"a policy that is not valid":   {`"window_hours":1,`, `"window_hours":19,`},
		"a time that is none":          {`2026-11-22T13:00:00Z`, `noon`},
		"a time inside of a window":    {`2026-11-22T13:00:00Z`, `2026-11-22T13:00:01Z`},
		"a first version with a time":  {`{"policy"`, `{"from":"2026-11-22T12:00:00Z","policy"`},
		"an action that does not hold": {`"on_missing":"ask"`, `"on_missing":"static"`},
		"more after it":                {`]}`, `]}{}`},
		"an end too soon":              {`]}`, `]`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if got, err := vault.DecodeRegistration([]byte(bad)); err == nil || !got.IsZero() {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestARangeRecordIsValidated(t *testing.T) {
	good := vault.RangeRecord{Registration: registered(t)}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if err := (vault.RangeRecord{}).Validate(); !errors.Is(err, dcvv2.ErrRegistry) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeRegistration(f *testing.F) {
	good, err := vault.EncodeRegistration(registered(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := vault.DecodeRegistration(b)
		if err != nil {
			return
		}
		first, err := vault.EncodeRegistration(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := vault.DecodeRegistration(first)
		if err != nil {
			t.Fatalf("%s does not come back: %v", first, err)
		}
		if second, err := vault.EncodeRegistration(again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
	})
}
