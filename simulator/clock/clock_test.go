package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/simulator/clock"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func want(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if !got.Equal(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestItRunsLikeTheRealOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(noon)
		want(t, "a new clock", c.Now(), noon)
		time.Sleep(90 * time.Second)
		want(t, "after a minute and a half it", c.Now(), noon.Add(90*time.Second))
	})
}

func TestItIsUTC(t *testing.T) {
	east := time.FixedZone("east", 3*3600)
	c := clock.New(noon.In(east))
	if c.Now().Location() != time.UTC {
		t.Errorf("it shows %v", c.Now())
	}
}

func TestAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(noon)
		c.Advance(time.Hour)
		want(t, "an hour later it", c.Now(), noon.Add(time.Hour))
		time.Sleep(time.Minute)
		c.Advance(time.Minute)
		want(t, "moved again it", c.Now(), noon.Add(time.Hour+2*time.Minute))
	})
}

func TestItNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(noon)
		c.Advance(time.Hour)
		for _, d := range []time.Duration{0, -1, -time.Hour, -24 * time.Hour} {
			c.Advance(d)
			want(t, "moved by "+d.String()+" it", c.Now(), noon.Add(time.Hour))
		}
	})
}

func TestAViewIsWrongForOneParty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(noon)
		right, ahead, behind := c.View(), c.View(), c.View()
		ahead.Skew(time.Hour)
		behind.Skew(-5 * time.Minute)
		want(t, "the right view", right.Now(), noon)
		want(t, "the view ahead", ahead.Now(), noon.Add(time.Hour))
		want(t, "the view behind", behind.Now(), noon.Add(-5*time.Minute))
		want(t, "the world", c.Now(), noon)

		c.Advance(time.Hour) // and all views with it
		want(t, "the view behind", behind.Now(), noon.Add(55*time.Minute))
		ahead.Skew(0)
		want(t, "the view put right", ahead.Now(), c.Now())
	})
}
