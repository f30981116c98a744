package main

import "time"

// part is a part of a run: subjects that are started together on the part's own servers, and the loads under which each of them is
// measured in every round. Idle subjects share the servers with the one being measured.
type part struct {
	name     string
	subjects []string
	loads    []load
	rounds   int
	counted  bool // measure only round trips, through the counting proxy, which slows everything down
}

// docs/benchmark.md says what each load is for.
var (
	oneSender  = load{name: "1 sender", senders: 1, events: 40}
	fewSenders = load{name: "4 senders", senders: 4, events: 80}
	senders16  = load{name: "16 senders", senders: 16, events: 400, fewer: 225}
	senders64  = load{name: "64 senders", senders: 64, events: 400, fewer: 300}
	burst      = load{name: "burst", senders: 64, events: 5000, fewer: 1000}
	longBurst  = load{name: "long burst", senders: 64, events: 30000, fewer: 1000}
	mixed      = load{name: "mixed", senders: 64, events: 5000, fewer: 1000, make: histories}
	backlog    = load{name: "backlog", senders: 16, events: 400}
	released   = load{name: "released", senders: 16, events: 300, make: paymentsFirst}
	together   = load{name: "same instant", senders: 400, events: 400, make: pairs}
)

func open(rate int, lasts time.Duration) load {
	return load{name: openName(rate), rate: rate, events: int(float64(rate) * lasts.Seconds())}
}

// openRates are the fixed rates of the open loop, in events per second.
var openRates = []int{20, 80, 400}

// shortForm takes less than five minutes.
func shortForm(before bool) []part {
	compared := withBefore(before, serve, workflowEach, emptyWorkflow, plainHandler, riverPeer, dbosPeer, activityPeer)
	small, less := burst, mixed
	small.fewer, less.fewer, less.events = 300, 300, 2000
	return []part{
		{name: "closed loop", subjects: compared, loads: []load{oneSender, fewSenders, senders16}, rounds: 3},
		{name: "open loop", subjects: compared, loads: []load{open(20, 3*time.Second), open(80, 3*time.Second), open(400, 3*time.Second)}, rounds: 1},
		{name: "bursts", subjects: compared, loads: []load{small, less}, rounds: 2},
		{name: "round trips", subjects: compared, loads: []load{oneSender, senders16, small}, rounds: 1, counted: true},
	}
}

// longForm has the parts that docs/benchmark.md shows.
func longForm(before bool) []part {
	compared := withBefore(before, serve, workflowEach, separate, emptyWorkflow, plainHandler, riverPeer, riverUntuned, dbosPeer, activityPeer)
	return []part{
		{name: "closed loop", subjects: compared, loads: []load{oneSender, fewSenders, senders16}, rounds: 12},
		{name: "open loop", subjects: compared, loads: []load{open(20, 15*time.Second), open(80, 15*time.Second), open(400, 8*time.Second)}, rounds: 2},
		{name: "bursts", subjects: compared, loads: []load{burst, mixed}, rounds: 4},
		{name: "long bursts", subjects: withBefore(before, serve, plainHandler, riverPeer, dbosPeer), loads: []load{longBurst}, rounds: 3},
		{name: "same instant", subjects: withBefore(before, serve, workflowEach), loads: []load{together}, rounds: 5},
		{name: "round trips", subjects: compared, loads: []load{oneSender, senders16, burst, mixed}, rounds: 1, counted: true},
	}
}

// withBefore returns names, with the older build right after each newer one if before is set.
func withBefore(before bool, names ...string) []string {
	if !before {
		return names
	}
	var all []string
	for _, name := range names {
		all = append(all, name)
		if older, has := olderOf[name]; has {
			all = append(all, older)
		}
	}
	return all
}
