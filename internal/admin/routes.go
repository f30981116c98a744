package admin

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"inorder/internal/api"
	"inorder/internal/operate"
)

const about = `What happened to an order, what is stuck and why, and what to do about it. Every request needs the header ` +
	"`Authorization: Bearer <token>`" + `, every error is a Problem whose type never changes. The cursor of a list stays right while rows are added, ` +
	`and belongs to that list with that filter. ` +
	"A POST with the header `Idempotency-Key` takes effect once, however often it is sent within a day."

func configOf(version string) huma.Config {
	c := huma.DefaultConfig("inorder", version)
	c.Info.Description = about
	// No path of huma's own: its page loads scripts from elsewhere.
	c.DocsPath, c.OpenAPIPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "ADMIN_TOKEN, or a token of ADMIN_TOKENS_FILE."}}
	c.Security = []map[string][]string{{"token": {}}}
	return c
}

// finish corrects what huma can't know: later versions may add fields to answers, and lock is null while nobody holds it.
func finish(o *huma.OpenAPI) {
	for name, s := range o.Components.Schemas.Map() {
		if s.AdditionalProperties == false && !strings.HasSuffix(name, "Request") && name != "Filter" {
			s.AdditionalProperties = nil
		}
	}
	lock := o.Components.Schemas.Map()["Blocked"].Properties
	lock["lock"] = &huma.Schema{OneOf: []*huma.Schema{{Ref: lock["lock"].Ref}, {Type: "null"}}, Description: lock["lock"].Description}
	describe(o)
}

// The parts of requests. Embedded ones have exported names, because huma ignores others.
type (
	nothing struct{}
	EventID struct {
		ID string `path:"id" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" patternDescription:"an event's ID" doc:"The event's ID."`
	}
	OrderID struct {
		ID string `path:"id" maxLength:"256" pattern:"^[^\\x00-\\x1f]+$" patternDescription:"an order's ID" doc:"The order's ID."`
	}
	BulkID struct {
		ID string `path:"id" maxLength:"128" pattern:"^[A-Za-z0-9._:-]+$" patternDescription:"a bulk action's ID" doc:"The bulk action's ID."`
	}
	timelineQuery struct {
		OrderID
		api.ListQuery
	}
	Keyed struct {
		Key string `header:"Idempotency-Key" maxLength:"257" doc:"If the same request is sent again with the same key within a day, it gets the same answer and has no second effect."`
	}
	retryInput struct {
		EventID
		Keyed
		Body *api.RetryRequest
	}
	reasonInput struct {
		EventID
		Keyed
		Body api.ReasonRequest
	}
	amendInput struct {
		EventID
		Keyed
		Body api.AmendRequest
	}
	bulkInput struct {
		Keyed
		Body api.BulkRequest
	}
	bulkEventsQuery struct {
		BulkID
		api.BulkEventsQuery
	}
	stopInput struct {
		BulkID
		Keyed
		Body *api.StopRequest
	}
)

func (a *API) register(h huma.API) {
	getRoute(a, h, api.StatusPath, "status", "Is anything wrong?", func(ctx context.Context, _ *nothing) (api.Status, error) { return a.inspector.Status(ctx) })
	a.registerOrders(h)
	a.registerEvents(h)
	a.registerBulks(h)
	a.registerRefused(h)
	listRoute(a, h, api.AuditPath, "audit", "Who did what to what, newest first", func(ctx context.Context, in *struct{ api.AuditQuery }) (api.Page[api.AuditEntry], error) {
		return a.inspector.Audit(ctx, in.AuditQuery)
	})
}

func (a *API) registerOrders(h huma.API) {
	listRoute(a, h, api.OrdersPath, "orders", "Orders, newest change first", func(ctx context.Context, in *struct{ api.OrdersQuery }) (api.Page[api.Order], error) {
		return a.inspector.Orders(ctx, in.OrdersQuery)
	})
	getRoute(a, h, api.OrderPath, "order", "One order", func(ctx context.Context, in *OrderID) (api.OrderView, error) { return a.inspector.Order(ctx, in.ID) })
	listRoute(a, h, api.TimelinePath, "timeline", "Every event about an order, by its own time", func(ctx context.Context, in *timelineQuery) (api.Page[api.Event], error) {
		return a.inspector.Timeline(ctx, in.ID, in.Cursor, in.Limit)
	})
	getRoute(a, h, api.BlockedPath, "blocked", "What holds an order up", a.blocked)
}

func (a *API) registerEvents(h huma.API) {
	listRoute(a, h, api.EventsPath, "events", "Events, newest first", func(ctx context.Context, in *struct{ api.EventsQuery }) (api.Page[api.Event], error) {
		return a.inspector.Events(ctx, in.Filter(), in.Cursor, in.Limit)
	})
	getRoute(a, h, api.EventPath, "event", "One event with its payload, and the actions that fit now", func(ctx context.Context, in *EventID) (api.EventView, error) {
		return a.inspector.Event(ctx, in.ID)
	})
	postRoute(a, h, api.RetryPath, "retry", "Retry an event now", func(ctx context.Context, in *retryInput) (api.Done, error) {
		return a.operator.Retry(ctx, in.ID, actOf(ctx, reasonOf(in.Body)))
	})
	postRoute(a, h, api.DiscardPath, "discard", "Give up an event", func(ctx context.Context, in *reasonInput) (api.Done, error) {
		return a.operator.Discard(ctx, in.ID, actOf(ctx, in.Body.Reason))
	})
	postRoute(a, h, api.ReplayPath, "replay", "Apply the payload of an ended event again; this undoes nothing that is newer", func(ctx context.Context, in *reasonInput) (api.Done, error) {
		return a.operator.Replay(ctx, in.ID, actOf(ctx, in.Body.Reason))
	})
	postRoute(a, h, api.AmendPath, "amend", "Correct the body of an event in attention, and apply it", func(ctx context.Context, in *amendInput) (api.Done, error) {
		return a.operator.Amend(ctx, in.ID, in.Body.Body, actOf(ctx, in.Body.Reason))
	})
}

