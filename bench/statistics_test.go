package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds returns a series of 12 measurements with noise, of a program that applies rate events per second.
func rounds(r *rand.Rand, subject, load string, rate float64) *series {
	s := &series{Subject: subject, Load: load}
	for range 12 {
		s.Rounds = append(s.Rounds, measurement{Applied: rate * (1 + 0.05*r.NormFloat64())})
	}
	return s
}

func TestTheGuardSaysWhatBecameSlower(t *testing.T) {
	for name, now := range map[string]float64{"slower": 800, "the same": 1000, "faster": 1200} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			r := results{Series: []*series{rounds(random, serve, burst.name, now), rounds(random, serveBefore, burst.name, 1000), rounds(random, serveAgain, burst.name, 1000)}}
			slower, all := r.slower()
			require.Len(t, all, 1)
			require.Equal(t, now < 1000, len(slower) == 1, "%v", all)
		})
	}
}

// In 500 comparisons of the same program with itself, the guard raises at most one false alarm.
func TestTheGuardIsQuietAboutNoise(t *testing.T) {
	random, alarms := rand.New(rand.NewPCG(3, 4)), 0
	for range 500 {
		r := results{Series: []*series{rounds(random, serve, burst.name, 1000), rounds(random, serveBefore, burst.name, 1000), rounds(random, serveAgain, burst.name, 1000)}}
		slower, _ := r.slower()
		alarms += len(slower)
	}
	require.LessOrEqual(t, alarms, 1)
}

func TestQuantiles(t *testing.T) {
	var acks []time.Duration
	for i := range 1000 {
		acks = append(acks, time.Duration(1000-i)*time.Millisecond)
	}
	p50, p99, p999 := quantiles(acks)
	require.Equal(t, []float64{501, 991, 1000}, []float64{p50, p99, p999})
}
