package refused

import (
	"maps"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	noteEvery = time.Second
	knownFor  = 24 * time.Hour
	maxKnown  = 256
)

// known are the networks that authentic deliveries came from lately. Reading takes no lock, because every refusal reads them.
type known struct {
	noted atomic.Int64 // when one was noted last, in nanoseconds
	all   atomic.Pointer[map[netip.Prefix]time.Time]
}

// due reports whether to note a network now: at most once per noteEvery, which is enough, because a platform's senders come again.
func (k *known) due(now time.Time) bool {
	last := k.noted.Load()
	return now.UnixNano()-last >= int64(noteEvery) && k.noted.CompareAndSwap(last, now.UnixNano())
}

// note notes a network. Call it only after due has returned true.
func (k *known) note(n netip.Prefix, now time.Time) {
	if !n.IsValid() {
		return
	}
	next := map[netip.Prefix]time.Time{}
	if all := k.all.Load(); all != nil {
		next = maps.Clone(*all)
	}
	next[n] = now
	for other, at := range next {
		if now.Sub(at) >= knownFor || len(next) > maxKnown && other != n {
			delete(next, other)
		}
	}
	k.all.Store(&next)
}

func (k *known) has(n netip.Prefix, now time.Time) bool {
	all := k.all.Load()
	if all == nil {
		return false
	}
	at, has := (*all)[n]
	return has && now.Sub(at) < knownFor
}