func reasonOf(r *api.RetryRequest) string {
	if r == nil {
		return ""
	}
	return r.Reason
}

// started answers a bulk request: with 200 and a Preview, with 200 if there is nothing to do, or with 202 if it began.
type started struct {
	Status int
	Body   any
}

func (a *API) registerBulks(h huma.API) {
	op := operation(h, http.MethodPost, api.BulksPath, "bulk", "Apply one action to all events that a filter selects; with dry_run, only return their number and the first ten")
	schema := func(v any) *huma.Schema { return h.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "") }
	op.Responses["200"] = &huma.Response{Description: "What it would do, or that there is nothing to do",
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{schema(api.Preview{}), schema(api.Started{})}}}}}
	op.Responses["202"] = &huma.Response{Description: "It has begun", Content: map[string]*huma.MediaType{"application/json": {Schema: schema(api.Started{})}}}
	huma.Register(h, op, func(ctx context.Context, in *bulkInput) (*started, error) {
		if in.Body.DryRun {
			p, err := a.bulks.Preview(ctx, in.Body)
			return a.answer(ctx, http.StatusOK, p, err)
		}
		if who := actorOf(ctx); who.readOnly {
			return nil, a.forbidden(who)
		}
		act := actOf(ctx, in.Body.Reason)
		if strings.TrimSpace(act.Reason) == "" {
			return nil, invalid(nothingDone, api.FieldProblem{Location: "body.reason", Message: "it must say why, for the audit"})
		}
		s, err := a.bulks.Start(ctx, in.Body, act.Actor, act.ID)
		if s.ID == "" {
			return a.answer(ctx, http.StatusOK, s, err)
		}
		return a.answer(ctx, http.StatusAccepted, s, err)
	})
	getRoute(a, h, api.BulkPath, "bulk-progress", "A bulk action and its progress", func(ctx context.Context, in *BulkID) (api.Bulk, error) { return a.bulks.Get(ctx, in.ID) })
	listRoute(a, h, api.BulkEventsPath, "bulk-events", "What a bulk action did to each event", a.bulkEvents)
	postRoute(a, h, api.StopBulkPath, "bulk-stop", "Stop a bulk action; what it has done stays done", func(ctx context.Context, in *stopInput) (api.Bulk, error) {
		return a.bulks.Stop(ctx, in.ID, actorOf(ctx).name, reasonOf(in.Body))
	})
}

// bulkEvents lists what a bulk action did after the place that the cursor names.
func (a *API) bulkEvents(ctx context.Context, in *bulkEventsQuery) (api.Page[api.BulkEnd], error) {
	after := 0
	if in.Cursor != "" {
		n, err := strconv.ParseInt(in.Cursor, 10, 32)
		if err != nil || n < 0 {
			return api.Page[api.BulkEnd]{}, &operate.InvalidError{Location: "query.cursor", Message: notItsCursor}
		}
		after = int(n)
	}
	ends, err := a.bulks.Events(ctx, in.ID, after, in.Failed, in.Limit)
	page := api.Page[api.BulkEnd]{Data: ends}
	if len(ends) == in.Limit {
		page.NextCursor = strconv.Itoa(ends[len(ends)-1].Place)
	}
	return page, err
}

func (a *API) answer(ctx context.Context, status int, body any, err error) (*started, error) {
	if err != nil {
		return nil, a.problemOf(ctx, err)
	}
	return &started{status, body}, nil
}

type answer[O any] struct{ Body O }

func getRoute[I, O any](a *API, h huma.API, path, id, summary string, f func(context.Context, *I) (O, error)) {
	route(a, h, operation(h, http.MethodGet, path, id, summary), f)
}

func postRoute[I, O any](a *API, h huma.API, path, id, summary string, f func(context.Context, *I) (O, error)) {
	route(a, h, operation(h, http.MethodPost, path, id, summary), f)
}

func route[I, O any](a *API, h huma.API, op huma.Operation, f func(context.Context, *I) (O, error)) {
	huma.Register(h, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return &answer[O]{out}, nil
	})
}

// operation describes a request and the problems that may answer it. huma's limits are off: readPost has bounded the body before.
func operation(h huma.API, method, path, id, summary string) huma.Operation {
	codes := []int{400, 401, 404, 500, 503}
	if method == http.MethodPost {
		codes = []int{400, 401, 403, 404, 409, 413, 415, 422, 500, 503}
	}
	problem := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "")
	responses := map[string]*huma.Response{}
	for _, code := range codes {
		responses[strconv.Itoa(code)] = &huma.Response{Description: http.StatusText(code), Content: map[string]*huma.MediaType{api.ProblemType: {Schema: problem}}}
	}
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: descriptions[id], Responses: responses, MaxBodyBytes: -1, BodyReadTimeout: -1}
}
