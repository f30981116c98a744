package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/perf/benchmath"
)

// figure is one figure of a measurement.
type figure func(measurement) float64

func accepted(m measurement) float64 { return m.Accepted }
func applied(m measurement) float64  { return m.Applied }
func ackP50(m measurement) float64   { return m.AckP50 }
func ackP99(m measurement) float64   { return m.AckP99 }
func ackP999(m measurement) float64  { return m.AckP999 }
func after(m measurement) float64    { return m.After }
func wal(m measurement) float64      { return m.WAL }

func cpuSubject(m measurement) float64  { return m.CPUSubject }
func cpuTemporal(m measurement) float64 { return m.CPUTemporal }
func cpuPostgres(m measurement) float64 { return m.CPUPostgres }

// median returns the median of a figure over all rounds.
func (s *series) median(of figure) float64 {
	return median(s.figures(of))
}

func (s *series) figures(of figure) []float64 {
	values := make([]float64, len(s.Rounds))
	for i, m := range s.Rounds {
		values[i] = of(m)
	}
	return values
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// interval is the median of the rounds' ratios with its confidence interval. The bounds are two order statistics; by the sign test,
// the true median lies between them with the given confidence. With few rounds the bounds are infinite.
type interval struct{ median, low, high float64 }

func (i interval) String() string {
	if math.IsInf(i.low, 0) || math.IsInf(i.high, 0) {
		return fmt.Sprintf("%.2f", i.median)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", i.median, i.low, i.high)
}

const confidence = 0.99

// ratio compares two series round by round: measurements of one round ran under the same conditions. It returns false if none can be compared.
func ratio(s, other *series, of figure) (interval, bool) {
	if s == nil || other == nil {
		return interval{}, false
	}
	var ratios []float64
	for i := range min(len(s.Rounds), len(other.Rounds)) {
		if a, b := of(s.Rounds[i]), of(other.Rounds[i]); a > 0 && b > 0 {
			ratios = append(ratios, a/b)
		}
	}
	if len(ratios) == 0 {
		return interval{}, false
	}
	summary := benchmath.AssumeNothing.Summary(benchmath.NewSample(ratios, &benchmath.DefaultThresholds), confidence)
	return interval{summary.Center, summary.Lo, summary.Hi}, true
}

// quantiles returns p50, p99 and p99.9 in milliseconds.
func quantiles(acks []time.Duration) (p50, p99, p999 float64) {
	if len(acks) == 0 {
		return 0, 0, 0
	}
	sorted := slices.Sorted(slices.Values(acks))
	at := func(permille int) float64 { return ms(sorted[min(len(sorted)*permille/1000, len(sorted)-1)]) }
	return at(500), at(990), at(999)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
