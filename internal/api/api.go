// Package api is the contract of the admin API: its paths, its requests and answers, and its client. The server is in
// internal/admin. Times are RFC 3339 in UTC, ages are in seconds, amounts in minor units of their currency.
package api

import (
	"encoding/json"
	"time"
)

// Page is one page of a list. NextCursor leads to the next page; it is "" after the last. A page may hold fewer than were asked for and
// still have a cursor, because a list reads a bounded number of rows.
type Page[T any] struct {
	Data       []T    `json:"data" doc:"The page of the list."`
	NextCursor string `json:"next_cursor" doc:"The cursor of the next page; empty after the last. A page may hold fewer entries than requested and still have one."`
	// Missing names the sources that did not answer, and what is therefore not in the list.
	Missing []Missing `json:"missing,omitempty" doc:"Which sources did not answer, and what is therefore not in the list."`
}

// Missing is a source that did not answer.
type Missing struct {
	Source string `json:"source" enum:"postgres,temporal,platform" doc:"The server that did not answer."`
	Why    string `json:"why" doc:"Why, and what the answer lacks."`
}

// State is where an event stands.
type State string

const (
	StateInbox     State = "inbox"
	StateApplying  State = "applying"
	StateWaiting   State = "waiting"
	StateStuck     State = "stuck"
	StateAttention State = "attention"
	StateEnded     State = "ended"
)

// Action is what a person may do to an event.
type Action string

const (
	Retry   Action = "retry"
	Discard Action = "discard"
	Replay  Action = "replay"
	Amend   Action = "amend"
)

// Event is an event in a list.
type Event struct {
	EventID     string     `json:"event_id" doc:"The event's ID."`
	Type        string     `json:"type" doc:"Such as order.paid."`
	OrderID     string     `json:"order_id,omitempty" doc:"The order that it is about; left out where there is none."`
	StoreID     string     `json:"store_id,omitempty" doc:"The store that it comes from."`
	State       State      `json:"state" doc:"Where it stands."`
	Outcome     string     `json:"outcome,omitempty" doc:"How it ended, once it has: applied, stale, ignored, discarded or expired."`
	Detail      string     `json:"detail,omitempty" doc:"Why it ended so, or what it waits for."`
	Via         string     `json:"via,omitempty" doc:"What recorded its end, once it has ended: workflow or inbox."`
	OccurredAt  *time.Time `json:"occurred_at" doc:"When it happened; null if the event has no usable time."`
	ReceivedAt  time.Time  `json:"received_at" doc:"When it was received; for events that an older version of inorder recorded, when they were processed."`
	ProcessedAt *time.Time `json:"processed_at,omitempty" doc:"When it ended."`
	AgeSeconds  float64    `json:"age_seconds,omitempty" doc:"Seconds since it was received, if it has not ended."`
}

// EventView is one event with all that is known of it.
type EventView struct {
	Event
	Payload          json.RawMessage `json:"payload" doc:"The envelope; null if PostgreSQL can't store it and Temporal no longer has it, or if it was removed. It may hold personal data."`
	PayloadRemovedAt *time.Time      `json:"payload_removed_at,omitempty" doc:"When the payload was removed, because PAYLOAD_RETENTION had passed since the end. Such an event can't be replayed."`
	Reason           string          `json:"reason,omitempty" doc:"Why it is where it is, in words."`
	NextAttempt      *time.Time      `json:"next_attempt,omitempty" doc:"When it is tried next, if it is in the inbox, waiting or failing."`
	Attempts         int             `json:"attempts,omitempty" doc:"How often it has been tried from the inbox, or how often the activity that is being retried has been attempted so far."`
	LastFailure      string          `json:"last_failure,omitempty" doc:"Why the last attempt failed."`
	Actions          []Action        `json:"actions" doc:"What can be done to it now."`
	WorkflowID       string          `json:"workflow_id,omitempty" doc:"Its workflow, while Temporal knows it."`
	RunID            string          `json:"run_id,omitempty" doc:"The newest run of that workflow."`
	TemporalURL      string          `json:"temporal_url,omitempty" doc:"The workflow's page in Temporal's UI; left out without TEMPORAL_UI_URL, or without a workflow."`
	Timeline         []Moment        `json:"timeline" doc:"What happened to it, oldest first."`
	Missing          []Missing       `json:"missing,omitempty" doc:"Which sources did not answer, and what is therefore missing."`
}

// Moment is a line of an event's timeline.
type Moment struct {
	At   time.Time `json:"at" doc:"When it happened."`
	What string    `json:"what" doc:"received, attempt, waiting, stuck, attention, retry, discard, replay, amend, cancel or ended."`
	By   string    `json:"by,omitempty" doc:"Who acted, if a person did."`
	Text string    `json:"detail,omitempty" doc:"More about it, in words."`
}

// Count is a number of events, exact up to MostCounted; beyond it Count is MostCounted and More is set.
type Count struct {
	Count         int     `json:"count" doc:"How many events, exact up to 10000."`
	More          bool    `json:"more,omitempty" doc:"Whether there are more than count."`
	OldestSeconds float64 `json:"oldest_seconds" doc:"Seconds since the oldest was received; 0 if there is none. For outcomes: since the last event ended."`
}

// MostCounted is the largest count that is exact.
const MostCounted = 10_000

