// Package standin is a stand-in for the commerce platform, for tests and for trying inorder without an account. It
// serves the Admin API's webhooks and orders under /v1 and delivers signed events as the platform documents it, keeps
// everything in memory, and goes wrong in the ways that one asks for (see Faults). Under /_standin it has its own
// control API: place an order, advance it, set faults, list the deliveries.
//
// Here belongs what the platform does, written anew from its documents: it shares no code with the product, so that each is a
// check of the other. It imports nothing of this module, and production never links it. Its control API asks for no key, and it
// posts to whatever URL a webhook has: keep it on loopback.
package standin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// DefaultKey is the API key of a stand-in that is given none. It opens nothing else.
const DefaultKey = "sk_test_standin"

// DefaultRun begins the Run of a stand-in that is given none, and so is in its IDs: "wh_standin…".
const DefaultRun = "standin"

// Options are the settings of a Server. The zero value of each is its default.
type Options struct {
	// Keys are the API keys that are accepted; default DefaultKey. The prefix picks the mode, sk_live_ or sk_test_, and
	// each mode has webhooks and orders of its own. A pk_ key is known and may do nothing.
	Keys []string

	StoreID string // default "store_standin"
	Run     string // part of every ID, so that two runs share none; default: DefaultRun and the start time

	StringNumbers   bool // order numbers as strings, as the platform's SDK has them, instead of integers
	Milliseconds    bool // times with milliseconds, instead of whole seconds as in the documents
	SparseOrders    bool // order.paid, order.fulfilled and order.updated with the ID and the statuses alone, as in samples
	FamilyWildcards bool // accept "order.*" as an event to subscribe to
	AllowHTTP       bool // accept http:// webhook URLs of any host; those of loopback are always accepted
	DeleteSaysNone  bool // answer a delete with 204 instead of {id, deleted}
	BareTests       bool // test deliveries without id and store_id, as in the SDK's type
	NoMetadata      bool // keep no metadata of webhooks, which only the SDK knows of
	NoInactive      bool // make every webhook active, whatever a create says: only the SDK knows of is_active there

	Parallel        int             // deliveries at the same time; default 8
	DeliveryTimeout time.Duration   // of one attempt; default 30 s
	RetryDelays     []time.Duration // pauses between the attempts of a delivery; default 1, 2, 4, 8, 16 s. Empty and not nil: no retries
	DeactivateAfter int             // deactivate a webhook after so many given-up deliveries in a row; default never

	Faults Faults // to begin with
	Now    func() time.Time
}

// Server is the stand-in, an http.Handler. Make it with New, end it with Close.
type Server struct {
	opts Options
	mux  *http.ServeMux
	http *http.Client

	ctx  context.Context // of deliveries
	stop context.CancelFunc
	wg   sync.WaitGroup // of workers

	mu       sync.Mutex // guards all that follows
	lastID   int
	webhooks []*webhook // oldest first, deleted ones included: they may be somebody's cursor
	orders   []*record  // oldest first
	replies  map[string]*remembered
	faults   Faults
	requests int // to the Admin API, with a good key

	queue   []*delivery
	running int           // workers
	pending int           // deliveries not yet delivered or given up, wherever they wait
	idle    chan struct{} // closed while pending is 0
	closed  bool
	log     []Attempt
	noted   int // attempts, those included that the log no longer has
	stats   Stats
}

// Stats count what happened since the start.
type Stats struct {
	Orders     int `json:"orders"`
	Webhooks   int `json:"webhooks"` // that exist
	Events     int `json:"events"`
	Deliveries int `json:"deliveries"` // an event to one webhook, duplicates included
	Delivered  int `json:"delivered"`
	Dropped    int `json:"dropped"`  // by a fault
	GaveUp     int `json:"gave_up"`  // after the last retry, or because the webhook was deactivated or deleted
	Pending    int `json:"pending"`  // under way
	Requests   int `json:"requests"` // to the Admin API, with a good key
}

// New starts a stand-in without listening: serve it, or call its methods.
func New(o Options) *Server {
	if len(o.Keys) == 0 {
		o.Keys = []string{DefaultKey}
	}
	o.StoreID = cmp.Or(o.StoreID, "store_standin")
	o.Run = cmp.Or(o.Run, DefaultRun+strconv.FormatInt(time.Now().UnixMilli(), 36))
	o.Parallel = max(cmp.Or(o.Parallel, 8), 1)
	o.DeliveryTimeout = cmp.Or(o.DeliveryTimeout, 30*time.Second)
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		opts: o, mux: http.NewServeMux(), replies: map[string]*remembered{}, faults: o.Faults, idle: make(chan struct{}),
		http: &http.Client{
			Timeout:       o.DeliveryTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: o.Parallel, Proxy: http.ProxyFromEnvironment},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	close(s.idle)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.routeAdmin()
	s.routeControl()
	return s
}

// Close ends all deliveries under way and waits for them. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
	s.http.CloseIdleConnections()
}

// ServeHTTP serves the Admin API and the control API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// WaitIdle waits until no delivery is under way, held back or waiting for its retry.
func (s *Server) WaitIdle(ctx context.Context) error {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return errors.New("the stand-in still has deliveries under way: wait longer, or see in the delivery log whether a webhook's URL refuses them")
	}
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.stats
	t.Orders, t.Pending, t.Requests = len(s.orders), s.pending, s.requests
	for _, w := range s.webhooks {
		if !w.deleted {
			t.Webhooks++
		}
	}
	return t
}

// newID is called with the lock held.
func (s *Server) newID(prefix string) string {
	s.lastID++
	return prefix + "_" + s.opts.Run + "_" + strconv.Itoa(s.lastID)
}

// timestamp is a time as the platform writes it.
func (s *Server) timestamp(t time.Time) string {
	if s.opts.Milliseconds {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.UTC().Format(time.RFC3339)
}
