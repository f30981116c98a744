package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/protobuf/encoding/protojson"
)

// await polls until left returns "", or until ctx ends. The error then says what it waited for last.
func await(ctx context.Context, left func(context.Context) (string, error)) error {
	what := "anything"
	for {
		asking, cancel := context.WithTimeout(ctx, 10*time.Second)
		now, err := left(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("timed out waiting for %s", what)
		case err != nil:
			what = err.Error()
		case now == "":
			return nil
		default:
			what = now
		}
		pause(ctx, 300*time.Millisecond)
	}
}

// unrecorded describes rows of the inbox or, if it is empty, acknowledged events that neither have ended nor wait.
func (s *system) unrecorded(ctx context.Context, acknowledged map[string]bool) (string, error) {
	inbox, err := s.ids(ctx, `SELECT event_id || ' (in the inbox: ' || reason || ')' FROM event_inbox`)
	if err != nil || len(inbox) > 0 {
		return some(inbox), err
	}
	missing, err := s.ids(ctx, `SELECT id || ' (in no table)' FROM unnest($1::text[]) AS id
		WHERE id NOT IN (SELECT event_id FROM webhook_events UNION ALL SELECT event_id FROM pending_events)`, slices.Collect(maps.Keys(acknowledged)))
	return some(missing), err
}

// unreleased describes events that wait for an order that exists, except those whose workflow the operator took away.
func (s *system) unreleased(ctx context.Context, lost map[string]bool) (string, error) {
	ids, err := s.ids(ctx, `SELECT event_id || ' (waits for an order that is there)' FROM pending_events JOIN orders ON id = order_id
		WHERE phase <> 'attention' AND NOT event_id = ANY ($1)`, slices.Collect(maps.Keys(lost)))
	return some(ids), err
}

const (
	// waits is the workflow ID of a waiting event: that of its own workflow, or of a replay's.
	waits = `coalesce(workflow_id, event_id)`

	busySQL = `SELECT id FROM unnest($1::text[]) AS id WHERE id NOT IN (SELECT ` + waits + ` FROM pending_events)`
)

// unsettled describes running workflows of events that don't wait, and, if strict, events that wait without a workflow.
func (s *system) unsettled(ctx context.Context, strict bool) (string, error) {
	listed, err := s.running(ctx)
	if err != nil {
		return "", err
	}
	busy, err := s.ids(ctx, busySQL, listed)
	if err != nil {
		return "", err
	}
	if still, err := s.stillRunning(ctx, busy); err != nil || len(still) > 0 || !strict {
		return some(still), err
	}
	alone, err := s.ids(ctx, `SELECT event_id || ' (waits without a workflow)' FROM pending_events WHERE NOT `+waits+` = ANY ($1)`, listed)
	return some(alone), err
}

// stillRunning checks the workflows one by one, because a Temporal that was stopped may list closed workflows as running.
func (s *system) stillRunning(ctx context.Context, listed []string) (still []string, err error) {
	for _, id := range listed {
		d, err := s.engine.DescribeWorkflow(ctx, id, "")
		if gone := (*serviceerror.NotFound)(nil); errors.As(err, &gone) {
			continue
		} else if err != nil {
			return nil, err
		}
		if d.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			still = append(still, id+" (runs and does not wait)")
		}
	}
	return still, nil
}

// histories writes to files the histories of workflows that still run for events that don't wait.
func (s *system) histories(ctx context.Context) error {
	listed, err := s.running(ctx)
	if err != nil {
		return err
	}
	busy, err := s.ids(ctx, busySQL, listed)
	for _, id := range busy {
		var text []byte
		for i := s.engine.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); i.HasNext(); {
			e, err := i.Next()
			if err != nil {
				return err
			}
			text = append(append(text, protojson.Format(e)...), '\n')
		}
		err = errors.Join(err, os.WriteFile(filepath.Join(s.dir, id+".history"), text, 0o600))
	}
	return err
}

func some(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}

// settle returns when nothing changes any more. Each event that waited for an order that exists must have been released without
// help, except those whose workflow the operator took away: settle runs `inorder recover`, which restores these.
func (s *system) settle(ctx context.Context, acknowledged, lost map[string]bool, within time.Duration) error {
	settled := func(lost map[string]bool, strict bool) error {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return await(ctx, func(ctx context.Context) (string, error) {
			for _, left := range []func() (string, error){
				func() (string, error) { return s.unrecorded(ctx, acknowledged) },
				func() (string, error) { return s.unreleased(ctx, lost) },
				func() (string, error) { return s.unsettled(ctx, strict) },
			} {
				if what, err := left(); what != "" || err != nil {
					return what, err
				}
			}
			return "", nil
		})
	}
	if len(lost) == 0 {
		return settled(nil, true)
	}
	if err := settled(lost, false); err != nil {
		return err
	}
	out, err := s.command(ctx, "recover")
	s.note("inorder recover: " + lastLine(out))
	if err != nil {
		return fmt.Errorf("inorder recover: %w\n%s", err, out)
	}
	return settled(nil, true)
}
