package activities

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inorder/internal/endpoints"
)

// Each check runs on one of the workers, so the gauges tell what the last check on this worker found: where there are
// several, the newest one counts. docs/alerts.yml does so.
var (
	subscriptionProblems = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "inorder_subscription_problems",
		Help: "1 for what this worker's last check found wrong with a webhook on the platform, and could not repair; else 0.",
	}, []string{"endpoint", "problem"})

	// A vector, so that it is not there before the first check, and not at all without an API key.
	subscriptionLastCheck = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "inorder_subscription_last_check_timestamp_seconds",
		Help: "When this worker last completed a check of the webhooks on the platform; 0 if it began one and completed none.",
	}, nil)

	subscriptionRepairs = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "inorder_subscription_repairs_total",
		Help: "What was wrong with webhooks on the platform and was put right.",
	}, []string{"problem"})
)

var (
	repairable       = []string{ProblemMissing, ProblemInactive, ProblemURL, ProblemEvents}
	endpointProblems = append(slices.Clip(repairable), ProblemUnreadable, ProblemOtherMode)
)

// What is counted begins with 0, or the first repair would be no increase.
func init() {
	for _, problem := range repairable {
		subscriptionRepairs.WithLabelValues(problem)
	}
}

// beginCheck has a worker that never completes a check be seen.
func beginCheck() { subscriptionLastCheck.WithLabelValues() }

// shown are the endpoints that have gauges.
var shown struct {
	sync.Mutex
	ids []string
}

// noteCheck sets every gauge of the endpoints that are watched, and drops those of endpoints that no longer are.
func noteCheck(check SubscriptionCheck, watched []endpoints.Endpoint) {
	open := map[[2]string]float64{}
	for _, p := range check.Open() {
		open[[2]string{p.Endpoint, p.Problem}] = 1
	}
	set := func(endpoint, problem string) {
		subscriptionProblems.WithLabelValues(endpoint, problem).Set(open[[2]string{endpoint, problem}])
	}
	shown.Lock()
	defer shown.Unlock()
	for _, id := range shown.ids {
		if !slices.ContainsFunc(watched, func(e endpoints.Endpoint) bool { return e.ID == id }) {
			subscriptionProblems.DeletePartialMatch(prometheus.Labels{"endpoint": id})
		}
	}
	shown.ids = nil
	for _, e := range watched {
		shown.ids = append(shown.ids, e.ID)
		for _, problem := range endpointProblems {
			set(e.ID, problem)
		}
	}
	set("", ProblemNoAccess)
	subscriptionLastCheck.WithLabelValues().Set(float64(check.CheckedAt.UnixNano()) / 1e9)
}
