package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder/dev/testenv"
	"inorder/internal/sample"
	"inorder/workflows"
)

// metricsList lists all series of inorder's own that `serve` exposes from the start, with their types. INORDER_WRITE_METRICS=1 rewrites it.
const metricsList = "testdata/metrics.txt"

// scrape holds the metrics of a process at one moment.
type scrape struct {
	text   string
	types  map[string]string  // types of the metrics, by name
	values map[string]float64 // values of the series; a histogram has one, its count
}

var (
	seriesLine = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? (\S+)$`)
	varies     = regexp.MustCompile(`(version|revision|goversion)="[^"]+"`)
)

func scrapeFrom(t *testing.T, url string) scrape {
	status, text := curl(t, "GET", url+"/metrics", "")
	require.Equal(t, http.StatusOK, status)
	s := scrape{text, map[string]string{}, map[string]float64{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if typed, is := strings.CutPrefix(line, "# TYPE "); is {
			name, of, _ := strings.Cut(typed, " ")
			s.types[name] = of
			continue
		}
		m := seriesLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name, counts := strings.CutSuffix(m[1], "_count")
		if s.types[strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum")] == "histogram" && s.types[m[1]] == "" {
			continue
		}
		if !counts || s.types[name] != "histogram" {
			name = m[1]
		}
		value, err := strconv.ParseFloat(m[3], 64)
		require.NoError(t, err)
		s.values[strings.TrimSuffix(name+"{"+varies.ReplaceAllString(m[2], `$1="…"`)+"}", "{}")] = value
	}
	return s
}

// list returns inorder's own series with their types, one a line.
func (s scrape) list() string {
	var b strings.Builder
	for _, series := range slices.Sorted(maps.Keys(s.values)) {
		name, _, _ := strings.Cut(series, "{")
		if strings.HasPrefix(name, "inorder_") {
			fmt.Fprintln(&b, series, s.types[name])
		}
	}
	return b.String()
}

func TestMetricsAreThoseOfTheList(t *testing.T) {
	t.Parallel()
	s, c := withAdmin(t, "HEADLESS_COMMERCE_API_KEY=sk_test_e2ehushhush", "HEADLESS_COMMERCE_API_URL=http://127.0.0.1:1")
	s.serve()
	var first scrape
	s.eventually("all is known", func() bool {
		first = scrapeFrom(t, c.URL)
		return len(slices.DeleteFunc([]string{`inorder_events{state="applying"}`, `inorder_events{state="inbox"}`, `inorder_reconcile_last_success_timestamp_seconds`},
			func(series string) bool { _, shown := first.values[series]; return shown })) == 0
	})
	if os.Getenv("INORDER_WRITE_METRICS") != "" {
		require.NoError(t, os.WriteFile(metricsList, []byte(first.list()), 0o644))
	}
	listed, err := os.ReadFile(filepath.FromSlash(metricsList))
	require.NoError(t, err)
	require.Equal(t, string(listed), first.list())
	for series, value := range first.values {
		if name, _, _ := strings.Cut(series, "{"); first.types[name] != "gauge" && strings.HasPrefix(name, "inorder_") && !strings.HasPrefix(name, "inorder_pool_") {
			require.Zero(t, value, series)
		}
	}
	s.requireLinted(first)

	for i := range 100 { // the tests of the receiver and of the recorder use 10,000
		s.deliver(fmt.Appendf(nil, `{"id":"evt_%d","type":"made%d.up%d","data":{"id":"order_%d"}}`, i, i, i, i))
		for _, url := range []string{s.url, c.URL, c.URL + "/api"} {
			_, _ = curl(t, "GET", fmt.Sprint(url, "/made/up/", i), "")
		}
	}
	s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
	s.eventually("all have ended", func() bool { return s.count(`SELECT count(*) FROM webhook_events`) == 101 })
	var then scrape
	s.eventually("it is counted", func() bool {
		then = scrapeFrom(t, c.URL)
		return then.values["inorder_event_seconds"] == 101
	})
	require.Equal(t, string(listed), then.list(), "no made-up value becomes a label")
	require.Equal(t, 101.0, then.values["inorder_ack_seconds"])
	require.Equal(t, 100.0, then.values[`inorder_requests_refused_total{status="404"}`])
	require.Equal(t, 1.0, then.values[`inorder_events_ended_total{outcome="applied",via="workflow"}`]+then.values[`inorder_events_ended_total{outcome="applied",via="inbox"}`])
	require.Greater(t, then.values[`inorder_last_event_timestamp_seconds{family="other"}`], 1e9)
	for _, name := range []string{"temporal_request_total", "temporal_request_latency_seconds", "temporal_workflow_completed_total", "temporal_num_pollers", "temporal_worker_task_slots_available"} {
		require.Contains(t, then.types, name)
	}
}

// requireLinted checks inorder's metrics against Prometheus' conventions.
func (s *system) requireLinted(of scrape) {
	problems, err := promlint.New(strings.NewReader(of.text)).Lint()
	require.NoError(s.t, err)
	require.Empty(s.t, slices.DeleteFunc(problems, func(p promlint.Problem) bool { return !strings.HasPrefix(p.Metric, "inorder_") }))
}

func TestAnyProcessTellsWhenJobsLastSucceeded(t *testing.T) {
	t.Parallel()
	s, c := withAdmin(t)
	worker := s.start("worker")
	for _, job := range []string{workflows.PurgeEventsType, workflows.SweepEventsType} {
		run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "inorder"}, job)
		require.NoError(t, err)
		require.NoError(t, run.Get(t.Context(), nil))
	}
	require.NoError(t, worker.Process.Kill())
	_ = worker.Wait()
	s.start("receiver")
	s.eventually("a receiver reports it after the worker has stopped", func() bool {
		if status, _ := readyz(t, strings.TrimPrefix(c.URL, "http://")); status == 0 {
			return false
		}
		shown := scrapeFrom(t, c.URL)
		last := func(job string) float64 {
			return shown.values[fmt.Sprintf(`inorder_job_last_success_timestamp_seconds{job=%q}`, job)]
		}
		return time.Since(time.Unix(int64(last("purge")), 0)) < testenv.Patience && last("sweep") >= last("purge") && last("reconcile") == 0 &&
			shown.values[`inorder_job_expected{job="purge"}`] == 0
	})
}
