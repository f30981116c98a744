package main

// rows returns the rows of the dashboard. Queries add up metrics of single processes, and take the max of metrics that all processes
// report alike. $job selects the system. Prometheus renames our own label job to exported_job.
func rows() []row {
	return []row{
		{"Is anything wrong", wrong()},
		{"Deliveries and acknowledgements", deliveries()},
		{"Ended events, and the time to their end", ends()},
		{"What waits", waiting()},
		{"Jobs and the platform", jobs()},
		{"Temporal's SDK", temporal()},
		{"Connections to PostgreSQL", pool()},
	}
}

// one returns a target whose series need no legend.
func one(query string) []target { return []target{{query, ""}} }

// by returns a target with the legend of its series.
func by(query, legend string) []target { return []target{{query, legend}} }

// quantiles returns targets for p50 and p99 of a histogram.
func quantiles(histogram string) []target {
	of := func(q string) string {
		return "histogram_quantile(" + q + ", sum by (le) (rate(" + histogram + `_bucket{job="$job"}[$__rate_interval])))`
	}
	return []target{{of("0.5"), "p50"}, {of("0.99"), "p99"}}
}

func wrong() []panel {
	count := func(title, description, query string, bad float64) panel {
		return panel{title: title, description: description, unit: number, bad: bad, single: true, targets: one(query)}
	}
	return []panel{
		count("Firing alerts", "From deploy/alerts.yml; docs/operations.md says what to do about each.", `count(ALERTS{job="$job", alertstate="firing"}) or vector(0)`, 1),
		count("Need a person", "Events that can't be applied as they are.", `max(inorder_events{job="$job", state="attention"})`, 1),
		count("Stuck", "Events that have waited for their orders for longer than STUCK_AFTER.", `max(inorder_events{job="$job", state="stuck"})`, 1),
		count("Failing, and retried", "Events whose first attempt did not end them.", `max(inorder_events{job="$job", state="applying"})`, 1),
		{title: "PostgreSQL answers", description: "Every process.", unit: up, single: true, targets: one(`min(inorder_postgres_up{job="$job"})`)},
		{title: "Temporal answers", description: "Every process.", unit: up, single: true, targets: one(`min(inorder_temporal_up{job="$job"})`)},
		{title: "Firing alerts by name", unit: number, targets: by(`count by (alertname) (ALERTS{job="$job", alertstate="firing"}) or vector(0)`, "{{alertname}}")},
		{title: "Processes by version", unit: number, targets: by(`count by (version) (inorder_build_info{job="$job"})`, "{{version}}")},
		{title: "Oldest event", description: "How long ago the oldest that has not ended was received.", unit: seconds, bad: 3600,
			targets: by(`max by (state) (inorder_oldest_event_seconds{job="$job"})`, "{{state}}")},
	}
}

func deliveries() []panel {
	return []panel{
		{title: "Deliveries", unit: perSec, targets: by(`sum by (result) (rate(inorder_deliveries_total{job="$job"}[$__rate_interval]))`, "{{result}}")},
		{title: "Time to the acknowledgement", unit: seconds, targets: quantiles("inorder_ack_seconds")},
		{title: "Not accepted", description: "The shares that were refused, and that were answered 503.", unit: share, bad: 0.05, targets: []target{
			{`sum(rate(inorder_deliveries_total{job="$job", result=~"bad_signature|bad_event|too_large"}[$__rate_interval])) / sum(rate(inorder_deliveries_total{job="$job"}[$__rate_interval]))`, "refused"},
			{`sum(rate(inorder_deliveries_total{job="$job", result="unavailable"}[$__rate_interval])) / sum(rate(inorder_deliveries_total{job="$job"}[$__rate_interval]))`, "503"},
		}},
		{title: "Time since the last event", unit: seconds, targets: by(`time() - max by (family) (inorder_last_event_timestamp_seconds{job="$job"} > 0)`, "{{family}}")},
		{title: "Deliveries by secret", description: "What each secret verifies.", unit: perSec,
			targets: by(`sum by (secret, source) (rate(inorder_secret_verified_total{job="$job"}[$__rate_interval]))`, "{{secret}} of {{source}}")},
		{title: "Requests other than deliveries", unit: perSec, targets: by(`sum by (status) (rate(inorder_requests_refused_total{job="$job"}[$__rate_interval]))`, "{{status}}")},
	}
}

