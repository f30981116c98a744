package refused

import (
	"net/netip"
	"time"
)

// window bounds the samples of a minute: so many for each kind of evidence, and so many of one reason from one address. It has a place for each
// sample that it admitted, so it is bounded, too.
type window struct {
	began time.Time
	of    map[Evidence]int
	each  map[place]int
}

type place struct {
	evidence Evidence
	reason   Reason
	network  netip.Prefix
}

const windowTime = time.Minute

// perWindow is how many samples a minute has, by evidence.
var perWindow = map[Evidence]int{BySecret: 60, ByAddress: 60, None: 20}

const perPlace = 5

func newWindow() *window { return &window{} }

func (w *window) admits(s Sample, now time.Time) bool {
	if now.Sub(w.began) >= windowTime || now.Before(w.began) {
		*w = window{now, map[Evidence]int{}, map[place]int{}}
	}
	p := place{s.Evidence, s.Reason, s.Network}
	if w.of[s.Evidence] >= perWindow[s.Evidence] || w.each[p] >= perPlace {
		return false
	}
	w.of[s.Evidence]++
	w.each[p]++
	return true
}
