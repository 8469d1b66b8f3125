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

// versionRecord is a version as stores keep it; see registrationRecord.
type versionRecord struct {
	From   string       `json:"from,omitempty"` // RFC 3339, UTC; none for the first
	Policy policyRecord `json:"policy"`
}

// policyRecord is a policy as stores keep it; see registrationRecord.
type policyRecord struct {
	WindowHours             int    `json:"window_hours"`
	Profile                 string `json:"profile"`
	KeyVersion              int    `json:"key_version"`
	Grace                   string `json:"grace"`
	CodesMax                int    `json:"codes_max"`
	OncePerWindow           bool   `json:"once_per_window"`
	EnrolByDefault          bool   `json:"enrol_by_default"`
	FailuresPerDayMax       int    `json:"failures_per_day_max"`
	FailuresInRowMax        int    `json:"failures_in_row_max"`
	RangeFailuresPerHourMax int    `json:"range_failures_per_hour_max"`
	OnNoMatch               string `json:"on_no_match"`
	OnMissing               string `json:"on_missing"`
	OnNotParticipating      string `json:"on_not_participating"`
	OnNotProcessed          string `json:"on_not_processed"`
}

// EncodeRegistration gives a registration, with all versions of its policy, as
// JSON for storage.
func EncodeRegistration(r dcvv2.Registration) ([]byte, error) {
	record := registrationRecord{Range: r.Range.String(), Issuer: r.Issuer}
	for _, v := range r.Schedule.Versions() {
		one := versionRecord{Policy: encodePolicy(v.Policy)}
		if !v.From.IsZero() {
			one.From = v.From.UTC().Format(time.RFC3339Nano)
		}
		record.Versions = append(record.Versions, one)
	}
	b, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encoding a registration: %w", err)
	}
	return b, nil
}

// DecodeRegistration reads what EncodeRegistration wrote. It refuses names it
// does not know and policies that are not valid, so that no registration is
// ever read in part.
func DecodeRegistration(b []byte) (dcvv2.Registration, error) {
	registration, err := decodeRegistration(b)
	if err != nil {
		return dcvv2.Registration{}, fmt.Errorf("decoding a stored registration: %w", err)
	}
	return registration, nil
}

func decodeRegistration(b []byte) (dcvv2.Registration, error) {
	var record registrationRecord
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&record); err != nil {
		return dcvv2.Registration{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return dcvv2.Registration{}, errors.New("more follows it")
	}
	accountRange, err := card.ParseRange(record.Range)
	if err != nil {
		return dcvv2.Registration{}, err
	}
	var versions []dcvv2.Version
	for i, one := range record.Versions {
		v, err := decodeVersion(one)
		if err != nil {
			return dcvv2.Registration{}, fmt.Errorf("version %d of %s: %w", i+1, accountRange, err)
		}
		versions = append(versions, v)
	}
	schedule, err := dcvv2.NewSchedule(versions...)
	if err != nil {
		return dcvv2.Registration{}, fmt.Errorf("%s: %w", accountRange, err)
	}
	registration := dcvv2.Registration{Range: accountRange, Issuer: record.Issuer, Schedule: schedule}
	return registration, RangeRecord{Registration: registration}.Validate()
}

func decodeVersion(r versionRecord) (v dcvv2.Version, err error) {
	if r.From != "" {
		if v.From, err = time.Parse(time.RFC3339Nano, r.From); err != nil {
			return v, err
		}
		v.From = v.From.UTC()
	}
	v.Policy, err = decodePolicy(r.Policy)
	return v, err
}

func encodePolicy(p dcvv2.Policy) policyRecord {
	return policyRecord{
		WindowHours: p.WindowHours, Profile: p.Profile, KeyVersion: p.KeyVersion, Grace: p.Grace.String(),
		CodesMax: p.CodesMax, OncePerWindow: p.OncePerWindow, EnrolByDefault: p.EnrolByDefault,
		FailuresPerDayMax: p.FailuresPerDayMax, FailuresInRowMax: p.FailuresInRowMax,
		RangeFailuresPerHourMax: p.RangeFailuresPerHourMax,
		OnNoMatch:               string(p.OnNoMatch), OnMissing: string(p.OnMissing),
		OnNotParticipating: string(p.OnNotParticipating), OnNotProcessed: string(p.OnNotProcessed),
	}
}

func decodePolicy(r policyRecord) (dcvv2.Policy, error) {
	grace, err := time.ParseDuration(r.Grace)
	return dcvv2.Policy{
		WindowHours: r.WindowHours, Profile: r.Profile, KeyVersion: r.KeyVersion, Grace: grace,
		CodesMax: r.CodesMax, OncePerWindow: r.OncePerWindow, EnrolByDefault: r.EnrolByDefault,
		FailuresPerDayMax: r.FailuresPerDayMax, FailuresInRowMax: r.FailuresInRowMax,
		RangeFailuresPerHourMax: r.RangeFailuresPerHourMax,
		OnNoMatch:               dcvv2.Action(r.OnNoMatch), OnMissing: dcvv2.Action(r.OnMissing),
		OnNotParticipating: dcvv2.Action(r.OnNotParticipating), OnNotProcessed: dcvv2.Action(r.OnNotProcessed),
	}, err
}
