package link

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// partsKey is a key of four parts.
func partsKey(m *specs.Message) string {
	return fmt.Sprintf("08/%s/%s/%s", m.Text(fieldTransmitted), m.Text(fieldTrace), m.Text(fieldCode))
}

var partsFields = []string{"class", "field 7", "field 11", "field 70"}

// explaining takes the answers that nobody waits for.
func explaining() (Options, <-chan Unmatched) {
	found := make(chan Unmatched, 16)
	o := options(io.Discard, silent)
	o.Key, o.KeyFields = partsKey, partsFields
	o.Unmatched = func(u Unmatched) { found <- u }
	return o, found
}

func TestLateAnswerIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, found := explaining()
		c, far := begin(t, t.Context(), o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := asking(ctx, c, echo(1))
		question := far.readMessage()
		<-done
		time.Sleep(1200 * time.Millisecond)
		far.send(answerTo(question))
		if u := <-found; u.Why != WhyLate || u.Late != 1200*time.Millisecond || u.Message.Text(fieldTrace) != "000001" {
			t.Errorf("got %s, %v", u.Why, u.Late)
		}
	})
}

func TestSecondAnswerIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, found := explaining()
		c, far := begin(t, t.Context(), o)
		done := asking(t.Context(), c, echo(1))
		question := far.readMessage()
		far.send(answerTo(question))
		<-done
		time.Sleep(time.Second)
		far.send(answerTo(question))
		if u := <-found; u.Why != WhyTwice || u.Late != time.Second {
			t.Errorf("got %s, %v", u.Why, u.Late)
		}
	})
}

func TestAnswerThatDiffersIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, found := explaining()
		c, far := begin(t, t.Context(), o)
		ctx, cancel := context.WithCancel(t.Context())
		done := asking(ctx, c, echo(1))
		another := echo(7)
		another.Set(fieldTransmitted, "1122999999")
		asking(ctx, c, another)
		question := far.readMessage()
		far.readMessage()
		if question.Text(fieldTrace) != "000001" { // two goroutines asked
			question = echo(1)
		}
		for _, test := range []struct {
			change func(*specs.Message)
			want   Why
			fields []string
		}{
			{func(m *specs.Message) { m.Set(fieldTransmitted, "1122123457") }, WhyDiffers, []string{"field 7"}},
			{func(m *specs.Message) { m.Set(fieldTrace, "000002") }, WhyDiffers, []string{"field 11"}},
			{func(m *specs.Message) { m.Set(fieldTrace, "000002"); m.Set(fieldCode, "001") }, WhyUnknown, nil},
		} {
			a := answerTo(question)
			test.change(a)
			far.send(a)
			if u := <-found; u.Why != test.want || !slices.Equal(u.Fields, test.fields) {
				t.Errorf("got %s %v, want %s %v", u.Why, u.Fields, test.want, test.fields)
			}
		}
		cancel()
		<-done
	})
}

// The oldest question is forgotten for the one past the limit.
func TestPastQuestionsAreBounded(t *testing.T) {
	var p pending
	answered := func(n int) string {
		key := fmt.Sprint(n)
		if _, err := p.add(key); err != nil {
			t.Fatal(err)
		}
		p.deliver(key, answer{})
		return key
	}
	first := answered(0)
	for n := 1; n < pastMax; n++ {
		answered(n)
	}
	if u := p.explain(first, nil); u.Why != WhyTwice {
		t.Errorf("at the limit: %s", u.Why)
	}
	last := answered(pastMax)
	if u := p.explain(first, nil); u.Why != WhyUnknown {
		t.Errorf("past the limit: %s", u.Why)
	}
	if u := p.explain(last, nil); u.Why != WhyTwice || len(p.past.list) != pastMax {
		t.Errorf("the last: %s, of %d", u.Why, len(p.past.list))
	}
}
