package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// later are the metrics that exist only after a webhook was checked.
var later = []string{"inorder_subscription_last_check_timestamp_seconds", "inorder_subscription_problems"}

// open are the labels whose values depend on the installation.
var open = []string{"secret", "source", "version", "revision", "goversion", "problem"}

// shownMetric is the kind of a metric that a process shows, and its labels with their values.
type shownMetric struct {
	kind   string
	labels map[string][]string
}

// shownMetrics returns the metrics in e2e/testdata/metrics.txt by name. A test holds that file to the program.
func shownMetrics(t *testing.T) map[string]shownMetric {
	series := regexp.MustCompile(`^(inorder_\w+)(?:\{(.*)\})? (\w+)$`)
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	all := map[string]shownMetric{}
	for line := range strings.Lines(read(t, "e2e/testdata/metrics.txt")) {
		m := series.FindStringSubmatch(strings.TrimSpace(line))
		require.NotNil(t, m, line)
		shown, known := all[m[1]]
		if !known {
			shown = shownMetric{m[3], map[string][]string{}}
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			shown.labels[l[1]] = append(shown.labels[l[1]], l[2])
		}
		all[m[1]] = shown
	}
	require.Greater(t, len(all), 20)
	return all
}

// The document lists every metric of ours with its labels and their values, and no other metric.
func TestMetricsAreThoseThatAreShown(t *testing.T) {
	_, section, found := strings.Cut(read(t, "docs/operations.md"), "\n## Metrics\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	code := regexp.MustCompile("`([^`]+)`")
	names := func(cell string) (all []string) {
		for _, m := range code.FindAllStringSubmatch(cell, -1) {
			all = append(all, m[1])
		}
		return all
	}
	shown, before := shownMetrics(t), map[string][]string{}
	var documented []string
	for _, row := range rowsOf(section) {
		if strings.HasSuffix(names(row[0])[0], "…") {
			continue
		}
		for _, name := range names(row[0]) {
			documented = append(documented, name)
			metric, known := shown[name]
			require.True(t, known || slices.Contains(later, name), "%s is documented, and not shown", name)
			labels := names(row[1])
			for label, values := range metric.labels {
				require.Contains(t, labels, label, name)
				if strings.Contains(row[1], "as above") || len(labels) == 1 {
					labels = append(labels, before[label]...)
				}
				if !slices.Contains(open, label) {
					for _, v := range values {
						require.Contains(t, labels, v, "%s{%s}", name, label)
					}
				}
			}
			if strings.Contains(row[2], "histogram") {
				require.Equal(t, "histogram", metric.kind, name)
			}
		}
		for _, part := range strings.Split(row[1], ";") {
			if values := names(part); len(values) > 1 {
				before[values[0]] = values[1:]
			}
		}
	}
	for name := range shown {
		require.Contains(t, documented, name, "it is shown, and not documented")
	}
}
