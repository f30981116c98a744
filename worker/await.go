package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"inorder/internal/await"
	"inorder/internal/ready"
	"inorder/internal/store"
	"inorder/migrations"
	"inorder/workflows"
)

// Await waits until PostgreSQL and Temporal have all that a worker needs. While one of them does not answer, it logs that
// and tries again, until ctx ends. If `inorder migrate` has to run first, it returns an error at once.
func Await(ctx context.Context, o Options) error {
	if err := AwaitOwner(ctx, o); err != nil {
		return err
	}
	err := await.Ready(ctx, o.Log, "Temporal", func(ctx context.Context) error {
		missing, err := missingSearchAttributes(ctx, o)
		if len(missing) > 0 {
			return await.Permanent(fmt.Errorf("the Temporal namespace %q lacks the search attributes %s: run `inorder migrate`",
				o.Namespace, strings.Join(missing, ", ")))
		}
		return err
	})
	if err == nil {
		adviseOnRetention(ctx, o)
	}
	return err
}

// AwaitOwner waits until it knows that the database has this version's schema and that the namespace belongs to this system.
// While a server does not answer, it logs that and tries again, until ctx ends. If either isn't the case, it returns an error at once.
func AwaitOwner(ctx context.Context, o Options) error {
	if err := await.Ready(ctx, o.Log, "PostgreSQL", func(ctx context.Context) error { return checkDatabase(ctx, o) }); err != nil {
		return err
	}
	return await.Ready(ctx, o.Log, "Temporal", func(ctx context.Context) error {
		// The SDK retries every other call until ctx ends, and its error then doesn't say why.
		if _, err := o.Client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
			return ready.Explain(err)
		}
		return ready.Explain(checkMark(ctx, o))
	})
}

// CheckOwner checks once what AwaitOwner waits for. If either isn't the case, await.IsPermanent reports true for its error.
func CheckOwner(ctx context.Context, o Options) error {
	if err := checkDatabase(ctx, o); err != nil {
		return err
	}
	return checkMark(ctx, o)
}

func checkDatabase(ctx context.Context, o Options) error {
	err := migrations.Check(ctx, o.Pool)
	_, older := errors.AsType[*migrations.OlderSchemaError](err)
	_, encoding := errors.AsType[*migrations.EncodingError](err)
	if older || encoding {
		return await.Permanent(err)
	}
	return store.Explain(err)
}

// missingSearchAttributes returns the names of the search attributes that the namespace lacks. If one has a type other than
// Keyword, that is a permanent error.
func missingSearchAttributes(ctx context.Context, o Options) ([]string, error) {
	have, err := o.Client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: o.Namespace})
	if _, denied := errors.AsType[*serviceerror.PermissionDenied](err); denied {
		return nil, nil // this server manages them elsewhere; if one is missing, each start of a workflow fails with its name
	}
	if err != nil {
		return nil, fmt.Errorf("list the search attributes of namespace %q: %w", o.Namespace, err)
	}
	var missing []string
	for _, name := range workflows.SearchAttributes {
		switch kind, there := have.GetCustomAttributes()[name]; {
		case !there:
			missing = append(missing, name)
		case kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD:
			return nil, await.Permanent(fmt.Errorf("the search attribute %s of namespace %q is of type %s, and must be Keyword: "+
				"rename or remove it, or use another namespace", name, o.Namespace, kind))
		}
	}
	return missing, nil
}
