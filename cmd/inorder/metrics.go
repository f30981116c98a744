package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"inorder/internal/metrics"
	"inorder/internal/redelivery"
	"inorder/internal/refused"
	"inorder/internal/store/view"
	"inorder/internal/traffic"
	"inorder/receiver"
)

// roomMetrics are the metrics of each room, in one registry.
type roomMetrics struct {
	registry   *prometheus.Registry
	receiver   *receiver.Metrics
	redelivery *redelivery.Metrics
	refused    *refused.Metrics
}

func newMetrics() roomMetrics {
	r := prometheus.NewRegistry()
	metrics.Build(r, programVersion())
	return roomMetrics{registry: r, receiver: receiver.NewMetrics(r), redelivery: redelivery.NewMetrics(r), refused: refused.NewMetrics(r)}
}

// publish exposes what this process counts and what the servers know, until stop is called, and has the counts kept in PostgreSQL.
// Without DATABASE_URL they are not kept.
func (s *servers) publish() (stop func()) {
	s.metrics.registry.MustRegister(s.traffic, s.readings)
	if s.reserved == nil {
		return background(s.readings.Run)
	}
	s.metrics.registry.MustRegister(metrics.Pools{"events": s.pool, "reserved": s.reserved, "operators": s.operators})
	return background(s.readings.Run, traffic.NewWriter(s.traffic, s.reserved, s.limited).Run)
}

func (s *servers) newReadings() *metrics.Readings {
	o := metrics.Options{Applying: s.events().CountApplying, Traffic: s.traffic, Log: s.limited}
	if s.operators != nil {
		o.Postgres = view.New(s.operators).Readings
	}
	return metrics.NewReadings(o)
}
