package link

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadlinePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadline(t.Context(), time.Second)
		defer d.end()
		if at, ok := d.Deadline(); !ok || time.Until(at) != time.Second {
			t.Errorf("it is in %v", time.Until(at))
		}
		if d.Err() != nil {
			t.Error("it has passed at once")
		}
		<-d.Done()
		if !errors.Is(d.Err(), context.DeadlineExceeded) {
			t.Errorf("it passed with %v", d.Err())
		}
	})
}

// The time counts from the request, not from the first look.
func TestDeadlineThatIsLookedAtLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadline(t.Context(), time.Second)
		defer d.end()
		time.Sleep(2 * time.Second)
		if !errors.Is(d.Err(), context.DeadlineExceeded) {
			t.Errorf("it passed with %v", d.Err())
		}
	})
}

func TestDeadlineEnds(t *testing.T) {
	for name, looked := range map[string]bool{"looked at": true, "never looked at": false} {
		d := newDeadline(t.Context(), time.Hour)
		if looked && d.Err() != nil {
			t.Errorf("%s: it begins with %v", name, d.Err())
		}
		d.end()
		if !errors.Is(d.Err(), context.Canceled) {
			t.Errorf("%s: it ended with %v", name, d.Err())
		}
		<-d.Done()
	}
}

func TestDeadlineEndsWithItsParent(t *testing.T) {
	type key struct{}
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 1))
	d := newDeadline(parent, time.Hour)
	defer d.end()
	child, stop := context.WithCancel(d)
	defer stop()
	cancel()
	<-child.Done()
	if !errors.Is(d.Err(), context.Canceled) || d.Value(key{}) != 1 {
		t.Errorf("it ended with %v, and has the value %v", d.Err(), d.Value(key{}))
	}
}
