package vaulttest

import (
	"errors"
	"math"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var noticeTests = []test{
	{"a notice waits until it is acknowledged", noticeWaits},
	{"a notice is queued once", noticeOnce},
	{"a postponed notice comes back", noticePostponed},
	{"oldest first, and no more than asked for", noticeOrder},
	{"many are acknowledged at once or not at all", noticesAcknowledged},
	{"unknown notices and tokens", noticeUnknown},
}

func created(n int) token.Notice {
	one := Token(n)
	return token.Notice{Reason: token.NoticeCreated, TransactionID: one.TransactionID, Reference: one.Reference, Result: "00"}
}

func (b *bench) due(at time.Time) []vault.QueuedNotice {
	b.Helper()
	list, err := b.store.Due(b.ctx, at, 0, vault.ListMax)
	b.must(err)
	return list
}

func (b *bench) acknowledge(list ...vault.QueuedNotice) {
	b.Helper()
	for _, q := range list {
		b.must(b.store.Acknowledge(b.ctx, []int64{q.ID}, noon))
	}
}

func noticeWaits(b *bench) {
	one := b.mint(1, created(1))
	if due := b.due(noon.Add(-1)); len(due) != 0 {
		b.Errorf("due before it was queued: %+v", due)
	}
	due := b.due(noon)
	if len(due) != 1 || due[0].Notice != created(1) || due[0].Token != one || due[0].Tries != 0 || !due[0].Queued.Equal(noon) {
		b.Fatalf("due are %+v", due)
	}
	b.acknowledge(due...)
	b.acknowledge(due...) // again: nothing
	b.must(b.store.Postpone(b.ctx, due[0].ID, noon, true))
	if due := b.due(noon.Add(time.Hour)); len(due) != 0 {
		b.Errorf("due after it was acknowledged: %+v", due)
	}
	var acknowledged int
	for _, e := range b.trail() {
		if e.Event == vault.EventNoticeAcknowledged {
			acknowledged++
		}
	}
	if acknowledged != 1 {
		b.Errorf("the trail tells of %d acknowledgements", acknowledged)
	}
}

func noticeOnce(b *bench) {
	b.mint(1, created(1), created(1))
	b.must(b.store.Notify(b.ctx, created(1), noon.Add(time.Minute)))
	due := b.due(noon.Add(time.Hour))
	if len(due) != 1 || !due[0].Queued.Equal(noon) {
		b.Fatalf("due are %+v", due)
	}
	other := created(1)
	other.Reason = token.NoticeProvisioned
	b.must(b.store.Notify(b.ctx, other, noon))
	if due := b.due(noon); len(due) != 2 {
		b.Errorf("another reason is another notice; due are %+v", due)
	}
	b.acknowledge(b.due(noon)...)
	b.must(b.store.Notify(b.ctx, created(1), noon))
	if due := b.due(noon); len(due) != 0 {
		b.Errorf("queued again after its acknowledgement: %+v", due)
	}
}

func noticePostponed(b *bench) {
	b.mint(1, created(1))
	id := b.due(noon)[0].ID
	for try := 1; try <= 3; try++ {
		until := noon.Add(time.Duration(try) * time.Minute)
		b.must(b.store.Postpone(b.ctx, id, until, true))
		if due := b.due(until.Add(-1)); len(due) != 0 {
			b.Errorf("try %d: due too early", try)
		}
		if due := b.due(until); len(due) != 1 || due[0].Tries != try {
			b.Errorf("try %d: due are %+v", try, due)
		}
	}
}

func noticeOrder(b *bench) {
	for n := range 4 {
		b.mint(n+1, created(n+1))
	}
	first := b.due(noon)[0]
	b.must(b.store.Postpone(b.ctx, first.ID, noon.Add(time.Minute), true))
	for _, ask := range []struct {
		at    time.Time
		after int64
		limit int
		want  []int
	}{
		{noon, 0, 10, []int{2, 3, 4}},
		{noon, 0, 2, []int{2, 3}},
		{noon, 0, 0, nil},
		{noon, 0, -1, nil},
		{noon.Add(time.Minute), 0, 3, []int{1, 2, 3}},
		{noon, first.ID, 2, []int{2, 3}},
		{noon.Add(time.Minute), first.ID, 3, []int{2, 3, 4}},
		{noon, first.ID + 1, 3, []int{3, 4}},
		{noon, math.MaxInt64, 3, nil},
	} {
		list, err := b.store.Due(b.ctx, ask.at, ask.after, ask.limit)
		b.must(err)
		if len(list) != len(ask.want) {
			b.Errorf("limit %d after %d gives %d notices", ask.limit, ask.after, len(list))
			continue
		}
		for i, n := range ask.want {
			if list[i].Notice != created(n) {
				b.Errorf("limit %d, place %d: %+v", ask.limit, i, list[i].Notice)
			}
		}
	}
}

func noticesAcknowledged(b *bench) {
	for n := range 4 {
		b.mint(n+1, created(n+1))
	}
	due := b.due(noon)
	before := len(b.trail())
	if err := b.store.Acknowledge(b.ctx, []int64{due[0].ID, due[1].ID, due[3].ID + 1}, noon); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("with an unknown one: %v", err)
	}
	if left := b.due(noon); len(left) != 4 || len(b.trail()) != before {
		b.Errorf("with an unknown one, %d of 4 are left, and the trail tells of %d", len(left), len(b.trail())-before)
	}
	b.must(b.store.Acknowledge(b.ctx, []int64{due[2].ID, due[0].ID, due[2].ID}, noon))
	if left := b.due(noon); len(left) != 2 || left[0].ID != due[1].ID || left[1].ID != due[3].ID {
		b.Errorf("left are %+v", left)
	}
	if told := len(b.trail()) - before; told != 2 {
		b.Errorf("the trail tells of %d", told)
	}
	b.must(b.store.Acknowledge(b.ctx, nil, noon))
}

func noticeUnknown(b *bench) {
	if err := b.store.Notify(b.ctx, created(1), noon); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("notifying of no token: %v", err)
	}
	if err := b.store.Postpone(b.ctx, 99, noon, true); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("postponing: %v", err)
	}
	if err := b.store.Acknowledge(b.ctx, []int64{99}, noon); !errors.Is(err, vault.ErrNotFound) {
		b.Errorf("acknowledging: %v", err)
	}
}