func ends() []panel {
	return []panel{
		{title: "Ended events by outcome", unit: perSec, targets: by(`sum by (outcome) (rate(inorder_events_ended_total{job="$job"}[$__rate_interval]))`, "{{outcome}}")},
		{title: "Ended events by path", unit: perSec, targets: by(`sum by (via) (rate(inorder_events_ended_total{job="$job"}[$__rate_interval]))`, "{{via}}")},
		{title: "Time from receipt to end", description: "Waiting included.", unit: seconds, targets: quantiles("inorder_event_seconds")},
	}
}

func waiting() []panel {
	return []panel{
		{title: "Events that have not ended", unit: number, targets: by(`max by (state) (inorder_events{job="$job"})`, "{{state}}")},
		{title: "In the inbox", unit: number, bad: 10000, targets: by(`max(inorder_inbox_events{job="$job"})`, "events")},
		{title: "Oldest in the inbox", unit: seconds, bad: 120, targets: by(`max(inorder_oldest_event_seconds{job="$job", state="inbox"})`, "age")},
	}
}

func jobs() []panel {
	return []panel{
		{title: "Time since the last success", description: "A job that has never succeeded has no line.", unit: seconds,
			targets: by(`time() - max by (exported_job) (inorder_job_last_success_timestamp_seconds{job="$job"} > 0)`, "{{exported_job}}")},
		{title: "Orders repaired", description: "In the last hour, from the platform's API.", unit: number,
			targets: by(`sum by (found) (increase(inorder_reconcile_repairs_total{job="$job"}[1h]))`, "{{found}}")},
		{title: "What is wrong with our webhooks", unit: number, bad: 1, targets: by(`max by (endpoint, problem) (inorder_subscription_problems{job="$job"})`, "{{endpoint}} {{problem}}")},
	}
}

func temporal() []panel {
	return []panel{
		{title: "Requests", unit: perSec, targets: by(`sum by (operation) (rate(temporal_request_total{job="$job"}[$__rate_interval]))`, "{{operation}}")},
		{title: "Failed requests", unit: perSec, targets: by(`sum by (operation, status_code) (rate(temporal_request_failure_total{job="$job"}[$__rate_interval])) or vector(0)`, "{{operation}} {{status_code}}")},
		{title: "Request time", unit: seconds, targets: quantiles("temporal_request_latency_seconds")},
		{title: "Failed workflow tasks", description: "In the last hour. Their events make no progress meanwhile.", unit: number, bad: 1,
			targets: by(`sum by (workflow_type, failure_reason) (increase(temporal_workflow_task_execution_failed_total{job="$job"}[1h])) or vector(0)`, "{{workflow_type}} {{failure_reason}}")},
		{title: "Pollers", description: "Who asks Temporal for work.", unit: number, targets: by(`sum by (poller_type) (temporal_num_pollers{job="$job"})`, "{{poller_type}}")},
		{title: "Free worker slots", unit: number, targets: by(`sum by (worker_type) (temporal_worker_task_slots_available{job="$job"})`, "{{worker_type}}")},
	}
}

func pool() []panel {
	return []panel{
		{title: "Connections", unit: number, targets: []target{
			{`sum by (pool, state) (inorder_pool_connections{job="$job"})`, "{{pool}} {{state}}"},
			{`sum by (pool) (inorder_pool_max_connections{job="$job"})`, "{{pool}} at most"},
		}},
		{title: "Waits for a connection", unit: perSec, targets: []target{
			{`sum by (pool) (rate(inorder_pool_empty_acquires_total{job="$job"}[$__rate_interval]))`, "{{pool}}"},
			{`sum by (pool) (rate(inorder_pool_canceled_acquires_total{job="$job"}[$__rate_interval]))`, "{{pool}}, canceled"},
		}},
		{title: "Concurrent waits for a connection", description: "Seconds spent waiting for a connection, per second.", unit: number,
			targets: by(`sum by (pool) (rate(inorder_pool_empty_acquire_wait_seconds_total{job="$job"}[$__rate_interval]))`, "{{pool}}")},
	}
}
