// Package standin is a stand-in for the commerce platform, for tests and for trying inorder without an account. It
// serves the Admin API's webhooks and orders under /v1 and delivers signed events as the platform documents it. It keeps
// everything in memory, and misbehaves on request (see Faults). Under /_standin it has its own control API, which places
// orders, advances them, sets faults and lists the deliveries.
//
// The package implements what the platform does, from the platform's documents alone. It shares no code with the product, so
// that each checks the other: it imports nothing of this module, and production never links it. The control API needs no key,
// and the stand-in posts to whatever URL a webhook has, so keep it on loopback.
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

// DefaultKey is the API key of a stand-in without Options.Keys. It is valid nowhere else.
const DefaultKey = "sk_test_standin"

// DefaultRun is the prefix of the default Options.Run, and so appears in the IDs: "wh_standin…".
const DefaultRun = "standin"

// Options are the settings of a Server. The zero value of each is its default.
type Options struct {
	// Keys are the accepted API keys; default DefaultKey. The prefix sk_live_ or sk_test_ selects the mode, and
	// each mode has its own webhooks and orders. A pk_ key is valid but has no permissions.
	Keys []string

	StoreID string // default "store_standin"
	Run     string // part of every ID, so that no two runs share an ID; default: DefaultRun and the start time

	StringNumbers   bool // order numbers are strings, as in the platform's SDK, instead of integers
	Milliseconds    bool // times have milliseconds, instead of whole seconds as in the documents
	SparseOrders    bool // order.paid, order.fulfilled and order.updated have only the ID and the statuses, as in the documents' samples
	FamilyWildcards bool // accept "order.*" as an event to subscribe to
	AllowHTTP       bool // accept http:// webhook URLs of any host; those of loopback are always accepted
	DeleteSaysNone  bool // answer a delete with 204 instead of {id, deleted}
	BareTests       bool // test deliveries have no id or store_id, as in the SDK's type
	NoMetadata      bool // discard the metadata of webhooks, which only the SDK mentions
	NoInactive      bool // create every webhook as active; only the SDK mentions is_active in a create

	Parallel        int             // concurrent deliveries; default 8
	DeliveryTimeout time.Duration   // of one attempt; default 30 s
	RetryDelays     []time.Duration // pauses between the attempts of a delivery; default 1, 2, 4, 8, 16 s. Empty and not nil: no retries
	DeactivateAfter int             // deactivate a webhook after this many given-up deliveries in a row; default never

	Faults Faults // the initial ones
	Now    func() time.Time
}

// Server is the stand-in, an http.Handler. Create it with New, end it with Close.
type Server struct {
	opts Options
	mux  *http.ServeMux
	http *http.Client

	ctx  context.Context // of deliveries
	stop context.CancelFunc
	wg   sync.WaitGroup // of workers

	mu       sync.Mutex // guards the fields below
	lastID   int
	webhooks []*webhook // oldest first, including deleted ones, which a client may use as a cursor
	orders   []*record  // oldest first
	replies  map[string]*remembered
	faults   Faults
	requests int // to the Admin API, with a valid key

	queue   []*delivery
	running int           // workers
	pending int           // deliveries not yet delivered, dropped or given up, including those that are held back or wait for a retry
	idle    chan struct{} // closed while pending is 0
	closed  bool
	log     []Attempt
	noted   int // attempts, including those that the log no longer has
	stats   Stats
}

// Stats counts what has happened since the start.
type Stats struct {
	Orders     int `json:"orders"`
	Webhooks   int `json:"webhooks"` // not deleted
	Events     int `json:"events"`
	Deliveries int `json:"deliveries"` // one per event and webhook, plus duplicates
	Delivered  int `json:"delivered"`
	Dropped    int `json:"dropped"`  // by a fault
	GaveUp     int `json:"gave_up"`  // after the last retry, or because the webhook was deactivated or deleted
	Pending    int `json:"pending"`  // under way
	Requests   int `json:"requests"` // to the Admin API, with a valid key
}

// New returns a stand-in that does not listen yet: serve it over HTTP, or call its methods.
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

// Close aborts all deliveries under way and waits for them to end. It may be called twice.
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

// WaitIdle waits until no delivery is under way, held back or waiting for its retry. It returns an error if ctx ends first.
func (s *Server) WaitIdle(ctx context.Context) error {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return errors.New("the stand-in still has deliveries under way: wait longer, or check the delivery log for a webhook's URL that refuses them")
	}
}

// Stats returns the current counts.
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

// newID returns a new ID. The caller holds the lock.
func (s *Server) newID(prefix string) string {
	s.lastID++
	return prefix + "_" + s.opts.Run + "_" + strconv.Itoa(s.lastID)
}

// timestamp formats a time as the platform does.
func (s *Server) timestamp(t time.Time) string {
	if s.opts.Milliseconds {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.UTC().Format(time.RFC3339)
}