// Status says whether anything is wrong.
type Status struct {
	OK       bool             `json:"ok" doc:"Whether nothing needs a person."`
	Problems []string         `json:"problems" doc:"What needs a person, in words, with what to do; the most urgent first."`
	States   map[State]Count  `json:"states" doc:"How many events are in each state, of those that have not ended. Each is counted once, at one moment; only applying is counted by Temporal, up to seconds earlier, so an event may be counted there and elsewhere."`
	Outcomes map[string]Count `json:"outcomes" doc:"How many events ended with each outcome, of those whose rows are still kept."`

	Traffic      []Minute              `json:"traffic" doc:"The last hour minute by minute, oldest first, all processes together."`
	LastEvents   map[string]time.Time  `json:"last_events" doc:"When an event of each family was last received."`
	Dependencies map[string]Dependency `json:"dependencies" doc:"The servers that inorder needs."`
	// FailingTasks are workflows whose workflow task fails: TemporalReportedProblems.
	FailingTasks []FailingTask `json:"failing_tasks" doc:"Workflows that can't continue because their code fails."`
	Missing      []Missing     `json:"missing,omitempty" doc:"Which sources did not answer, and what is therefore missing."`
}

// Minute is what happened in one minute.
type Minute struct {
	At         time.Time      `json:"at" doc:"When the minute began."`
	Deliveries map[string]int `json:"deliveries" doc:"How many deliveries, by result."`
	Ends       map[string]int `json:"ends" doc:"How many events ended, by outcome."`
}

// Dependency is a server that inorder needs.
type Dependency struct {
	State string `json:"state" enum:"ok,failing" doc:"Whether it answers as it should."`
	Why   string `json:"why,omitempty" doc:"Why it does not."`
}

// FailingTask is a workflow that can't go on because its code fails.
type FailingTask struct {
	WorkflowID  string    `json:"workflow_id" doc:"The workflow."`
	Since       time.Time `json:"since" doc:"Since when its task has been failing."`
	Problem     string    `json:"problem" doc:"How it fails."`
	TemporalURL string    `json:"temporal_url,omitempty" doc:"Its page in Temporal's UI; left out without TEMPORAL_UI_URL."`
}

// RetryRequest asks for a retry. The request's body may be left out.
type RetryRequest struct {
	Reason string `json:"reason,omitempty" maxLength:"500" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line" doc:"Why, for the audit."`
}

// ReasonRequest asks for a discard or a replay.
type ReasonRequest struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" pattern:"^[^\\x00-\\x1f\\x7f]*[^\\x00-\\x20\\x7f][^\\x00-\\x1f\\x7f]*$" patternDescription:"one line that says why" doc:"Why, for the audit."`
}

// AmendRequest asks for another body of an event in attention.
type AmendRequest struct {
	ReasonRequest
	Body json.RawMessage `json:"body" doc:"The envelope as it should have been, with the same ID."`
}

// StopRequest asks for the end of a bulk action. The request's body may be left out.
type StopRequest = RetryRequest

// Done says what an action did.
type Done struct {
	EventID     string `json:"event_id" doc:"The event's ID."`
	Action      Action `json:"action" doc:"What was asked for."`
	Result      string `json:"result" doc:"signaled, started, due, discarded, replaying or amended."`
	Outcome     string `json:"outcome,omitempty" doc:"How the event ended as a result, if it did."`
	Detail      string `json:"detail,omitempty" doc:"What happens now, in words."`
	WorkflowID  string `json:"workflow_id,omitempty" doc:"The workflow that does it."`
	TemporalURL string `json:"temporal_url,omitempty" doc:"That workflow's page in Temporal's UI; left out without TEMPORAL_UI_URL."`
}

// Filter selects events. A zero field does not restrict the selection.
type Filter struct {
	State          State      `json:"state,omitempty" enum:"inbox,applying,waiting,stuck,attention,ended" doc:"Where the events stand."`
	Outcome        string     `json:"outcome,omitempty" enum:"applied,stale,ignored,discarded,expired" doc:"How they ended."`
	Type           string     `json:"type,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"Such as order.paid."`
	OrderID        string     `json:"order_id,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"The order that they are about."`
	StoreID        string     `json:"store_id,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"The store that they come from."`
	Via            string     `json:"via,omitempty" enum:"workflow,inbox" doc:"What recorded their end."`
	ReceivedAfter  *time.Time `json:"received_after,omitempty" doc:"Received at this time or later."`
	ReceivedBefore *time.Time `json:"received_before,omitempty" doc:"Received before this time."`
}

// AuditEntry is a row of audit_log.
type AuditEntry struct {
	ID      int64     `json:"id" doc:"The number of the row; later ones are larger."`
	At      time.Time `json:"at" doc:"When it was done."`
	Actor   string    `json:"actor" doc:"Who did it: a token's name or, for an action in Temporal, the identity that Temporal reports."`
	Action  string    `json:"action" doc:"retry, discard, replay, amend, bulk, stop or cancel."`
	EventID string    `json:"event_id,omitempty" doc:"The event that it was done to."`
	OrderID string    `json:"order_id,omitempty" doc:"The order that the event is about."`
	BulkID  string    `json:"bulk_id,omitempty" doc:"The bulk action that it was a part of."`
	Via     string    `json:"via" doc:"Where it was done: api or temporal."`
	Reason  string    `json:"reason,omitempty" doc:"Why."`
	Result  string    `json:"result" doc:"What it did; for a replay, how the event had ended before."`
}
