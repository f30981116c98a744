// Package api is the contract of the admin API: its paths, its requests and answers, and its client. The server is in
// internal/admin. Times are RFC 3339 in UTC, ages are in seconds, amounts in minor units of their currency.
package api

import (
	"encoding/json"
	"time"
)

// Page is a page of a list. A cursor leads to the next one; "" after the last. A page may hold fewer than were asked for and yet have
// a cursor: a list looks at a bounded number of rows.
type Page[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor"`
	// Missing says which sources did not answer, and what is therefore not in the list.
	Missing []Missing `json:"missing,omitempty"`
}

// Missing is a source that did not answer.
type Missing struct {
	Source string `json:"source" enum:"postgres,temporal,platform"`
	Why    string `json:"why"` // and what the answer lacks
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
	EventID     string     `json:"event_id"`
	Type        string     `json:"type"`
	OrderID     string     `json:"order_id,omitempty"`
	StoreID     string     `json:"store_id,omitempty"`
	State       State      `json:"state"`
	Outcome     string     `json:"outcome,omitempty"` // once it has ended
	Detail      string     `json:"detail,omitempty"`  // why it ended so, or what it waits for
	Via         string     `json:"via,omitempty"`     // once it has ended
	OccurredAt  *time.Time `json:"occurred_at"`       // null where the event has no usable time
	ReceivedAt  time.Time  `json:"received_at"`       // of events of older programs, when they were processed
	ProcessedAt *time.Time `json:"processed_at,omitempty"`
	AgeSeconds  float64    `json:"age_seconds,omitempty"` // since its receipt, of one that has not ended
}

// EventView is one event with all that is known of it.
type EventView struct {
	Event
	Payload json.RawMessage `json:"payload"` // the envelope; null where PostgreSQL does not take it and Temporal has forgotten it, or where it was removed
	// PayloadRemovedAt is when the payload of an event that has ended was removed, because PAYLOAD_RETENTION had passed. Such an event can't be replayed.
	PayloadRemovedAt *time.Time `json:"payload_removed_at,omitempty" doc:"When the payload was removed, because PAYLOAD_RETENTION had passed since the end. Such an event can't be replayed."`
	Reason           string     `json:"reason,omitempty"`       // in words: why it is where it is
	NextAttempt      *time.Time `json:"next_attempt,omitempty"` // of one that waits or backs off
	Attempts         int        `json:"attempts,omitempty"`     // of the activity that is being retried
	LastFailure      string     `json:"last_failure,omitempty"`
	Actions          []Action   `json:"actions"` // that fit now
	WorkflowID       string     `json:"workflow_id,omitempty"`
	RunID            string     `json:"run_id,omitempty"`
	TemporalURL      string     `json:"temporal_url,omitempty"` // "" without TEMPORAL_UI_URL, or without a workflow
	Timeline         []Moment   `json:"timeline"`
	Missing          []Missing  `json:"missing,omitempty"`
}

// Moment is a line of an event's timeline.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`             // received, attempt, waiting, stuck, attention, retry, discard, replay, amend, cancel, ended
	By   string    `json:"by,omitempty"`     // the actor of what a person did
	Text string    `json:"detail,omitempty"` // in words
}

// Count is a number of events, exact up to MostCounted; beyond it Count is MostCounted and More is set.
type Count struct {
	Count         int     `json:"count"`
	More          bool    `json:"more,omitempty"`
	OldestSeconds float64 `json:"oldest_seconds"` // since the receipt of the oldest; 0 for none
}

// MostCounted is up to where counts are exact.
const MostCounted = 10_000

// Status says whether anything is wrong.
type Status struct {
	OK       bool             `json:"ok"`       // nothing below needs a person
	Problems []string         `json:"problems"` // in words, with what to do
	States   map[State]Count  `json:"states"`   // without ended
	Outcomes map[string]Count `json:"outcomes"` // of the rows that are kept; oldest_seconds is since the last end of each

	Traffic      []Minute              `json:"traffic"`     // the last hour, oldest first, all processes together
	LastEvents   map[string]time.Time  `json:"last_events"` // by family
	Dependencies map[string]Dependency `json:"dependencies"`
	// FailingTasks are workflows whose workflow task fails: TemporalReportedProblems.
	FailingTasks []FailingTask `json:"failing_tasks"`
	Missing      []Missing     `json:"missing,omitempty"`
}

// Minute is what happened in one minute.
type Minute struct {
	At         time.Time      `json:"at"`
	Deliveries map[string]int `json:"deliveries"` // by result
	Ends       map[string]int `json:"ends"`       // by outcome
}

// Dependency is a server that inorder needs.
type Dependency struct {
	State string `json:"state" enum:"ok,failing"`
	Why   string `json:"why,omitempty"`
}

// FailingTask is a workflow that can't go on because its code fails.
type FailingTask struct {
	WorkflowID  string    `json:"workflow_id"`
	Since       time.Time `json:"since"`
	Problem     string    `json:"problem"`
	TemporalURL string    `json:"temporal_url,omitempty"`
}

// RetryRequest asks for a retry, also without a body.
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

// StopRequest asks for the end of a bulk action, also without a body.
type StopRequest = RetryRequest

// Done says what an action did.
type Done struct {
	EventID     string `json:"event_id"`
	Action      Action `json:"action"`
	Result      string `json:"result"`                // signaled, started, due, discarded, replaying, amended
	Outcome     string `json:"outcome,omitempty"`     // of an event that ended by it
	Detail      string `json:"detail,omitempty"`      // in words
	WorkflowID  string `json:"workflow_id,omitempty"` // that does it
	TemporalURL string `json:"temporal_url,omitempty"`
}

// Filter selects events. Zero fields do not select.
type Filter struct {
	State          State      `json:"state,omitempty" enum:"inbox,applying,waiting,stuck,attention,ended"`
	Outcome        string     `json:"outcome,omitempty" enum:"applied,stale,ignored,discarded,expired"`
	Type           string     `json:"type,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters"`
	OrderID        string     `json:"order_id,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters"`
	StoreID        string     `json:"store_id,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters"`
	Via            string     `json:"via,omitempty" enum:"workflow,inbox"`
	ReceivedAfter  *time.Time `json:"received_after,omitempty"`
	ReceivedBefore *time.Time `json:"received_before,omitempty"`
}

// AuditEntry is a row of audit_log.
type AuditEntry struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	EventID string    `json:"event_id,omitempty"`
	OrderID string    `json:"order_id,omitempty"`
	BulkID  string    `json:"bulk_id,omitempty"`
	Via     string    `json:"via"`
	Reason  string    `json:"reason,omitempty"`
	Result  string    `json:"result"`
}
