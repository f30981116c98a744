package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"

	"inorder/internal/await"
	"inorder/internal/store"
	"inorder/migrations"
	"inorder/workflows"
)

// Await returns when PostgreSQL and Temporal are there with all that a worker needs of them. While one is not, it
// logs that and tries again, until ctx ends. What `inorder migrate` has to put there first is an error at once.
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
		warnOfRetention(ctx, o)
	}
	return err
}

// AwaitOwner returns when both servers have said that the database can be used, and that the namespace is this system's.
// While one can't be asked, it logs that and tries again, until ctx ends. If the answer is no, that is an error at once.
func AwaitOwner(ctx context.Context, o Options) error {
	if err := await.Ready(ctx, o.Log, "PostgreSQL", func(ctx context.Context) error { return checkDatabase(ctx, o) }); err != nil {
		return err
	}
	return await.Ready(ctx, o.Log, "Temporal", func(ctx context.Context) error { return checkMark(ctx, o) })
}

// CheckOwner asks once what AwaitOwner asks. Its error is one that await.IsPermanent if the answer is no.
func CheckOwner(ctx context.Context, o Options) error {
	if err := checkDatabase(ctx, o); err != nil {
		return err
	}
	return checkMark(ctx, o)
}

func checkDatabase(ctx context.Context, o Options) error {
	err := migrations.Check(ctx, o.Pool)
	var older *migrations.OlderSchemaError
	var encoding *migrations.EncodingError
	if errors.As(err, &older) || errors.As(err, &encoding) {
		return await.Permanent(err)
	}
	return store.Explain(err)
}

// missingSearchAttributes lists those that the namespace lacks. One of another type than Keyword is an error that
// waiting does not cure.
func missingSearchAttributes(ctx context.Context, o Options) ([]string, error) {
	have, err := o.Client.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: o.Namespace})
	if denied := (*serviceerror.PermissionDenied)(nil); errors.As(err, &denied) {
		return nil, nil // a server that manages them elsewhere; a start says it if one is missing
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
