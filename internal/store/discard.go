package store

import (
	"context"
	"encoding/json"

	"inorder"
)

// ReadToDiscard reads as much of the event as a discard needs: its order, and whether it may have created that order.
// Any event can be discarded.
func ReadToDiscard(e inorder.Event) Event {
	if _, err := inorder.ParseEvent(e.Body); err != nil {
		return Event{Event: e, Payload: asText(e.Body)}
	}
	change, _ := e.Change()
	return Event{Event: e, Change: inorder.Change{OrderID: e.OrderID(), Creates: change.Creates}}
}

// Discard records that the event was discarded, with its payload, and removes it from the inbox. An event that has
// ended stays as it ended: the result says how, and how many events wait for the order that it created. An act that
// discarded the event before does not do so again, even if the event was replayed since.
func (s *Store) Discard(ctx context.Context, e Event, detail string) (Result, error) {
	e.anyBody = true
	decide := func(Event, inorder.Order) inorder.Decision {
		return inorder.Decision{Outcome: inorder.Discarded, Detail: detail}
	}
	r, err := s.applyOne(ctx, e, decide)
	if IsLasting(err) {
		e.Payload = asText(e.Body)
		r, err = s.applyOne(ctx, e, decide)
	}
	return r, err
}

// asText returns a body that jsonb does not accept as one JSON string.
func asText(body []byte) json.RawMessage {
	text, _ := json.Marshal(string(body)) // a string always has a JSON form
	return text
}

// gaveUp reports whether the event's act discarded it before. If it has not ended now, it has been replayed since.
func (e *entry) gaveUp() bool {
	return e.acted && (e.Act.Action == ActDiscard || e.Act.Action == ActCancel)
}
