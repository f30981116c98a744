package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"inorder"
	"inorder/internal/sample"
)

// parseAt reads --at. Relative times are to now, and so is none.
func parseAt(text string, now time.Time) (time.Time, error) {
	if text == "" || text == "now" {
		return now, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("--at %q is neither an RFC 3339 time, such as 2026-01-15T10:30:00Z, nor relative to now, such as -5m", text)
	}
	return at, nil
}

// parseData reads --data. A value that is JSON keeps its bytes, and so numbers their digits; null removes the field.
func parseData(fields []string) (map[string]any, error) {
	data := map[string]any{}
	for _, field := range fields {
		key, value, found := strings.Cut(field, "=")
		switch {
		case !found || key == "":
			return nil, fmt.Errorf("--data %q is not KEY=VALUE, such as status=cancelled", field)
		case value == "null":
			data[key] = nil
		case json.Valid([]byte(value)):
			data[key] = json.RawMessage(value)
		default:
			data[key] = value
		}
	}
	return data, nil
}

// deliveries returns what makes one delivery after the other.
func (s *sendCmd) deliveries(std streams) (func() request, error) {
	if s.File != "" {
		d, err := s.fromFile(std.in)
		return func() request { return d }, err
	}
	if !slices.Contains(sample.Types(), s.Type) {
		fmt.Fprintf(std.err, "%s is not a type that the platform is known to send (see --list); sending it anyway\n", s.Type)
	}
	data, err := parseData(s.Data)
	if err != nil {
		return nil, err
	}
	next := func() request {
		at, _ := parseAt(s.At, time.Now()) // Validate has seen the error
		return deliveryOf(sample.Options{
			Type: s.Type, ID: orNew(s.ID, "evt_"), At: at, OrderID: orNew(s.Order, "order_"), Data: data,
		}, s.BadSignature)
	}
	if s.ID != "" { // the same bytes each time
		d := next()
		next = func() request { return d }
	}
	return next, nil
}

func deliveryOf(o sample.Options, badSignature bool) request {
	return request{eventType: o.Type, orderID: o.OrderID, eventID: o.ID, body: sample.Event(o), badSignature: badSignature}
}

func orNew(id, prefix string) string {
	if id == "" {
		return sample.NewID(prefix)
	}
	return id
}

// fromFile reads the bytes and changes nothing. They need not be an event: that may be what is to be tried.
func (s *sendCmd) fromFile(stdin io.Reader) (request, error) {
	var body []byte
	var err error
	if s.File == "-" {
		body, err = io.ReadAll(stdin)
	} else {
		body, err = os.ReadFile(s.File)
	}
	if err != nil {
		return request{}, fmt.Errorf("read --file: %w", err)
	}
	d := request{eventType: "(no event)", body: body, badSignature: s.BadSignature}
	if e, err := inorder.ParseEvent(body); err == nil {
		d.eventType, d.orderID, d.eventID = e.Type, e.OrderID(), e.ID
	}
	return d, nil
}

func list(w io.Writer) error {
	fmt.Fprintf(w, "Event types that the platform is known to send; any other can be sent, too:\n")
	for _, t := range sample.Types() {
		fmt.Fprintf(w, "  %s\n", t)
	}
	fmt.Fprintf(w, "\nStories, for --story:\n")
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, story := range sample.Stories() {
		fmt.Fprintf(columns, "  %s\t%s\n", story.Name, story.Shows)
	}
	return columns.Flush()
}
