package network

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/vault"
)

// prunes is a store that tells what it was asked to forget.
type prunes struct {
	vault.Store
	do func(ctx context.Context, before time.Time) (int, error)
}

func (p prunes) Prune(ctx context.Context, before time.Time) (int, error) { return p.do(ctx, before) }

func TestPruningComesByTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var log bytes.Buffer
		var mu sync.Mutex
		var asked []time.Time
		began, ended := time.Now(), make(chan struct{})
		p := pruner{now: time.Now, keep: 48 * time.Hour, log: zerolog.New(&log)}
		p.store = prunes{do: func(ctx context.Context, before time.Time) (int, error) {
			mu.Lock()
			asked = append(asked, before)
			times := len(asked)
			mu.Unlock()
			switch times {
			case 2:
				return 0, errors.New("the disk is full")
			case 3:
				<-ctx.Done() // it takes too long
				return 7, ctx.Err()
			}
			return 41, nil
		}}
		go func() {
			p.run(ctx)
			close(ended)
		}()
		for n := range 4 {
			synctest.Wait()
			mu.Lock()
			if len(asked) != n+1 || !asked[n].Equal(began.Add(time.Duration(n)*pruneEvery-p.keep)) {
				t.Fatalf("after %d hours it was asked %v", n, asked)
			}
			mu.Unlock()
			time.Sleep(pruneEvery)
		}
		stop()
		<-ended
		for _, want := range []string{`{"level":"debug","forgotten":41,`, `{"level":"warn","error":"the disk is full",`, `"forgotten":7,`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, log.String())
			}
		}
	})
}

// TestARunningNetworkPrunes holds that a network that runs asks its store to
// forget what is older than its settings say.
func TestARunningNetworkPrunes(t *testing.T) {
	settings := anyPorts()
	settings.RetentionDays = 3
	n, err := openTest(t, settings, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	n.chance.Now = func() time.Time { return now }
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan time.Time, 1)
	n.store = prunes{n.store, func(_ context.Context, before time.Time) (int, error) {
		asked <- before
		return 0, nil
	}}
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	if got := <-asked; !got.Equal(now.AddDate(0, 0, -3)) {
		t.Errorf("asked for %v at %v", got, now)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestANetworkStoppedBeforeItBegan holds that to be ended is no error, however
// early it comes.
func TestANetworkStoppedBeforeItBegan(t *testing.T) {
	n, err := openTest(t, anyPorts(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := n.Run(ctx); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
