package main

import (
	"fmt"
	"io"
	"slices"
)

// reportEngine writes a part's tables, one for each load, except that the load with one sender is a column in the others. All
// subjects are compared with the first one.
func reportEngine(w io.Writer, r *results, p part, subjects []*subject) error {
	if len(subjects) == 0 {
		return nil
	}
	base := subjects[0].name
	for _, l := range p.loads {
		if l.name == oneSender.name {
			continue
		}
		fmt.Fprintf(w, "\n%s, %s: medians of %d rounds, and of their ratios, with bounds at %.0f %%.\n\n", p.name, l.name, len(r.series(base, l).Rounds), 100*confidence)
		fmt.Fprintf(w, "| setting | events/s | of %q | ack p50 / p99 with 1 sender | after the last answer: median / least / most |", base)
		fmt.Fprintf(w, " CPU: its own / Temporal's / PostgreSQL's | Temporal's CPU of %q | Temporal's memory |\n|---|---:|---:|---:|---:|---:|---:|---:|\n", base)
		for _, subject := range subjects {
			if err := reportSetting(w, r, l, base, subject); err != nil {
				return err
			}
		}
	}
	return nil
}

func reportSetting(w io.Writer, r *results, l load, base string, subject *subject) error {
	s := r.measured(subject.name, l)
	if s == nil {
		return nil
	}
	ofBase := func(of figure) string {
		share, measured := ratio(s, r.find(base, l.name), of)
		if !measured {
			return "–"
		}
		return share.String()
	}
	calm := "–"
	if s := r.measured(subject.name, oneSender); s != nil {
		calm = millis(s.median(ackP50), s.median(ackP99))
	}
	memory, err := peakOf([]int{subject.on.Temporal.PID()})
	if err != nil {
		return err
	}
	late := s.figures(after)
	_, err = fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %.0f / %.0f / %.0f µs | %s | %.0f MB |\n", subject.name, rate(s.median(applied)), ofBase(applied), calm,
		millis(s.median(after), slices.Min(late), slices.Max(late)), s.median(cpuSubject), s.median(cpuTemporal), s.median(cpuPostgres), ofBase(cpuTemporal), float64(memory)/1e6)
	return err
}
