package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"inorder/internal/api"
	"inorder/internal/loglimit"
	"inorder/internal/operate"
)

// Inspector answers questions and changes nothing; *inspect.Inspector implements it.
type Inspector interface {
	Status(ctx context.Context) (api.Status, error)
	Orders(ctx context.Context, q api.OrdersQuery) (api.Page[api.Order], error)
	Order(ctx context.Context, id string) (api.OrderView, error)
	Timeline(ctx context.Context, orderID, cursor string, limit int) (api.Page[api.Event], error)
	Blocked(ctx context.Context, orderID string) (api.Blocked, error)
	Events(ctx context.Context, f api.Filter, cursor string, limit int) (api.Page[api.Event], error)
	Event(ctx context.Context, id string) (api.EventView, error)
	Audit(ctx context.Context, q api.AuditQuery) (api.Page[api.AuditEntry], error)
	Refusals(ctx context.Context, q api.RefusedQuery) (api.Page[api.Refused], error)
	Refused(ctx context.Context, id int64) (api.Refused, error)
}

// Operator acts on one event; *operate.Operator implements it.
type Operator interface {
	Retry(ctx context.Context, eventID string, by operate.Act) (api.Done, error)
	Discard(ctx context.Context, eventID string, by operate.Act) (api.Done, error)
	Replay(ctx context.Context, eventID string, by operate.Act) (api.Done, error)
	Amend(ctx context.Context, eventID string, body json.RawMessage, by operate.Act) (api.Done, error)
}

// Bulks act on many events; *bulk.Bulks implements it.
type Bulks interface {
	Preview(ctx context.Context, asked api.BulkRequest) (api.Preview, error)
	Start(ctx context.Context, asked api.BulkRequest, actor, key string) (api.Started, error)
	Get(ctx context.Context, id string) (api.Bulk, error)
	Stop(ctx context.Context, id, actor, reason string) (api.Bulk, error)
	Events(ctx context.Context, id string, after int, failed bool, limit int) ([]api.BulkEnd, error)
}

// APIOptions are what the admin API needs.
type APIOptions struct {
	Inspector Inspector
	// These three are nil without a database.
	Operator Operator
	Bulks    Bulks
	Keys     Keys
	Tokens   *Tokens
	// MaxEventBytes is the largest body of an event, in bytes. It bounds an amended body.
	MaxEventBytes int
	Version       string           // of the program
	Limited       *loglimit.Logger // for lines that callers without a token can multiply
}

const (
	getTimeout  = 15 * time.Second
	actTimeout  = 15 * time.Second
	bulkTimeout = 45 * time.Second // a bulk action first finds and stores its whole set of events
	keyTimeout  = 5 * time.Second

	maxBody       = 1 << 20
	beyondTheBody = 64 << 10 // what an amendment has around the body: the reason, and JSON's syntax
)

// API is the http.Handler of the admin API, its OpenAPI document and the page that shows it.
type API struct {
	inspector Inspector
	operator  Operator
	bulks     Bulks
	keys      Keys
	tokens    *Tokens
	limited   *loglimit.Logger
	lease     time.Duration

	maxAmendment int64
	routes       *http.ServeMux
	parameters   map[string][]string // of the query, by the route's pattern
	handler      http.Handler
}

