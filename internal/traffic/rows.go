package traffic

import "time"

// rows are rows of traffic_minutes, by column.
type rows struct {
	minutes []time.Time
	kinds   []string
	names   []string
	counts  []int64
}

// rows returns the rows of the minutes that have changed.
func (w *Writer) rows() (r rows) {
	for _, m := range w.minutes {
		if !m.changed {
			continue
		}
		for i, n := range m.counts.deliveries {
			r.add(m.at, "delivery", results[i], n)
		}
		for i, n := range m.counts.ends {
			r.add(m.at, "end", string(outcomes[i]), n)
		}
	}
	return r
}

func (r *rows) add(at time.Time, kind, name string, n int64) {
	if n == 0 {
		return
	}
	r.minutes, r.kinds = append(r.minutes, at), append(r.kinds, kind)
	r.names, r.counts = append(r.names, name), append(r.counts, n)
}

// lastEvents are rows of last_events, by column.
type lastEvents struct {
	families []string
	times    []time.Time
}

// lastEvents returns the rows that are newer than what was written.
func (w *Writer) lastEvents() (l lastEvents) {
	w.r.EachFamily(func(family string, at time.Time) {
		if at.After(w.written[family]) {
			l.families, l.times = append(l.families, family), append(l.times, at)
		}
	})
	return l
}

// settle notes that everything was written. It keeps the last minute, the only one that may change again.
func (w *Writer) settle(l lastEvents) {
	w.minutes = w.minutes[len(w.minutes)-1:]
	w.minutes[0].changed = false
	for i, family := range l.families {
		w.written[family] = l.times[i]
	}
}
