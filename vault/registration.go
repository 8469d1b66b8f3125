package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// registrationRecord is a registration as stores keep it. The names are part
// of the stored form: add to them, never rename.
type registrationRecord struct {
	Range    string          `json:"range"`
	Issuer   string          `json:"issuer"`
	Versions []versionRecord `json:"versions"`
}

// versionRecord is a policy with its time; see registrationRecord.
type versionRecord struct {
	From   *time.Time   `json:"from,omitempty"` // none for the first
	Policy policyRecord `json:"policy"`
}

// policyRecord is a policy as stores keep it; see registrationRecord.
type policyRecord struct {
	WindowHours       int    `json:"window_hours"`
	Profile           string `json:"profile"`
	KeyVersion        int    `json:"key_version"`
	Grace             string `json:"grace"`
	CodesMax          int    `json:"codes_max"`
	OncePerWindow     bool   `json:"once_per_window"`
	FailuresPerDayMax int    `json:"failures_per_day_max"`
	FailuresInRowMax  int    `json:"failures_in_row_max"`
	EnrolByDefault    bool   `json:"enrol_by_default"`

	RangeFailuresPerHourMax int `json:"range_failures_per_hour_max"`

	OnNoMatch          string `json:"on_no_match"`
	OnMissing          string `json:"on_missing"`
	OnNotParticipating string `json:"on_not_participating"`
	OnNotProcessed     string `json:"on_not_processed"`
}

// EncodeRegistration gives a registration as JSON for storage.
func EncodeRegistration(r dcvv2.Registration) ([]byte, error) {
	record := registrationRecord{Range: r.Range.String(), Issuer: r.Issuer}
	for _, v := range r.Schedule.Versions() {
		one := versionRecord{Policy: encodePolicy(v.Policy)}
		if !v.From.IsZero() {
			one.From = &v.From
		}
		record.Versions = append(record.Versions, one)
	}
	b, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encoding a registration: %w", err)
	}
	return b, nil
}

// DecodeRegistration reads what EncodeRegistration wrote. It refuses what it
// does not know, so that no policy is ever read in part.
func DecodeRegistration(b []byte) (dcvv2.Registration, error) {
	var r registrationRecord
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return dcvv2.Registration{}, fmt.Errorf("decoding a stored registration: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return dcvv2.Registration{}, errors.New("decoding a stored registration: more follows it")
	}
	accountRange, err := card.ParseRange(r.Range)
	if err != nil {
		return dcvv2.Registration{}, fmt.Errorf("decoding a stored registration: %w", err)
	}
	schedule, err := decodeSchedule(r.Versions)
	if err != nil {
		return dcvv2.Registration{}, fmt.Errorf("decoding the stored registration of %s: %w", accountRange, err)
	}
	return dcvv2.Registration{Range: accountRange, Issuer: r.Issuer, Schedule: schedule}, nil
}

func decodeSchedule(records []versionRecord) (dcvv2.Schedule, error) {
	versions := make([]dcvv2.Version, 0, len(records))
	for _, r := range records {
		policy, err := decodePolicy(r.Policy)
		if err != nil {
			return dcvv2.Schedule{}, err
		}
		v := dcvv2.Version{Policy: policy}
		if r.From != nil {
			v.From = r.From.UTC()
		}
		versions = append(versions, v)
	}
	return dcvv2.NewSchedule(versions...)
}

func encodePolicy(p dcvv2.Policy) policyRecord {
	return policyRecord{
		WindowHours: p.WindowHours, Profile: p.Profile, KeyVersion: p.KeyVersion, Grace: p.Grace.String(),
		CodesMax: p.CodesMax, OncePerWindow: p.OncePerWindow,
		FailuresPerDayMax: p.FailuresPerDayMax, FailuresInRowMax: p.FailuresInRowMax,
		EnrolByDefault: p.EnrolByDefault, RangeFailuresPerHourMax: p.RangeFailuresPerHourMax,
		OnNoMatch: string(p.OnNoMatch), OnMissing: string(p.OnMissing),
		OnNotParticipating: string(p.OnNotParticipating), OnNotProcessed: string(p.OnNotProcessed),
	}
}

func decodePolicy(r policyRecord) (dcvv2.Policy, error) {
	grace, err := time.ParseDuration(r.Grace)
	if err != nil {
		return dcvv2.Policy{}, fmt.Errorf("its grace: %w", err)
	}
	p := dcvv2.Policy{
		WindowHours: r.WindowHours, Profile: r.Profile, KeyVersion: r.KeyVersion, Grace: grace,
		CodesMax: r.CodesMax, OncePerWindow: r.OncePerWindow,
		FailuresPerDayMax: r.FailuresPerDayMax, FailuresInRowMax: r.FailuresInRowMax,
		EnrolByDefault: r.EnrolByDefault, RangeFailuresPerHourMax: r.RangeFailuresPerHourMax,
		OnNoMatch: dcvv2.Action(r.OnNoMatch), OnMissing: dcvv2.Action(r.OnMissing),
		OnNotParticipating: dcvv2.Action(r.OnNotParticipating), OnNotProcessed: dcvv2.Action(r.OnNotProcessed),
	}
	return p, p.Validate()
}
