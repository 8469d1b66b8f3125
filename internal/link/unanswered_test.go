package link

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

func anotherTrace(m *specs.Message) *specs.Message {
	m.Set(fieldTrace, "000099")
	return m
}

func anotherTime(m *specs.Message) *specs.Message {
	m = anotherTrace(m)
	m.Set(fieldTransmitted, "1122999999")
	return m
}

// replacements are what comes in an answer's place.
var replacements = map[string]struct {
	come     func(t *testing.T, far peer, question *specs.Message)
	why      Why
	received int
	fields   []string
	at       string // of the fault: byte and field
	says     string
	brief    string
}{
	"nothing":      {func(*testing.T, peer, *specs.Message) {}, WhyNothing, 0, nil, "", "nothing was received meanwhile", "nothing received in 1s"},
	"a keep-alive": {func(_ *testing.T, far peer, _ *specs.Message) { far.write(make([]byte, 4)) }, WhyNothing, 0, nil, "", "nothing was received", "nothing received in 1s"},
	"a question": {
		func(_ *testing.T, far peer, _ *specs.Message) { far.send(echo(5)) }, WhyOthers, 1, nil, "", "other messages received meanwhile: 1", "others received in 1s: 1",
	},
	"answers to others": {func(_ *testing.T, far peer, q *specs.Message) {
		far.send(anotherTime(answerTo(q)))
		far.send(anotherTime(answerTo(q)))
	}, WhyOthers, 2, nil, "", "other messages received meanwhile: 2", "others received in 1s: 2"},
	"one that differs": {
		func(_ *testing.T, far peer, q *specs.Message) { far.send(anotherTrace(answerTo(q))) },
		WhyDiffers, 1,
		[]string{"field 11"},
		"", "one came that differs in field 11", "differs in field 11",
	},
	"one without a field": {func(_ *testing.T, far peer, q *specs.Message) {
		a := answerTo(q)
		a.Delete(fieldTransmitted)
		far.send(a)
	}, WhyDiffers, 1, []string{"field 7"}, "", "one came that differs in field 7", "differs in field 7"},
	"one whose key is garbled": {
		func(t *testing.T, far peer, q *specs.Message) {
			far.sendBody(specs.Header{}, badBody(t, answerTo(q)))
		}, WhyUndecodable, 1, nil, "70", "one came that cannot be decoded, field 70 at byte 29", "undecodable in field 70 at byte 29",
	},
	"another whose key is garbled": {
		func(t *testing.T, far peer, q *specs.Message) {
			far.sendBody(specs.Header{}, badBody(t, anotherTrace(answerTo(q))))
		}, WhyOthers, 1, nil, "", "other messages received meanwhile: 1", "others received in 1s: 1",
	},
	"one without all but its type": {
		func(_ *testing.T, far peer, _ *specs.Message) { far.sendBody(specs.Header{}, []byte{0x08, 0x10, 1}) },
		WhyUndecodable, 1, nil, "1", "field 1 at byte 2", "undecodable in field 1 at byte 2",
	},
	"what is no message": {
		func(_ *testing.T, far peer, _ *specs.Message) { far.sendBody(specs.Header{}, []byte{0xFF}) },
		WhyUndecodable, 1, nil, "0", "field 0 at byte 0", "undecodable in field 0 at byte 0",
	},
	"one that differs, and what is no message": {func(_ *testing.T, far peer, q *specs.Message) {
		far.send(anotherTrace(answerTo(q)))
		far.sendBody(specs.Header{}, []byte{0xFF})
	}, WhyDiffers, 2, []string{"field 11"}, "", "one came that differs in field 11", "differs in field 11"},
}

