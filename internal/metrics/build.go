package metrics

import (
	"cmp"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Build registers a gauge that shows which program runs: its version, the commit that it was built from, and the version of Go. The commit
// is "unknown" if neither Go nor the version has it.
func Build(r prometheus.Registerer, version string) {
	promauto.With(r).NewGauge(prometheus.GaugeOpts{
		Name: "inorder_build_info",
		Help: "1, with the version of this program, the commit that it was built from, and the version of Go as labels.",
		ConstLabels: prometheus.Labels{
			"version": cmp.Or(version, "unknown"), "revision": cmp.Or(stamped(), described(version), "unknown"), "goversion": runtime.Version(),
		},
	}).Set(1)
}

// stamped returns the commit that Go itself has recorded.
func stamped() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

var byGit = regexp.MustCompile(`^(?:.+-g)?([0-9a-f]{7,40})(?:-dirty)?$`)

// described returns the commit in a version that `git describe --always --dirty` made, as in all our builds; "" if the version is a tag alone.
func described(version string) string {
	if m := byGit.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}
