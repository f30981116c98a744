package main

import (
	"fmt"
	"io"
	"strings"
)

// report writes the results as Markdown tables.
func report(w io.Writer, r *results) {
	fmt.Fprintf(w, "\n%s form, inorder %s, %s; %d processors (%s), PostgreSQL %s, Temporal %s.\n", r.Form, r.Version, r.Began.Format("2006-01-02"),
		r.CPUs, r.CPU, r.PostgreSQL, r.Temporal)
	closedTable(w, r)
	openTable(w, r)
	for _, l := range []load{burst, longBurst, mixed, together} {
		burstTable(w, r, l)
	}
	costTable(w, r)
}

// row returns a subject's cells, without its name, or nil if the table has no row for it.
type row func(subject string) []string

func table(w io.Writer, r *results, title string, columns []string, cells row) {
	begun := false
	for _, subject := range r.Subjects {
		row := cells(subject)
		if row == nil {
			continue
		}
		if !begun {
			fmt.Fprintf(w, "\n%s\n\n| subject | %s |\n|---%s|\n", title, strings.Join(columns, " | "), strings.Repeat("|---:", len(columns)))
			begun = true
		}
		fmt.Fprintf(w, "| %s | %s |\n", subject, strings.Join(row, " | "))
	}
}

func closedTable(w io.Writer, r *results) {
	columns := []string{"accepted/s", "applied/s", "of the empty workflow's", "ack p50 / p99 at 1 sender", "at 4", "at 16"}
	table(w, r, "Closed loop: 16 senders, each waits for its answer (medians).", columns, func(subject string) []string {
		s := r.measured(subject, senders16)
		if s == nil {
			return nil
		}
		cells := []string{rate(s.median(accepted)), rate(s.median(applied)), "–"}
		if share, ok := ratio(s, r.find(emptyWorkflow, senders16.name), applied); ok {
			cells[2] = fmt.Sprintf("%.2f", share.median)
		}
		for _, l := range []load{oneSender, fewSenders, senders16} {
			cell := "–"
			if s := r.measured(subject, l); s != nil {
				cell = millis(s.median(ackP50), s.median(ackP99))
			}
			cells = append(cells, cell)
		}
		return cells
	})
}

func openTable(w io.Writer, r *results) {
	var columns []string
	for _, rate := range openRates {
		columns = append(columns, fmt.Sprintf("%d/s: p50 / p99 / p99.9", rate))
	}
	table(w, r, "Open loop: acknowledgements at fixed rates, from the time when each event was due (all rounds).", columns, func(subject string) []string {
		var cells []string
		for _, rate := range openRates {
			s := r.find(subject, openName(rate))
			switch {
			case s == nil:
				return nil
			case s.Overloaded:
				cells = append(cells, "above its rate")
			default:
				cell := millis(s.AckP50, s.AckP99, s.AckP999)
				if n := s.refused(); n > 0 {
					cell += fmt.Sprintf(", %d refused", n)
				}
				cells = append(cells, cell)
			}
		}
		return cells
	})
}

func burstTable(w io.Writer, r *results, l load) {
	columns := []string{"events", "accepted/s", "applied/s", "of the plain handler's", "ack p50 / p99 / p99.9", "last applied after the last answer"}
	title := fmt.Sprintf("%s from %d senders (medians).", titles[l.name], l.senders)
	table(w, r, title, columns, func(subject string) []string {
		s := r.measured(subject, l)
		if s == nil {
			return nil
		}
		cells := []string{fmt.Sprint(s.Events), rate(s.median(accepted)), rate(s.median(applied)), "–", millis(s.median(ackP50), s.median(ackP99), s.median(ackP999)), millis(s.median(after))}
		if share, ok := ratio(s, r.find(plainHandler, l.name), applied); ok {
			cells[3] = fmt.Sprintf("%.2f", share.median)
		}
		return cells
	})
}

var titles = map[string]string{
	burst.name: "Burst", longBurst.name: "A burst that lasts", mixed.name: "Mixed histories of orders",
	together.name: "Events of the same instant, each order's payment before its creation",
}

func costTable(w io.Writer, r *results) {
	columns := []string{"its CPU: 16 senders / burst", "Temporal's CPU", "PostgreSQL's CPU", "WAL", "round trips", "peak memory"}
	table(w, r, "What an event costs: µs of processor time, bytes of WAL, round trips to PostgreSQL, with 16 senders / in the burst.", columns, func(subject string) []string {
		calm, hot := r.measured(subject, senders16), r.measured(subject, burst)
		if calm == nil || hot == nil {
			return nil
		}
		both := func(of figure) string { return fmt.Sprintf("%.0f / %.0f", calm.median(of), hot.median(of)) }
		return []string{both(cpuSubject), both(cpuTemporal), both(cpuPostgres), both(wal),
			fmt.Sprintf("%.1f / %.1f", calm.RoundTrips, hot.RoundTrips), fmt.Sprintf("%.0f MB", r.Memory[subject])}
	})
}

// measured returns a subject's series under a load, or nil if there is no measurement.
func (r *results) measured(subject string, l load) *series {
	if s := r.find(subject, l.name); s != nil && len(s.Rounds) > 0 {
		return s
	}
	return nil
}

func (s *series) refused() (n int) {
	for _, m := range s.Rounds {
		n += m.Refused
	}
	return n
}

func rate(perSecond float64) string { return fmt.Sprintf("%.0f", perSecond) }

func millis(all ...float64) string {
	var cells []string
	for _, m := range all {
		format := "%.0f"
		if m < 10 {
			format = "%.1f"
		}
		cells = append(cells, fmt.Sprintf(format, m))
	}
	return strings.Join(cells, " / ") + " ms"
}
