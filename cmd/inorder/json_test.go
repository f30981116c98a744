package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/workflows"
)

// The commands that ask the servers themselves print one JSON document, too, whether they succeed or not.
func TestRecoverAndReconcilePrintOneDocument(t *testing.T) {
	platform, api := testenv.StandIn(t, standin.Options{})
	_, err := platform.Place(standin.Placement{Count: 2})
	require.NoError(t, err)
	clean(t, "DATABASE_URL", testenv.MigratedURL(t), "TEMPORAL_ADDRESS", os.Getenv(testenv.TemporalVariable), "TEMPORAL_NAMESPACE", testenv.Namespace(t),
		"HEADLESS_COMMERCE_API_KEY", standin.DefaultKey, "HEADLESS_COMMERCE_API_URL", api)
	_, errs, code := program(t.Context(), "migrate")
	require.Zero(t, code, errs)

	out, errs, code := asked(t, "recover --json")
	require.Zero(t, code, errs)
	require.Equal(t, recoverView{}, document[recoverView](t, out))

	out, errs, code = asked(t, "orders reconcile --preview --json")
	require.Zero(t, code, errs)
	preview := document[previewView](t, out)
	require.Equal(t, 2, preview.Missing)
	require.Len(t, preview.Orders, 2)
	require.Equal(t, "missing", preview.Orders[0].Drift)

	ctx, stop := context.WithCancel(t.Context())
	worker := make(chan int)
	go func() {
		worker <- run(ctx, []string{"worker"}, streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	}()
	defer func() { stop(); require.Zero(t, <-worker) }()
	out, errs, code = asked(t, "orders reconcile --json")
	require.Zero(t, code, errs)
	require.Equal(t, 2, document[workflows.ReconcileResult](t, out).Missing)
}
