// Package tools checks what no compiler does.
package tools

import (
	"context"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

func load(t *testing.T, env ...string) (*types.Project, error) {
	o, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithEnv(env), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	return o.LoadProject(context.Background())
}

// Docker Compose's own loader: schema, interpolation, and that every name that is referred to exists.
func TestComposeFileIsValid(t *testing.T) {
	_, err := load(t, "POSTGRES_PASSWORD=x", "WEBHOOK_SECRETS=y")
	require.NoError(t, err)
}

func TestComposeFileHasNoDefaultSecret(t *testing.T) {
	_, err := load(t, "WEBHOOK_SECRETS=y")
	require.ErrorContains(t, err, "POSTGRES_PASSWORD")
	project, err := load(t, "POSTGRES_PASSWORD=x")
	require.NoError(t, err)
	require.Empty(t, *project.Services["receiver"].Environment["WEBHOOK_SECRETS"])
}

func TestComposeFilePublishesNoMetrics(t *testing.T) {
	project, err := load(t, "POSTGRES_PASSWORD=x")
	require.NoError(t, err)
	for _, name := range []string{"receiver", "worker"} {
		service := project.Services[name]
		require.Equal(t, "0.0.0.0:3001", *service.Environment["ADMIN_ADDR"], name)
		for _, port := range service.Ports {
			require.NotEqual(t, uint32(3001), port.Target, name)
		}
	}
}
