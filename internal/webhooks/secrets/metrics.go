package secrets

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	labels = []string{"secret", "source"}

	lastVerified = prometheus.NewDesc("inorder_secret_last_verified_timestamp_seconds",
		"When the secret last verified a delivery, here or at a receiver that shares the table; 0 for never. There is one for each valid secret.",
		labels, nil)
	verified = prometheus.NewDesc("inorder_secret_verified_total", "Deliveries that the secret verified, here.", labels, nil)
)

// Describe implements prometheus.Collector.
func (k *Keyring) Describe(to chan<- *prometheus.Desc) {
	to <- lastVerified
	to <- verified
}

// Collect implements prometheus.Collector. The label secret is a secret's name, source the webhook's ID or the setting.
func (k *Keyring) Collect(to chan<- prometheus.Metric) {
	now := k.now()
	for _, key := range *k.valid.Load() {
		if key.endedAt(now) {
			continue
		}
		seconds := float64(key.last.Load()) / float64(time.Second/time.Microsecond)
		to <- prometheus.MustNewConstMetric(lastVerified, prometheus.GaugeValue, seconds, key.name, key.source)
		to <- prometheus.MustNewConstMetric(verified, prometheus.CounterValue, float64(key.times.Load()), key.name, key.source)
	}
}
