package metrics

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	poolLabel      = []string{"pool"}
	connectionDesc = prometheus.NewDesc("inorder_pool_connections", "Connections to PostgreSQL, by what they do: acquired, idle or constructing.", []string{"pool", "state"}, nil)
	mostDesc       = prometheus.NewDesc("inorder_pool_max_connections", "How many connections to PostgreSQL the pool may open.", poolLabel, nil)
	acquiredDesc   = prometheus.NewDesc("inorder_pool_acquires_total", "Connections that the pool has given out.", poolLabel, nil)
	waitedDesc     = prometheus.NewDesc("inorder_pool_empty_acquires_total", "Acquires that had to wait, because no connection was idle.", poolLabel, nil)
	waitDesc       = prometheus.NewDesc("inorder_pool_empty_acquire_wait_seconds_total", "How long acquires waited for a connection, in total.", poolLabel, nil)
	canceledDesc   = prometheus.NewDesc("inorder_pool_canceled_acquires_total", "Acquires that were canceled while they waited for a connection.", poolLabel, nil)
	openedDesc     = prometheus.NewDesc("inorder_pool_new_connections_total", "Connections to PostgreSQL that the pool has opened.", poolLabel, nil)
)

// Pools are pools of connections to PostgreSQL by the names that they have in metrics, and a prometheus.Collector.
type Pools map[string]*pgxpool.Pool

// Describe implements prometheus.Collector.
func (Pools) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{connectionDesc, mostDesc, acquiredDesc, waitedDesc, waitDesc, canceledDesc, openedDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (p Pools) Collect(to chan<- prometheus.Metric) {
	for name, pool := range p {
		s := pool.Stat()
		for state, n := range map[string]int32{"acquired": s.AcquiredConns(), "idle": s.IdleConns(), "constructing": s.ConstructingConns()} {
			to <- prometheus.MustNewConstMetric(connectionDesc, prometheus.GaugeValue, float64(n), name, state)
		}
		to <- prometheus.MustNewConstMetric(mostDesc, prometheus.GaugeValue, float64(s.MaxConns()), name)
		for d, n := range map[*prometheus.Desc]float64{
			acquiredDesc: float64(s.AcquireCount()), waitedDesc: float64(s.EmptyAcquireCount()), waitDesc: s.EmptyAcquireWaitTime().Seconds(),
			canceledDesc: float64(s.CanceledAcquireCount()), openedDesc: float64(s.NewConnsCount()),
		} {
			to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, name)
		}
	}
}