// NewAPI returns the API. Every path below /api/ needs a token; the document and its page need none.
func NewAPI(o APIOptions) *API {
	a := &API{inspector: o.Inspector, operator: o.Operator, bulks: o.Bulks, keys: o.Keys, tokens: o.Tokens, limited: o.Limited, lease: keyLease,
		maxAmendment: int64(max(o.MaxEventBytes, maxBody) + beyondTheBody), routes: http.NewServeMux()}
	if a.operator == nil {
		a.operator, a.bulks = noDatabase{}, noDatabase{}
	}
	described := humago.New(a.routes, configOf(o.Version))
	a.register(described)
	finish(described.OpenAPI())
	a.parameters = parametersOf(described.OpenAPI())
	document, err := json.Marshal(described.OpenAPI())
	if err != nil {
		panic("the OpenAPI document: " + err.Error()) // it is the same at every start
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.OpenAPIPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document)
	})
	serveDocs(mux)
	mux.Handle("/api/", a.authorized(a.matched(a.once(a.guarded(a.routes)))))
	a.handler = secured(mux)
	return a
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// secured keeps browsers from storing, framing or sniffing answers. No cookie authorizes a request, so no other site's page can use the API.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// matched passes on only requests whose path, method and query parameters exist.
func (a *API) matched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, pattern := a.routes.Handler(r)
		if pattern == "" {
			answer := &recorder{header: http.Header{}}
			route.ServeHTTP(answer, r)
			if allow := answer.header.Get("Allow"); allow != "" {
				w.Header().Set("Allow", allow)
				write(w, newProblem(http.StatusMethodNotAllowed, api.ProblemMethod, "this path takes "+allow+" only"))
				return
			}
			write(w, newProblem(http.StatusNotFound, api.ProblemNotFound, "the admin API has no such path; "+api.DocsPath+" shows all"))
			return
		}
		query, refusal := checkQuery(r.URL.RawQuery, a.parameters[pattern])
		if refusal != nil {
			write(w, refusal)
			return
		}
		r.URL.RawQuery = query.Encode()
		next.ServeHTTP(w, r)
	})
}

// checkQuery refuses what a list would silently misread: parameters that are unknown, repeated, or without a value, such as one that a
// script forgot to set.
func checkQuery(raw string, known []string) (url.Values, *api.Problem) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalid("the query of the URL is malformed")
	}
	var wrong []api.FieldProblem
	for _, name := range slices.Sorted(maps.Keys(query)) {
		problem := ""
		switch values := query[name]; {
		case !slices.Contains(known, name) && len(known) == 0:
			problem = "there is no such parameter; this path takes none"
		case !slices.Contains(known, name):
			problem = "there is no such parameter; this path takes " + strings.Join(known, ", ")
		case len(values) > 1:
			problem = "it is given more than once"
		case values[0] == "":
			problem = "it has no value: leave it out, or set it"
		default:
			continue
		}
		wrong = append(wrong, api.FieldProblem{Location: "query." + shortened(name), Message: problem})
	}
	if wrong != nil {
		return nil, invalid("the request is not valid", wrong...)
	}
	return query, nil
}

func shortened(name string) string {
	name = strings.ToValidUTF8(name, "?")
	return string([]rune(name)[:min(64, len([]rune(name)))])
}

func parametersOf(o *huma.OpenAPI) map[string][]string {
	all := map[string][]string{}
	for path, item := range o.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				if p.In == "query" {
					all[method+" "+path] = append(all[method+" "+path], p.Name)
				}
			}
		}
	}
	return all
}

// guarded bounds the time of a GET, and answers 500 if the handler panics. The value of a panic may quote a payload, so only the stack is
// logged.
func (a *API) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if r.Method != http.MethodPost {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, getTimeout)
			defer cancel()
		}
		answer := &recorder{header: http.Header{}}
		defer func() {
			if recover() != nil {
				a.limited.Log(slog.LevelError, "api panic", "a request to the admin API ended in a panic", "stack", string(debug.Stack()))
				write(w, newProblem(http.StatusInternalServerError, api.ProblemInternal, internal))
			}
		}()
		next.ServeHTTP(answer, r.WithContext(ctx))
		answer.to(w)
	})
}

func timeoutOf(path string) time.Duration {
	if path == api.BulksPath {
		return bulkTimeout
	}
	return actTimeout
}

func (a *API) maxBody(path string) int64 {
	if strings.HasSuffix(path, "/amend") {
		return a.maxAmendment
	}
	return maxBody
}