// What a question is told that got no answer in a second: what came meanwhile.
func TestUnanswered(t *testing.T) {
	for name, test := range replacements {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := options(t.Output(), silent)
				o.Key, o.KeyFields = partsKey, partsFields
				c, far := begin(t, t.Context(), o)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				done := asking(ctx, c, echo(1))
				question := far.readMessage()
				go func() { _, _ = far.Read(make([]byte, 64)) }() // what a keep-alive is answered with
				test.come(t, far, question)
				err := (<-done).err
				var u *Unanswered
				if !errors.As(err, &u) || !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("told %v", err)
				}
				if u.Why != test.why || u.Received != test.received || !slices.Equal(u.Fields, test.fields) || u.After != time.Second {
					t.Errorf("told %+v", u)
				}
				if at := faultPath(u.Fault); at != test.at {
					t.Errorf("the fault is in field %q", at)
				}
				if !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), "no answer after 1s: ") {
					t.Errorf("it says %q", err)
				}
				if u.Brief() != test.brief {
					t.Errorf("in brief %q", u.Brief())
				}
			})
		})
	}
}

func faultPath(f *specs.FormatError) string {
	if f == nil {
		return ""
	}
	return f.Path
}

// An answer that cannot be decoded, but for its key, ends its question's wait.
func TestUndecodableAnswerIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		o := options(&log, silent)
		found := make(chan Unmatched, 1)
		o.Unmatched = func(u Unmatched) { found <- u }
		c, far := begin(t, t.Context(), o)
		done, other := asking(t.Context(), c, echo(1)), asking(t.Context(), c, echo(2))
		far.readMessage()
		far.readMessage()
		time.Sleep(20 * time.Millisecond)
		far.sendBody(specs.Header{}, badBody(t, answerTo(echo(1))))
		err := (<-done).err
		var u *Unanswered
		if !errors.As(err, &u) || u.Why != WhyUndecodable || u.After != 20*time.Millisecond || u.Cause != nil || faultPath(u.Fault) != "70" {
			t.Errorf("told %v", err)
		}
		var fault *specs.FormatError
		if !errors.As(err, &fault) || fault != u.Fault {
			t.Errorf("the fault is %v", fault)
		}
		if u := <-found; u.Why != WhyUndecodable || faultPath(u.Fault) != "70" || u.Message.Text(fieldTrace) != "000001" {
			t.Errorf("Unmatched hears of %+v", u)
		}
		far.send(answerTo(echo(2)))
		if a := <-other; a.err != nil {
			t.Errorf("the other question: %v", a.err)
		}
		log.wantWarnings(t, "an answer cannot be decoded")
	})
}

// What came is told to the question that it is most like, and forgotten with it.
func TestHintsAreOfOneQuestion(t *testing.T) {
	var p pending
	keys := []string{"a/1/x", "b/1/y", "c/9/z"}
	waiting := make(map[string]chan answer)
	for _, key := range keys {
		w, err := p.add(key)
		if err != nil {
			t.Fatal(err)
		}
		waiting[key] = w
	}
	names := []string{"first", "second", "third"}
	if u := p.explain("b/2/y", names); u.Why != WhyDiffers || !slices.Equal(u.Fields, []string{"second"}) {
		t.Errorf("found %+v", u)
	}
	p.garbled("a//", names, &specs.FormatError{Path: "1"})
	p.garbled("//", names, &specs.FormatError{Path: "2"})
	for key, want := range map[string]hint{
		"a/1/x": {why: WhyUndecodable, unlike: 2, fault: &specs.FormatError{Path: "1"}},
		"b/1/y": {why: WhyDiffers, unlike: 1, fields: []string{"second"}},
		"c/9/z": {why: WhyUndecodable, unlike: 3, fault: &specs.FormatError{Path: "2"}},
	} {
		came, ok := p.giveUp(key, waiting[key])
		if !ok || came.why != want.why || came.unlike != want.unlike || !slices.Equal(came.fields, want.fields) || faultPath(came.fault) != faultPath(want.fault) {
			t.Errorf("%s is told %+v", key, came)
		}
	}
	if len(p.hints) != 0 {
		t.Errorf("%d hints are left", len(p.hints))
	}
}
