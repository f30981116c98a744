package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"inorder/internal/api"
	"inorder/internal/store"
	"inorder/internal/store/view"
)

var (
	eventsDesc = prometheus.NewDesc("inorder_events",
		"Events that have not ended, of all processes together, by where they stand. Up to 10000 the number is exact, and more are estimated.", []string{"state"}, nil)
	oldestDesc = prometheus.NewDesc("inorder_oldest_event_seconds",
		"How long ago the oldest event of this state was received, or for applying the oldest run began, of all processes together; 0 if there is none.", []string{"state"}, nil)
	inboxDesc = prometheus.NewDesc("inorder_inbox_events",
		"Events in the inbox, of all processes together.", nil, nil)
	lastEventDesc = prometheus.NewDesc("inorder_last_event_timestamp_seconds",
		"When an event of this family last came, to any process; 0 for never.", []string{"family"}, nil)
	jobDesc = prometheus.NewDesc("inorder_job_last_success_timestamp_seconds",
		"When this job last succeeded, whichever process ran it; 0 for never.", []string{"job"}, nil)
	expectedDesc = prometheus.NewDesc("inorder_job_expected",
		"1 if this process runs the job when its schedule is due, else 0. Workers do; jobs that ask the platform also need an API key.", []string{"job"}, nil)
	postgresUpDesc = prometheus.NewDesc("inorder_postgres_up",
		"1 if PostgreSQL answered this process when it was last read for metrics, else 0.", nil, nil)
	temporalUpDesc = prometheus.NewDesc("inorder_temporal_up",
		"1 if Temporal answered this process when it was last read for metrics, else 0.", nil, nil)
	readingDesc = prometheus.NewDesc("inorder_last_reading_timestamp_seconds",
		"When this server last answered this process's reading for metrics; 0 for never.", []string{"server"}, nil)
)

// Describe implements prometheus.Collector.
func (r *Readings) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsDesc, oldestDesc, inboxDesc, lastEventDesc, jobDesc, expectedDesc, postgresUpDesc, temporalUpDesc, readingDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector. It asks no server.
func (r *Readings) Collect(to chan<- prometheus.Metric) {
	p, t := r.postgres.state(), r.temporal.state()
	show := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	if p.known {
		for _, s := range []api.State{api.StateInbox, api.StateWaiting, api.StateStuck, api.StateAttention} {
			reading := p.said.States[s]
			show(eventsDesc, float64(reading.Count), string(s))
			show(oldestDesc, reading.Oldest.Seconds(), string(s))
		}
		show(inboxDesc, float64(p.said.States[api.StateInbox].Count))
		for _, j := range store.Jobs() {
			show(jobDesc, seconds(p.said.Jobs[j]), string(j))
		}
	}
	if t.known {
		show(eventsDesc, float64(t.said.Count), string(api.StateApplying))
		show(oldestDesc, t.said.Oldest.Seconds(), string(api.StateApplying))
	}
	if r.o.Postgres != nil {
		if p.asked {
			show(postgresUpDesc, float(p.up))
		}
		show(readingDesc, seconds(p.at), "postgres")
	}
	if t.asked {
		show(temporalUpDesc, float(t.up))
	}
	show(readingDesc, seconds(t.at), "temporal")
	r.collectLastEvents(p, show)
	r.collectExpected(show)
}

func (r *Readings) collectLastEvents(p state[view.Readings], show func(*prometheus.Desc, float64, ...string)) {
	for family, at := range r.o.Traffic.LastEvents() {
		if read := p.said.LastEvents[family]; read.After(at) {
			at = read
		}
		if !at.IsZero() || p.known || r.o.Postgres == nil {
			show(lastEventDesc, seconds(at), family)
		}
	}
}

func (r *Readings) collectExpected(show func(*prometheus.Desc, float64, ...string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range store.Jobs() {
		show(expectedDesc, float(r.expected[j]), string(j))
	}
}

// seconds returns a time as Prometheus has it; 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}

func float(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
