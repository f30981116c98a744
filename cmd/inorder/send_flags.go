package main

import (
	"cmp"
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
	"inorder/internal/send"
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

// deliveries returns a function that makes one delivery after the other: the same one with --file and --id.
func (s *sendCmd) deliveries(std streams) (next func() send.Delivery, err error) {
	if s.File != "" {
		d, err := s.fromFile(std.in)
		return func() send.Delivery { return d }, err
	}
	if !slices.Contains(inorder.EventTypes(), s.Type) {
		fmt.Fprintf(std.err, "%s is not a type that the platform is known to send (see --list); sending it anyway\n", s.Type)
	}
	data, err := parseData(s.Data)
	if err != nil {
		return nil, err
	}
	next = func() send.Delivery {
		at, _ := parseAt(s.At, time.Now()) // Validate has seen the error
		return send.DeliveryOf(sample.Options{Type: s.Type, ID: cmp.Or(s.ID, sample.NewID("evt_")), At: at, OrderID: s.orderID(), Data: data})
	}
	if s.ID != "" {
		d := next()
		next = func() send.Delivery { return d }
	}
	return next, nil
}

// orderID returns --order, or a new ID each time.
func (s *sendCmd) orderID() string { return cmp.Or(s.Order, sample.NewID("order_")) }

// fromFile reads the bytes and changes nothing. They need not be an event: that may be what is to be tried.
func (s *sendCmd) fromFile(stdin io.Reader) (d send.Delivery, err error) {
	if s.File == "-" {
		d.Body, err = io.ReadAll(stdin)
	} else {
		d.Body, err = os.ReadFile(s.File)
	}
	if err != nil {
		return d, fmt.Errorf("read --file: %w", err)
	}
	d.Type = "(no event)"
	if e, err := inorder.ParseEvent(d.Body); err == nil {
		d.Type, d.OrderID, d.EventID = e.Type, e.OrderID(), e.ID
	}
	return d, nil
}

func list(w io.Writer) error {
	fmt.Fprintf(w, "Event types that the platform is known to send; any other can be sent, too:\n")
	for _, t := range inorder.EventTypes() {
		fmt.Fprintf(w, "  %s\n", t)
	}
	fmt.Fprintf(w, "\nStories, for --story:\n")
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, story := range sample.Stories() {
		fmt.Fprintf(columns, "  %s\t%s\n", story.Name, story.Shows)
	}
	return columns.Flush()
}
