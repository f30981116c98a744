package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/inspect"
	"inorder/internal/loglimit"
	"inorder/internal/operate"
	"inorder/internal/store"
)

// typesOf are the types of the problems that huma and net/http find, by status.
var typesOf = map[int]string{
	http.StatusBadRequest:            api.ProblemInvalid,
	http.StatusUnauthorized:          api.ProblemUnauthorized,
	http.StatusForbidden:             api.ProblemForbidden,
	http.StatusNotFound:              api.ProblemNotFound,
	http.StatusMethodNotAllowed:      api.ProblemMethod,
	http.StatusRequestEntityTooLarge: api.ProblemTooLarge,
	http.StatusUnsupportedMediaType:  api.ProblemMediaType,
	http.StatusServiceUnavailable:    api.ProblemUnavailable,
}

func newProblem(status int, kind, detail string) *api.Problem {
	return &api.Problem{Type: kind, Title: http.StatusText(status), Status: status, Detail: detail}
}

func invalid(detail string, errs ...api.FieldProblem) *api.Problem {
	p := newProblem(http.StatusBadRequest, api.ProblemInvalid, detail)
	p.Errors = errs
	return p
}

func init() {
	huma.ValidateStrictCasing = true // encoding/json would accept a field's name in any case
	// huma's own errors show the values that they refuse, which may be payloads.
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return fromHuma(status, message, errs)
	}
}

// fromHuma returns what huma found wrong with a request as a Problem.
func fromHuma(status int, message string, errs []error) *api.Problem {
	if status == http.StatusUnprocessableEntity { // 422 is for an Idempotency-Key that came with another request
		status = http.StatusBadRequest
	}
	kind, known := typesOf[status]
	if !known {
		return newProblem(http.StatusInternalServerError, api.ProblemInternal, internal)
	}
	switch status {
	case http.StatusUnsupportedMediaType:
		return notJSON()
	case http.StatusBadRequest:
		message = nothingDone
	}
	p := newProblem(status, kind, message)
	for _, err := range errs {
		field := api.FieldProblem{Location: "body", Message: "it does not match the schema at " + api.DocsPath}
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			field = api.FieldProblem{Location: d.Location, Message: inWords(d.Message)}
		}
		p.Errors = append(p.Errors, field)
	}
	return p
}

// inWords replaces messages that only Go programmers understand.
func inWords(message string) string {
	switch {
	case strings.HasPrefix(message, "invalid date/time"):
		return "it must be a time such as 2026-01-02T15:04:05Z (in a query, write + as %2B)"
	case message == "unexpected property":
		return "there is no such field"
	case strings.HasPrefix(message, "expected string to be "):
		return "it must be " + strings.TrimPrefix(message, "expected string to be ")
	case strings.Contains(message, "after top-level value"):
		return "something follows the JSON"
	case strings.Contains(message, "unexpected end of JSON"):
		return "it is incomplete: the JSON ends too early"
	case strings.HasPrefix(message, "json: "): // it may quote a value
		return "it has a value that can't be read, such as a number that is too large"
	}
	return message
}

const internal = "something went wrong in this process; its log says what"

// problemOf returns the Problem that tells an operator why a request failed. It logs unexpected errors, and why a server did not answer.
func (a *API) problemOf(ctx context.Context, err error) *api.Problem {
	p := known(err)
	if source, why := away(ctx, err); p == nil && source != "" {
		p = unavailable(source, why)
	}
	switch {
	case p == nil:
		a.limited.Log(slog.LevelError, "api internal", "a request to the admin API failed", "cause", cause(err))
		return newProblem(http.StatusInternalServerError, api.ProblemInternal, internal)
	case len(p.Missing) > 0 && !is[*api.Problem](err) && !errors.Is(ctx.Err(), context.Canceled): // canceled: the caller is gone
		source := p.Missing[0].Source
		a.limited.Log(slog.LevelWarn, "api without "+source, "a request to the admin API could not be answered", "server", source, "cause", cause(err))
	}
	return p
}

const nothingDone = "the request is not valid; nothing was done"

// known returns the Problem of an error that means something to the caller; nil for any other.
func known(err error) *api.Problem {
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*operate.InvalidError](err); ok {
		return invalid(nothingDone, api.FieldProblem{Location: e.Location, Message: e.Message})
	}
	if e, ok := errors.AsType[*operate.UnfitError](err); ok {
		p := newProblem(http.StatusConflict, api.ProblemUnfit, err.Error())
		p.Actions = e.Actions
		return p
	}
	if e, ok := errors.AsType[*operate.UnavailableError](err); ok {
		if why := store.Lacking(err); why != "" {
			return unavailable(e.Source, why+"; "+e.Why)
		}
		p := unavailable(e.Source, "it does not answer: "+e.Why)
		p.Detail = e.Error()
		return p
	}
	for _, c := range byType {
		if c.is(err) {
			return newProblem(c.status, c.kind, err.Error())
		}
	}
	return nil
}

// byType are the errors whose text is the whole detail.
var byType = []struct {
	is     func(error) bool
	status int
	kind   string
}{
	{is[*operate.UnknownError], http.StatusNotFound, api.ProblemNotFound},
	{is[*inspect.UnknownOrderError], http.StatusNotFound, api.ProblemNotFound},
	{is[*inspect.UnknownRefusedError], http.StatusNotFound, api.ProblemNotFound},
	{is[*bulk.UnknownError], http.StatusNotFound, api.ProblemNotFound},
	{is[*bulk.ChangedError], http.StatusConflict, api.ProblemChanged},
	{is[*bulk.EndedError], http.StatusConflict, api.ProblemUnfit},
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func unavailable(source, why string) *api.Problem {
	p := newProblem(http.StatusServiceUnavailable, api.ProblemUnavailable, source+": "+why)
	p.Missing = []api.Missing{{Source: source, Why: why}}
	return p
}

// away names the server that did not answer, or that lacks something, and says why; "" if err has another cause.
func away(ctx context.Context, err error) (source, why string) {
	const none = "it did not answer in time, or not at all"
	if why := store.Lacking(err); why != "" {
		return "postgres", why
	}
	var network net.Error
	switch refused := (*pgconn.PgError)(nil); {
	case errors.As(err, &refused) && slices.Contains([]string{"08", "53", "57"}, refused.Code[:min(2, len(refused.Code))]):
		return "postgres", none
	case is[*pgconn.ConnectError](err), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return "postgres", none
	}
	return "", ""
}

// cause returns an error's text for the log. PostgreSQL's messages may quote data and are left out.
func cause(err error) string {
	if e, ok := errors.AsType[*operate.UnavailableError](err); ok && e.Cause != nil {
		err = e.Cause // the answer has the rest
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.TrimSpace("PostgreSQL: SQLSTATE " + pg.Code + " " + pg.TableName + " " + pg.ColumnName + " " + pg.ConstraintName)
	}
	return loglimit.OneLine(err)
}

// write answers a request with a problem.
func write(w http.ResponseWriter, p *api.Problem) {
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(p.Status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p)
}
