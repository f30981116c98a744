package tools

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/stretchr/testify/require"
)

func alerts(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	rules, errs := rulefmt.ParseFile("../docs/alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	require.NoError(t, errors.Join(errs...))
	return rules
}

// Prometheus' own reader: every expression and template can be parsed, and nothing is misspelt.
func TestAlertRulesAreValid(t *testing.T) {
	rules := alerts(t)
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			require.NotEmpty(t, rule.Alert, group.Name)
			require.NotEmpty(t, rule.Labels["severity"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
		}
	}
}

// memory holds series for queries. Prometheus' own storage for tests would bring sixty modules.
type memory []storage.Series

func (m memory) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &set{}
		for _, series := range m {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Labels().Get(m.Name)) }) {
				found.left = append(found.left, series)
			}
		}
		return found
	}}, nil
}

// set is a storage.SeriesSet.
type set struct {
	left []storage.Series
	at   storage.Series
}

func (s *set) Next() bool {
	if len(s.left) == 0 {
		return false
	}
	s.at, s.left = s.left[0], s.left[1:]
	return true
}
func (s *set) At() storage.Series                { return s.at }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

// sample is a chunks.Sample.
type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// load5m reads a series a line, a sample every five minutes.
func load5m(t *testing.T, lines string) (m memory) {
	t.Helper()
	for line := range strings.Lines(lines) {
		metric, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(strings.TrimSpace(line))
		require.NoError(t, err, line)
		var samples []chunks.Sample
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, sample{int64(i) * 5 * time.Minute.Milliseconds(), v.Value})
			}
		}
		m = append(m, storage.NewListSeries(metric, samples))
	}
	return m
}

// fires evaluates an alert's expression with Prometheus' own engine, so long after the series began. They are written as in
// its tests of rules, a sample every five minutes.
func fires(t *testing.T, alert, series string, after time.Duration) bool {
	t.Helper()
	expression := ""
	for _, group := range alerts(t).Groups {
		for _, rule := range group.Rules {
			if rule.Alert == alert {
				expression = rule.Expr
			}
		}
	}
	require.NotEmpty(t, expression, alert)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 100000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	query, err := engine.NewInstantQuery(t.Context(), load5m(t, series), nil, expression, time.Unix(0, 0).Add(after))
	require.NoError(t, err)
	defer query.Close()
	result := query.Exec(t.Context())
	require.NoError(t, result.Err)
	vector, err := result.Vector()
	require.NoError(t, err)
	return len(vector) > 0
}

func TestReconcileOverdue(t *testing.T) {
	const (
		never   = "  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"a\"} 0x400\n"
		started = "  process_start_time_seconds{job=\"inorder\",instance=\"a\"} 1x400\n"
		other   = "  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"b\"} 0x400\n" +
			"  process_start_time_seconds{job=\"inorder\",instance=\"b\"} 1x400\n"
		// A success after an hour, and a restart after two, which forgets it.
		restarted = "  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"a\"} 0x11 3600x11 0x400\n" +
			"  process_start_time_seconds{job=\"inorder\",instance=\"a\"} 1x23 7200x400\n"
		// One of two processes succeeds all the time.
		hourly = "  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"a\"} 0+300x400\n"
		// Every process is replaced by another after two hours.
		replaced = "  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"a\"} 0x23 stale\n" +
			"  process_start_time_seconds{job=\"inorder\",instance=\"a\"} 1x23 stale\n" +
			"  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"b\"} _x24 0x23 stale\n" +
			"  process_start_time_seconds{job=\"inorder\",instance=\"b\"} _x24 7200x23 stale\n" +
			"  inorder_reconcile_last_success_timestamp_seconds{job=\"inorder\",instance=\"c\"} _x48 0x400\n" +
			"  process_start_time_seconds{job=\"inorder\",instance=\"c\"} _x48 14400x400\n"
	)
	for name, tc := range map[string]struct {
		series string
		after  time.Duration
		fires  bool
	}{
		"it never succeeded, for three hours":           {never + started + other, 3 * time.Hour, false},
		"it never succeeded, for five hours":            {never + started + other, 5 * time.Hour, true},
		"it never succeeded, for thirty hours":          {never + started, 30 * time.Hour, true},
		"one of two succeeds":                           {hourly + started + other, 8 * time.Hour, false},
		"it has not succeeded since before a restart":   {restarted, 6 * time.Hour, true},
		"it succeeded three hours ago, then a restart":  {restarted, 4 * time.Hour, false},
		"its processes are replaced all the time":       {replaced, 5 * time.Hour, true},
		"nobody is to reconcile: there is no API key":   {started, 8 * time.Hour, false},
		"another system succeeds, and this one doesn't": {never + started + "  inorder_reconcile_last_success_timestamp_seconds{job=\"other\",instance=\"a\"} 0+300x400\n", 5 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.fires, fires(t, "InorderReconcileOverdue", tc.series, tc.after))
		})
	}
}
