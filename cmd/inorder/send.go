package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"inorder"
	"inorder/internal/config"
	"inorder/internal/sample"
	"inorder/internal/send"
)

type sendCmd struct {
	Type string `arg:"" optional:"" help:"The event's type, such as order.created; see --list."`

	Order        string   `help:"The order it is about. Default: a new one." placeholder:"ID"`
	ID           string   `name:"id" help:"The event's ID. Default: a new one." placeholder:"ID"`
	At           string   `help:"When it happened: RFC 3339, or relative to now, such as -5m. Default: now." placeholder:"TIME"`
	Data         []string `help:"Set a field of data; the value is JSON, or else text. Repeatable." placeholder:"KEY=VALUE" sep:"none"`
	File         string   `help:"Send this file as it is; - is standard input." placeholder:"PATH"`
	BadSignature bool     `help:"Sign with a wrong secret; success is then a 401."`

	Repeat      int `default:"1" help:"How many deliveries to make: of the same event with --id or --file, otherwise of a new one each." placeholder:"N"`
	Concurrency int `default:"1" help:"How many deliveries are under way at once." placeholder:"N"`

	IDs    string `name:"ids" help:"Write the IDs of the acknowledged events to this file, one a line." placeholder:"PATH"`
	Verify bool   `help:"Then check that each acknowledged event has ended. With --ids and nothing to send: check those in the file."`

	Story string        `help:"Send a small history and show what becomes of it; see --list." placeholder:"NAME"`
	Wait  time.Duration `default:"10s" help:"How long a story waits for an event to be processed, and --verify while nothing changes."`
	List  bool          `help:"List the event types and the stories."`

	URL string `name:"url" help:"The receiver. Default: RECEIVER_URL, else http://127.0.0.1:3000." placeholder:"URL"`
}

func (*sendCmd) Help() string {
	return `Posts events the way the platform does: realistic data, signed with the first of WEBHOOK_SECRETS. It prints the answer
to each delivery, and succeeds if all were accepted. A story also shows what became of its order and events, if
DATABASE_URL is set.

--verify polls the tables if DATABASE_URL is set, otherwise the admin API, until all events have ended or nothing has changed for
--wait. It prints how many ended in which way, and exits with 0 if all have ended. It exits with 3 if some are waiting, stuck or in
attention, where people see them, and with 1 if an acknowledged event is nowhere to be found or does not end; it names that event.

Needs WEBHOOK_SECRETS. Reads RECEIVER_URL, DATABASE_URL, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other
TEMPORAL_* names), and for --verify ADMIN_URL and ADMIN_TOKEN.

Examples:

    inorder send order.created --order order_1001
    inorder send order.paid --order order_1001 --at -5m --id evt_1 --repeat 3
    inorder send payment.refunded --order order_1001 --data 'amount={"amount":500,"currency":"KRW"}'
    inorder send order.created --repeat 1000 --concurrency 8 --verify
    inorder send order.created --repeat 1000 --ids sent.txt && inorder send --verify --ids sent.txt
    inorder send --file event.json --bad-signature
    inorder send --story out-of-order`
}

// Validate reports what kong cannot see. It runs before the environment is read.
func (s *sendCmd) Validate() error {
	chosen := 0
	for _, given := range []bool{s.Type != "", s.File != "", s.Story != "", s.List, s.verifiesOnly()} {
		if given {
			chosen++
		}
	}
	shapes := s.ID != "" || s.At != "" || len(s.Data) > 0
	_, atErr := parseAt(s.At, time.Now())
	_, dataErr := parseData(s.Data)
	switch {
	case chosen != 1:
		return errors.New("say what to send: an event type, --file PATH or --story NAME; --list shows the types and the stories")
	case s.File != "" && (shapes || s.Order != ""):
		return errors.New("--file is sent as it is: it can't be combined with --order, --id, --at and --data")
	case s.BadSignature && (s.Verify || s.IDs != ""):
		return errors.New("--bad-signature makes the receiver refuse the deliveries: there is nothing for --verify and --ids")
	case s.Story != "" && (shapes || s.BadSignature || s.Repeat != 1 || s.Verify || s.IDs != ""):
		return errors.New("--story decides what is sent: only --order, --url and --wait can be combined with it")
	case s.Story != "" && !slices.ContainsFunc(sample.Stories(), s.isStory):
		return fmt.Errorf("there is no story %q; --list shows them", s.Story)
	case s.Repeat < 1:
		return errors.New("--repeat must be 1 or more")
	case s.Concurrency < 1 || s.Concurrency > send.MaxConcurrency:
		return fmt.Errorf("--concurrency must be 1 to %d", send.MaxConcurrency)
	}
	return errors.Join(atErr, dataErr)
}

func (s *sendCmd) isStory(story sample.Story) bool { return story.Name == s.Story }

func (s *sendCmd) Run(ctx context.Context, std streams) error {
	if s.List {
		return list(std.out)
	}
	if s.verifiesOnly() {
		return withClients(ctx, 0, func(c *servers) error { return s.verifyFile(ctx, c, std) })
	}
	return withClients(ctx, config.NeedSigner, func(c *servers) error { return s.send(ctx, c, std) })
}

func (s *sendCmd) send(ctx context.Context, c *servers, std streams) error {
	to, err := send.NewClient(cmp.Or(s.URL, c.ReceiverURL), c.WebhookSecrets[0])
	if err != nil {
		return err
	}
	if s.Story != "" {
		return s.runStory(ctx, to, c, std)
	}
	next, err := s.deliveries(std)
	if err != nil {
		return err
	}
	batch := send.Batch{To: to, Next: next, Count: s.Repeat, Concurrency: s.Concurrency, BadSignature: s.BadSignature, Out: std.out, Progress: std.err}
	return s.keepAndVerify(ctx, c, batch, std)
}

func (s *sendCmd) runStory(ctx context.Context, to *send.Client, c *servers, std streams) error {
	stories := sample.Stories()
	story := send.Story{Story: stories[slices.IndexFunc(stories, s.isStory)], To: to, OrderID: s.orderID(), Wait: s.Wait, Out: std.out, Notes: std.err}
	if c.pool != nil {
		if err := c.reachPostgres(ctx); err != nil {
			return err
		}
		w := c.watcher()
		story.Store, story.Ask = w.Store, w.Ask
	}
	return story.Run(ctx)
}

// parseAt reads --at. A relative time counts from now; without one, it is now.
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

// deliveries returns a function that makes one delivery after the other; with --file or --id always the same one.
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

// fromFile returns a delivery of the file's bytes, unchanged. They need not be an event: a bad one may be what is tried.
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
