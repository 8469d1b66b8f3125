package wire_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/dcvv2"
)

// TestEveryMemberOfAPolicyTravels holds that no member is forgotten when
// policies get one more, and that none stands for another.
func TestEveryMemberOfAPolicyTravels(t *testing.T) {
	if have, want := len(wire.PolicyMembers()), reflect.TypeFor[dcvv2.Policy]().NumField(); have != want {
		t.Errorf("a policy has %d members and %d names", want, have)
	}
	before := dcvv2.DefaultPolicy()
	for _, one := range []func(*dcvv2.Policy){
		func(p *dcvv2.Policy) { p.WindowHours = 2 },
		func(p *dcvv2.Policy) { p.Profile = dcvv2.ProfileTOTP },
		func(p *dcvv2.Policy) { p.KeyVersion = 99 },
		func(p *dcvv2.Policy) { p.Grace = time.Hour },
		func(p *dcvv2.Policy) { p.CodesMax = 1 },
		func(p *dcvv2.Policy) { p.OncePerWindow = false },
		func(p *dcvv2.Policy) { p.EnrolByDefault = true },
		func(p *dcvv2.Policy) { p.FailuresPerDayMax = 100 },
		func(p *dcvv2.Policy) { p.FailuresInRowMax = 1 },
		func(p *dcvv2.Policy) { p.RangeFailuresPerHourMax = 100_000 },
		func(p *dcvv2.Policy) { p.OnNoMatch = dcvv2.ActionStatic },
		func(p *dcvv2.Policy) { p.OnMissing = dcvv2.ActionDecline },
		func(p *dcvv2.Policy) { p.OnNotParticipating = dcvv2.ActionDecline },
		func(p *dcvv2.Policy) { p.OnNotProcessed = dcvv2.ActionAsk },
	} {
		wanted := before
		one(&wanted)
		body, err := json.Marshal(wire.WholePolicy(wanted).Members())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := wire.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		change, err := wire.ReadPolicyChange(doc)
		if err != nil || !change.IsWhole() || change.Of(dcvv2.Policy{}) != wanted {
			t.Errorf("%s gives %+v, %v", body, change.Of(dcvv2.Policy{}), err)
		}
	}
	if none := (wire.PolicyChange{}); none.Of(before) != before || none.IsWhole() || none.Members() != nil {
		t.Error("no change changes nothing")
	}
}

func TestTrueAndFalse(t *testing.T) {
	doc, err := wire.Parse([]byte(`{"yes":true,"no":false,"text":"true","none":null}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]bool{"yes": {true, true}, "no": {false, true}, "text": {true, false}, "none": {false, false}, "absent": {false, false}} {
		if value, ok := doc.Bool(path); ok != want[1] || ok && value != want[0] {
			t.Errorf("%s is %t, %t", path, value, ok)
		}
	}
	if _, err := wire.ParseAnswer([]byte(`{"a":[` + manyObjects(wire.AnswerMembersMax) + `]}`)); err == nil {
		t.Error("an answer has an end too")
	}
	if _, err := wire.ParseAnswer([]byte(`{"a":[` + manyObjects(wire.AnswerMembersMax-1) + `]}`)); err != nil {
		t.Error(err)
	}
}

func manyObjects(n int) string {
	b := []byte(`{"m":1}`)
	for range n - 1 {
		b = append(b, `,{"m":1}`...)
	}
	return string(b)
}

// FuzzPolicyChange holds that what is read as a change of a policy says itself
// again, and leaves a valid policy valid.
func FuzzPolicyChange(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"windowHours":18,"profile":"totp"}`, `{"graceSeconds":3600,"oncePerWindow":false,"onNoMatch":"static"}`,
		`{"keyVersion":1e1}`, `{"codesMax":-0}`, `{"rangeFailuresPerHourMax":0,"enrolByDefault":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := wire.Parse(body)
		if err != nil {
			return
		}
		change, err := wire.ReadPolicyChange(doc)
		if err != nil {
			return
		}
		policy := change.Of(dcvv2.DefaultPolicy())
		if err := policy.Validate(); err != nil {
			t.Fatalf("%s gives a policy that is not valid: %v", body, err)
		}
		said, err := json.Marshal(change.Members())
		if err != nil {
			t.Fatal(err)
		}
		again, err := wire.Parse(said)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := wire.ReadPolicyChange(again); err != nil || twice.Of(dcvv2.DefaultPolicy()) != policy {
			t.Fatalf("%s says %s, which is something else: %v", body, said, err)
		}
	})
}
