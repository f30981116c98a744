package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"

	"inorder/internal/await"
	"inorder/workflows"
)

// usableWithin is how long it may take until every call accepts a new search attribute. Temporal's
// frontends refresh what they know about a namespace every few seconds.
const usableWithin = time.Minute

// Provision claims the namespace and creates what a worker needs: the search attributes and the schedules. It returns
// when they can be used. If the namespace belongs to another system, it returns an error and changes nothing. It may run
// twice, and in several processes at once. It needs Client, Namespace, Pool, TaskQueue and Log.
func Provision(ctx context.Context, o Options) error {
	if err := Claim(ctx, o); err != nil {
		return err
	}
	if err := provisionSearchAttributes(ctx, o); err != nil {
		return err
	}
	for _, schedule := range schedules(o) {
		if err := provisionSchedule(ctx, o, schedule); err != nil {
			return err
		}
	}
	adviseOnRetention(ctx, o)
	return nil
}

func provisionSearchAttributes(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, usableWithin)
	defer cancel()
	return await.Ready(ctx, o.Log, "the namespace", func(ctx context.Context) error {
		missing, err := missingSearchAttributes(ctx, o)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			if err := addSearchAttributes(ctx, o, missing); err != nil {
				return err
			}
		}
		return useSearchAttributes(ctx, o)
	})
}

// addSearchAttributes fails if another process adds them at the same time; the next attempt then finds them.
func addSearchAttributes(ctx context.Context, o Options, missing []string) error {
	request := &operatorservice.AddSearchAttributesRequest{
		Namespace:        o.Namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{},
	}
	for _, name := range missing {
		request.SearchAttributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	if _, err := o.Client.OperatorService().AddSearchAttributes(ctx, request); err != nil {
		return fmt.Errorf("add the search attributes %s, of type Keyword: %w", strings.Join(missing, ", "), err)
	}
	o.Log.Info("search attributes added", "names", missing, "namespace", o.Namespace)
	return nil
}

// useSearchAttributes sends a query that Temporal refuses until it knows all search attributes.
func useSearchAttributes(ctx context.Context, o Options) error {
	query := strings.Join(workflows.SearchAttributes, " = 'none' AND ") + " = 'none'"
	_, err := o.Client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: o.Namespace, Query: query})
	if err != nil {
		return fmt.Errorf("use the search attributes: %w", err)
	}
	return nil
}
