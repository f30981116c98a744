// Package tools checks what no compiler does.
package tools

import (
	"context"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/stretchr/testify/require"
)

func load(t *testing.T, env ...string) error {
	o, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithEnv(env), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	_, err = o.LoadProject(context.Background())
	return err
}

// Docker Compose's own loader: schema, interpolation, and that every name that is referred to exists.
func TestComposeFileIsValid(t *testing.T) {
	require.NoError(t, load(t, "POSTGRES_PASSWORD=x", "WEBHOOK_SECRETS=y"))
}

func TestComposeFileHasNoDefaultSecret(t *testing.T) {
	require.ErrorContains(t, load(t, "WEBHOOK_SECRETS=y"), "POSTGRES_PASSWORD")
	require.ErrorContains(t, load(t, "POSTGRES_PASSWORD=x"), "WEBHOOK_SECRETS")
}
