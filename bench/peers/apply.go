package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/converter"

	"inorder"
	"inorder/activities"
	"inorder/internal/loglimit"
	"inorder/internal/redelivery"
	"inorder/internal/store"
)

// event is what a peer stores of an event until it is applied.
type event struct {
	ID      string             `json:"id" river:"unique"`
	Body    []byte             `json:"body"` // as received, as inorder keeps it
	Receipt activities.Receipt `json:"receipt"`
}

// eventOf returns the event from the arguments with which the receiver starts a workflow.
func eventOf(args []any) event {
	receipt := args[1].(activities.Receipt)
	return event{ID: receipt.EventID, Body: args[0].(converter.RawValue).Payload().GetData(), Receipt: receipt}
}

// errKnown tells the receiver that an event is a duplicate.
var errKnown = serviceerror.NewWorkflowExecutionAlreadyStarted("the event is known", "", "")

// errWaits reports that an event's order is missing.
var errWaits = errors.New("its order has not been created yet")

// applier applies events with the same transaction as inorder's workflow.
type applier struct{ a *activities.Activities }

func newApplier(pool *pgxpool.Pool, log *slog.Logger) applier {
	return applier{&activities.Activities{Store: store.New(pool), Log: log, Limited: loglimit.New(log, loglimit.Every), Redelivery: redelivery.NewMetrics(nil),
		MaxEventSkew: time.Hour, Wait: activities.WaitPolicy{Recheck: time.Minute, StuckAfter: time.Hour, TTL: time.Hour}}}
}

// apply returns nil if the event has ended, and errWaits if it must be retried.
func (p applier) apply(ctx context.Context, e event) error {
	body := converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     e.Body,
	})
	r, err := p.a.ApplyEvent(ctx, body, activities.ApplyEventInput{Receipt: e.Receipt})
	switch {
	case err != nil:
		return err
	case r.Outcome == inorder.Waiting:
		return errWaits
	case r.Outcome == inorder.Attention:
		return fmt.Errorf("event %s: %s", e.ID, r.Detail)
	}
	return nil
}
