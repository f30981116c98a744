package api

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"time"
)

// ListQuery is the place in a list. Its zero value is the first page.
type ListQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"1500" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"a next_cursor of this list" doc:"The next_cursor of the previous page. It belongs to this list with this filter: only limit and times may differ."`
}

// Place returns the part of a request for a page that is the place in the list.
func (q *ListQuery) Place() *ListQuery { return q }

// EventsQuery selects events. A zero field does not restrict the selection.
type EventsQuery struct {
	State          State     `query:"state" enum:"inbox,applying,waiting,stuck,attention,ended" doc:"Where the events stand."`
	Outcome        string    `query:"outcome" enum:"applied,stale,ignored,discarded,expired" doc:"How the events ended."`
	Type           string    `query:"type" maxLength:"128" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"Such as order.paid."`
	OrderID        string    `query:"order_id" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"The order that the events are about."`
	StoreID        string    `query:"store_id" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"The store that the events come from."`
	Via            string    `query:"via" enum:"workflow,inbox" doc:"What recorded the events' end."`
	ReceivedAfter  time.Time `query:"received_after" doc:"Received at this time or later."`
	ReceivedBefore time.Time `query:"received_before" doc:"Received before this time."`
	ListQuery
}

// Filter returns what the query selects by, without the place in the list.
func (q EventsQuery) Filter() Filter {
	return Filter{State: q.State, Outcome: q.Outcome, Type: q.Type, OrderID: q.OrderID, StoreID: q.StoreID, Via: q.Via,
		ReceivedAfter: unlessZero(q.ReceivedAfter), ReceivedBefore: unlessZero(q.ReceivedBefore)}
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// OrdersQuery selects orders. A zero field does not restrict the selection.
type OrdersQuery struct {
	Status            string    `query:"status" maxLength:"128" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"Such as confirmed."`
	PaymentStatus     string    `query:"payment_status" maxLength:"128" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"Such as paid."`
	FulfillmentStatus string    `query:"fulfillment_status" maxLength:"128" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"Such as shipped."`
	StoreID           string    `query:"store_id" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"The store of the orders."`
	UpdatedAfter      time.Time `query:"updated_after" doc:"Changed at this time or later."`
	UpdatedBefore     time.Time `query:"updated_before" doc:"Changed before this time."`
	Q                 string    `query:"q" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"An ID or a number, or its beginning."`
	ListQuery
}

// AuditQuery selects rows of the audit. A zero field does not restrict the selection.
type AuditQuery struct {
	Actor   string `query:"actor" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"Who acted."`
	Action  string `query:"action" maxLength:"32" pattern:"^[a-z]+$" patternDescription:"the name of an action" doc:"retry, discard, replay, amend, bulk, stop or cancel."`
	EventID string `query:"event_id" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" patternDescription:"an event's ID" doc:"The event that was acted on."`
	OrderID string `query:"order_id" maxLength:"256" pattern:"^[^\\x00-\\x1f]*$" patternDescription:"text without control characters" doc:"The order whose events were acted on."`
	ListQuery
}

// BulkEventsQuery selects events of a bulk action.
type BulkEventsQuery struct {
	Failed bool `query:"failed" doc:"Only those that failed."`
	ListQuery
}

// encode returns the non-zero fields of a query under their names.
func encode(query any) url.Values {
	values := url.Values{}
	eachField(reflect.ValueOf(query), func(name string, v reflect.Value) { values.Set(name, textOf(v)) })
	return values
}

// FilterOf returns as one text what a request for a page selects by, in its path and its query. It leaves out limit and cursor, and also times: a cursor
// stays valid whatever they are, and commands compute them relative to now.
func FilterOf(request any) string {
	values := url.Values{}
	eachField(reflect.ValueOf(request), func(name string, v reflect.Value) {
		if _, isTime := v.Interface().(time.Time); !isTime && name != "limit" && name != "cursor" {
			values.Set(name, textOf(v))
		}
	})
	return values.Encode()
}

// eachField calls f with each non-zero field and its name in a query or a path.
func eachField(v reflect.Value, f func(name string, v reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case field.Anonymous:
			eachField(v.Field(i), f)
		case !v.Field(i).IsZero():
			f(cmp.Or(field.Tag.Get("query"), field.Tag.Get("path")), v.Field(i))
		}
	}
}

func textOf(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Time:
		return value.UTC().Format(time.RFC3339Nano)
	case int:
		return strconv.Itoa(value)
	}
	return fmt.Sprint(v)
}
