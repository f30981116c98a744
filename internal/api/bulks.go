package api

import "time"

// BulkRequest asks for an action on all events that a filter selects.
type BulkRequest struct {
	Action Action `json:"action" enum:"retry,discard,replay" doc:"What to do to each event."`
	Filter Filter `json:"filter" required:"false" doc:"The events that it is done to."`
	Reason string `json:"reason" required:"false" maxLength:"500" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line" doc:"Why, for the audit. A dry run needs none."`
	Name   string `json:"name,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line" doc:"What people call it."`
	Rate   int    `json:"rate,omitempty" minimum:"1" maximum:"1000" doc:"Events per second; default 50."`
	DryRun bool   `json:"dry_run,omitempty" doc:"Say what it would do, and do nothing. A read-only token may request this, too."`
	All    bool   `json:"all,omitempty" doc:"Required if the filter selects everything."`
	// Expect is the count that a preview showed: if it differs now, the request is refused with 409. The preview also returns the
	// filter with the time up to which it looked, so that events that arrive in between are not in the set.
	Expect *int `json:"expect,omitempty" minimum:"0" doc:"The count that a preview showed; if it is different now, the request is refused with 409."`
	// Set is the set that a preview showed: if it differs now, even with as many events, the answer is 409. Events that end change it, too.
	Set string `json:"set,omitempty" maxLength:"128" doc:"The set that a preview showed; if it is different now, the request is refused with 409, even if the count is the same."`
}

// Preview answers a dry run.
type Preview struct {
	Count  int     `json:"count" doc:"How many events the filter selects."`
	First  []Event `json:"first" doc:"The first ten of them."`
	Filter Filter  `json:"filter" doc:"The filter, with the time up to which it selected events; post it back."`
	Set    string  `json:"set" doc:"A digest of the events; post it back."`
}

// Started answers the start of a bulk action: with 202 if it began, with 200 if there is nothing to do.
type Started struct {
	ID          string `json:"id" doc:"The ID of the bulk action, and of its workflow; empty if the filter selects no event: then nothing was done."`
	Total       int    `json:"total" doc:"How many events it acts on."`
	Detail      string `json:"detail,omitempty" doc:"Why nothing was done, in words."`
	TemporalURL string `json:"temporal_url,omitempty" doc:"Its workflow's page in Temporal's UI; left out without TEMPORAL_UI_URL."`
}

// Bulk is a bulk action.
type Bulk struct {
	ID          string     `json:"id" doc:"Its ID, and that of its workflow."`
	Name        string     `json:"name" doc:"What people call it."`
	Action      Action     `json:"action" doc:"What it does to each event."`
	Filter      Filter     `json:"filter" doc:"What selected its events."`
	Reason      string     `json:"reason" doc:"Why."`
	Actor       string     `json:"actor" doc:"Who began it."`
	Rate        int        `json:"rate" doc:"Events per second."`
	Total       int        `json:"total" doc:"How many events it acts on."`
	Done        int        `json:"done" doc:"How many are done, failed ones included."`
	Failed      int        `json:"failed" doc:"How many failed."`
	Failures    []BulkEnd  `json:"failures" doc:"The first hundred that failed."`
	NotDone     []string   `json:"not_done,omitempty" doc:"If it was stopped: the first hundred events that it left as they were."`
	StartedAt   time.Time  `json:"started_at" doc:"When it began."`
	EndedAt     *time.Time `json:"ended_at" doc:"When it ended; null until then."`
	End         string     `json:"end" enum:"running,done,stopped,failing" doc:"Its state; failing means that it can't continue now."`
	Problem     string     `json:"problem,omitempty" doc:"Why it can't continue now."`
	TemporalURL string     `json:"temporal_url,omitempty" doc:"Its workflow's page in Temporal's UI; left out without TEMPORAL_UI_URL."`
	Missing     []Missing  `json:"missing,omitempty" doc:"Which sources did not answer, and what is therefore missing."`
}

// BulkEnd is what a bulk action did to one event.
type BulkEnd struct {
	Place   int       `json:"place" doc:"Its place among the bulk action's events; 1 is the first."`
	EventID string    `json:"event_id" doc:"The event's ID."`
	At      time.Time `json:"at" doc:"When it was done."`
	Failed  bool      `json:"failed" doc:"Whether it failed."`
	Result  string    `json:"result" doc:"What was done, or why it could not be."`
}
