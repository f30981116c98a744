package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/worker"
	"inorder/workflows"
)

// prepared is a namespace with inorder's search attributes.
type prepared struct {
	name string
	err  error
}

// namespaces prepares namespaces in advance, because it takes seconds until all of Temporal knows a new one.
var namespaces = sync.OnceValue(func() <-chan prepared {
	ahead := make(chan prepared, 3)
	go func() {
		for {
			name, err := testenv.NewNamespace()
			if err == nil {
				err = addSearchAttributes(name)
			}
			ahead <- prepared{name, err}
		}
	}()
	return ahead
})

func namespace(t *testing.T) string {
	p := <-namespaces()
	require.NoError(t, p.err)
	return p.name
}

func addSearchAttributes(namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), testenv.Patience)
	defer cancel()
	c, err := client.NewLazyClient(client.Options{HostPort: os.Getenv(testenv.TemporalVariable), Namespace: namespace})
	if err != nil {
		return err
	}
	defer c.Close()
	keywords := map[string]enumspb.IndexedValueType{}
	for _, name := range stack.SearchAttributes {
		keywords[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	query := strings.Join(stack.SearchAttributes, " = 'none' AND ") + " = 'none'"
	for {
		// Temporal refuses to add them if any other namespace is written at the same time, as other tests do. Those that exist it leaves alone.
		_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: keywords})
		if err == nil {
			_, err = c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// claim marks the namespace as `inorder migrate` does, but creates no schedules, so that no job runs by itself.
func (s *system) claim() {
	require.NoError(s.t, worker.Claim(s.t.Context(), worker.Options{Client: s.temporal, Namespace: s.namespace, Pool: s.pool,
		TaskQueue: workflows.DefaultTaskQueue, Log: testenv.Log}))
}

// databaseURL returns the DATABASE_URL that was set last.
func (s *system) databaseURL() (url string) {
	for _, v := range s.env {
		if value, ok := strings.CutPrefix(v, "DATABASE_URL="); ok {
			url = value
		}
	}
	return url
}

// uiLink returns the beginning of links to events in the Temporal UI.
func (s *system) uiLink() string {
	return fmt.Sprintf("http://ui.example.com/namespaces/%s/workflows/evt_", s.namespace)
}
