package store

import (
	"context"
	"encoding/json"

	"inorder"
)

// ReadToDiscard reads as much of the event as is needed to give it up: its order, and whether it may have created it. Anything can be
// given up.
func ReadToDiscard(e inorder.Event) Event {
	if _, err := inorder.ParseEvent(e.Body); err != nil {
		return Event{Event: e, Payload: asText(e.Body)}
	}
	change, _ := e.Change()
	return Event{Event: e, Change: inorder.Change{OrderID: e.OrderID(), Creates: change.Creates}}
}

// Discard records that the event was given up, with its payload, and takes it out of the inbox. An event that has ended stays as it ended: the
// result says how, and who waits for the order that it created. An act that gave it up before doesn't do so again, also if the event was
// replayed since.
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

// asText is what jsonb does not take as JSON as one string.
func asText(body []byte) json.RawMessage {
	text, _ := json.Marshal(string(body)) // a string always has a JSON form
	return text
}

// gaveUp reports whether the event's act gave it up before; it has been replayed since.
func (e *entry) gaveUp() bool {
	return e.acted && (e.Act.Action == ActDiscard || e.Act.Action == ActCancel)
}
