package metrics

import (
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestTheBuildIsShown(t *testing.T) {
	for version, revision := range map[string]string{
		"73c99ef": "73c99ef", "73c99ef-dirty": "73c99ef", "v1.2.0-14-g73c99efab-dirty": "73c99efab", "v1.2.0": "unknown", "dev": "unknown", "": "unknown",
	} {
		r := prometheus.NewRegistry()
		Build(r, version)
		families, err := r.Gather()
		require.NoError(t, err)
		shown := families[0].GetMetric()[0]
		require.Equal(t, 1.0, shown.GetGauge().GetValue())
		labels := map[string]string{}
		for _, l := range shown.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if version == "" {
			version = "unknown"
		}
		require.Equal(t, map[string]string{"version": version, "revision": revision, "goversion": runtime.Version()}, labels)
	}
}
