package telemetry

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// cleaner exports spans without anything that may quote a payload, an argument of a statement or a secret. Libraries and servers write the
// texts of errors, and PostgreSQL's quote values, so of an error only its type and SQLSTATE remain. Of the attributes only those in allowed
// remain; one that a newer library adds has to be added there.
type cleaner struct{ sdktrace.SpanExporter }

func (c cleaner) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	cleaned := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		cleaned[i] = cleanSpan{s}
	}
	return c.SpanExporter.ExportSpans(ctx, cleaned)
}

var allowed = map[attribute.Key]bool{
	eventIDKey: true, eventTypeKey: true, orderIDKey: true, outcomeKey: true, viaKey: true, resultKey: true, eventsKey: true,

	semconv.HTTPRequestMethodKey: true, semconv.HTTPResponseStatusCodeKey: true, semconv.HTTPRouteKey: true,
	semconv.URLPathKey: true, semconv.URLSchemeKey: true, semconv.ErrorTypeKey: true,

	semconv.ServerAddressKey: true, semconv.ServerPortKey: true, semconv.DBSystemNameKey: true, semconv.DBNamespaceKey: true,
	semconv.DBQueryTextKey:     true, // with $1 in place of arguments
	semconv.DBOperationNameKey: true, semconv.DBOperationBatchSizeKey: true, semconv.DBResponseStatusCodeKey: true, "pgx.rows_affected": true,

	"temporalWorkflowID": true, "temporalRunID": true, "temporalActivityID": true,
}

// sqlState is otelpgx's name for what the conventions call db.response.status_code.
const sqlState = "pgx.sql_state"

type cleanSpan struct{ sdktrace.ReadOnlySpan }

func (s cleanSpan) Attributes() []attribute.KeyValue {
	var clean []attribute.KeyValue
	for _, a := range s.ReadOnlySpan.Attributes() {
		switch {
		case a.Key == sqlState:
			clean = append(clean, semconv.DBResponseStatusCode(a.Value.AsString()), semconv.ErrorTypeKey.String(a.Value.AsString()))
		case !allowed[a.Key]:
		case a.Value.Type() == attribute.STRING && a.Key != semconv.DBQueryTextKey:
			clean = append(clean, a.Key.String(bounded(a.Value.AsString())))
		default:
			clean = append(clean, a)
		}
	}
	return clean
}

// Events returns only the errors, each with only its type.
func (s cleanSpan) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	events = slices.DeleteFunc(events, func(e sdktrace.Event) bool { return e.Name != semconv.ExceptionEventName })
	for i := range events {
		events[i].Attributes = slices.DeleteFunc(slices.Clone(events[i].Attributes), func(a attribute.KeyValue) bool { return a.Key != semconv.ExceptionTypeKey })
	}
	return events
}

func (s cleanSpan) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
