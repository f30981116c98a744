package api

import "time"

// BulkRequest asks for an action on all events that a filter selects.
type BulkRequest struct {
	Action Action `json:"action" enum:"retry,discard,replay"`
	Filter Filter `json:"filter" required:"false"`
	Reason string `json:"reason" required:"false" maxLength:"500" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line"` // optional with DryRun
	Name   string `json:"name,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"one line"`
	Rate   int    `json:"rate,omitempty" minimum:"1" maximum:"1000"` // events per second; default 50
	DryRun bool   `json:"dry_run,omitempty"`
	All    bool   `json:"all,omitempty"` // needed by a filter that selects everything
	// Expect is the count that a preview showed: another count is refused with 409. The preview also answers the filter with the
	// time up to which it looked, so that events which arrive meanwhile are not in the set.
	Expect *int `json:"expect,omitempty" minimum:"0"`
	// Set is the preview's: another set is refused with 409, even one of as many events. A set also changes when events end meanwhile.
	Set string `json:"set,omitempty" maxLength:"128"`
}

// Preview answers a dry run.
type Preview struct {
	Count  int     `json:"count"`
	First  []Event `json:"first"`  // ten at most
	Filter Filter  `json:"filter"` // to be posted back
	Set    string  `json:"set"`    // a digest of the events; to be posted back
}

// Started answers a bulk that began, with 202; or, with 200, that there is nothing to do.
type Started struct {
	ID          string `json:"id"` // also its workflow's; "" if the filter selects no event: then nothing was done
	Total       int    `json:"total"`
	Detail      string `json:"detail,omitempty"` // in words, without an ID
	TemporalURL string `json:"temporal_url,omitempty"`
}

// Bulk is a bulk action.
type Bulk struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Action      Action     `json:"action"`
	Filter      Filter     `json:"filter"`
	Reason      string     `json:"reason"`
	Actor       string     `json:"actor"`
	Rate        int        `json:"rate"`
	Total       int        `json:"total"`
	Done        int        `json:"done"` // failed ones included
	Failed      int        `json:"failed"`
	Failures    []BulkEnd  `json:"failures"`           // the first hundred
	NotDone     []string   `json:"not_done,omitempty"` // of one that was stopped: the first hundred events that it left as they were
	StartedAt   time.Time  `json:"started_at"`
	EndedAt     *time.Time `json:"ended_at"`
	End         string     `json:"end" enum:"running,done,stopped,failing"`
	Problem     string     `json:"problem,omitempty"` // why it can't go on now
	TemporalURL string     `json:"temporal_url,omitempty"`
	Missing     []Missing  `json:"missing,omitempty"`
}

// BulkEnd is what a bulk action did to one event.
type BulkEnd struct {
	Place   int       `json:"place"` // among the bulk's events; 1 is the first
	EventID string    `json:"event_id"`
	At      time.Time `json:"at"`
	Failed  bool      `json:"failed"`
	Result  string    `json:"result"`
}
