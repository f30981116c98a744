// Package tools tests files that no compiler checks, such as Dockerfile, docker-compose.yml and the manifests in deploy/.
package tools

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// passwords are the variables that must be set, with values.
var passwords = []string{"POSTGRES_PASSWORD=super", "INORDER_DB_PASSWORD=ours", "INORDER_OWNER_DB_PASSWORD=owners", "TEMPORAL_DB_PASSWORD=theirs"}

func load(t *testing.T, env ...string) (*types.Project, error) {
	o, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithEnv(env), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	return o.LoadProject(context.Background())
}

// project loads the compose file with the passwords and env.
func project(t *testing.T, env ...string) *types.Project {
	p, err := load(t, append(env, passwords...)...)
	require.NoError(t, err)
	return p
}

// setting returns the value of a variable in a service's environment, or "" if it is not set.
func setting(s types.ServiceConfig, name string) string {
	if value := s.Environment[name]; value != nil {
		return *value
	}
	return ""
}

// ours are the services that run inorder.
var ours = []string{"migrate", "receiver", "worker"}

// Docker Compose's own loader checks the schema, the interpolation, and that every referenced name exists.
func TestComposeFileIsValid(t *testing.T) {
	p := project(t, "WEBHOOK_SECRETS=y")
	require.Equal(t, "y", setting(p.Services["receiver"], "WEBHOOK_SECRETS"))
	for _, c := range p.Configs {
		if c.File != "" {
			require.FileExists(t, c.File)
		}
	}
}

func TestComposeFileHasNoDefaultSecret(t *testing.T) {
	for i, missing := range passwords {
		env := append([]string{"WEBHOOK_SECRETS=y"}, passwords[:i]...)
		_, err := load(t, append(env, passwords[i+1:]...)...)
		name, _, _ := strings.Cut(missing, "=")
		require.ErrorContains(t, err, name)
	}
	require.Empty(t, setting(project(t).Services["receiver"], "WEBHOOK_SECRETS"))
	example, err := os.ReadFile("../.env.example")
	require.NoError(t, err)
	for _, pair := range passwords {
		name, _, _ := strings.Cut(pair, "=")
		require.Contains(t, string(example), "\n"+name+"=\n", "it is asked for, and empty")
	}
}

func TestNothingIsPublishedButOnThisMachine(t *testing.T) {
	for name, service := range project(t).Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s %d", name, port.Target)
			require.NotEqual(t, uint32(3001), port.Target, "%s: metrics", name)
		}
	}
	require.Equal(t, "10.0.0.1", project(t, "PUBLISH_ADDR=10.0.0.1").Services["receiver"].Ports[0].HostIP)
	for _, name := range []string{"receiver", "worker"} {
		require.Equal(t, "0.0.0.0:3001", setting(project(t).Services[name], "ADMIN_ADDR"), name)
	}
}

// A password may contain any character that a generator produces.
func TestTheDatabasesPasswordIsInNoURL(t *testing.T) {
	const password = `p@ss/w#rd?%41:'"`
	p, err := load(t, "POSTGRES_PASSWORD=super", "TEMPORAL_DB_PASSWORD=theirs", "INORDER_DB_PASSWORD="+password, "INORDER_OWNER_DB_PASSWORD="+password)
	require.NoError(t, err)
	for _, name := range ours {
		service := p.Services[name]
		u, err := url.Parse(setting(service, "DATABASE_URL"))
		require.NoError(t, err)
		require.Equal(t, map[bool]string{true: "inorder_owner", false: "inorder"}[name == "migrate"], u.User.String(), name)
		require.Equal(t, password, setting(service, "PGPASSWORD"), name)
	}
}

func TestOnlyTheJobThatMakesTheRolesKnowsTheSuperuser(t *testing.T) {
	for name, service := range project(t).Services {
		for variable, value := range service.Environment {
			if value == nil {
				continue
			}
			if *value == "super" {
				require.Contains(t, []string{"postgres", "postgres-roles"}, name, variable)
			}
			if *value == "ours" {
				require.Contains(t, []string{"receiver", "worker", "postgres-roles"}, name, variable)
			}
			if *value == "owners" {
				require.Contains(t, []string{"migrate", "postgres-roles"}, name, variable)
			}
			if *value == "theirs" {
				require.Contains(t, []string{"temporal", "temporal-schema", "postgres-roles"}, name, variable)
			}
		}
	}
	require.Equal(t, types.ShellCommand{"migrate", "--grant", "inorder"}, project(t).Services["migrate"].Command)
	temporal := project(t).Services["temporal"]
	require.Equal(t, "temporal", setting(temporal, "POSTGRES_USER"))
	require.Equal(t, "temporal", setting(project(t).Services["temporal-schema"], "SQL_USER"))
}

// notInContainers are the settings that the compose file fixes itself, or that only other commands use.
var notInContainers = map[string]string{
	"WEBHOOK_SECRETS_FILE": "needs a mount",
	"ADMIN_TOKENS_FILE":    "needs a mount",
	"RECEIVER_URL":         "of send and listen",
	"NGROK_AUTHTOKEN":      "of listen",
	"DATABASE_URL":         "decided", "LISTEN_ADDR": "decided", "ADMIN_ADDR": "decided",
}

// TestEverySettingReachesTheContainers takes the names of the settings from the code of internal/config.
func TestEverySettingReachesTheContainers(t *testing.T) {
	code, err := os.ReadFile("../internal/config/config.go")
	require.NoError(t, err)
	settings := regexp.MustCompile(`r\.\w+\("([A-Z_]+)"`).FindAllStringSubmatch(string(code), -1)
	require.Greater(t, len(settings), 20)
	for _, match := range settings {
		name := match[1]
		if notInContainers[name] != "" {
			continue
		}
		p, reached := project(t, name+"=chosen"), false
		for _, service := range ours {
			reached = reached || setting(p.Services[service], name) == "chosen"
		}
		require.True(t, reached, name)
	}
	require.Equal(t, "chosen", setting(project(t, "RECONCILE_EVERY=chosen").Services["migrate"], "RECONCILE_EVERY"), "migrate sets the schedule")
	require.Empty(t, setting(project(t, "HEADLESS_COMMERCE_API_KEY=k").Services["receiver"], "HEADLESS_COMMERCE_API_KEY"), "only the worker needs it")
}

func TestHealthIsAskedOfWhatKnowsIt(t *testing.T) {
	services := project(t).Services
	require.Contains(t, strings.Join(services["receiver"].HealthCheck.Test, " "), "http://127.0.0.1:3000/readyz")
	require.Contains(t, strings.Join(services["worker"].HealthCheck.Test, " "), "http://127.0.0.1:3001/readyz")
}

func TestServicesHaveNoMorePowerThanTheyNeed(t *testing.T) {
	for name, service := range project(t).Services {
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Empty(t, service.CapAdd, name)
		require.False(t, service.Privileged, name)
		require.Contains(t, service.SecurityOpt, "no-new-privileges:true", name)
		require.Equal(t, name != "temporal-ui", service.ReadOnly, "%s", name) // its image writes into its program's directory
		require.Contains(t, service.Tmpfs, "/tmp", name)
		require.NotEmpty(t, service.Logging.Options["max-size"], name)

		require.NotNil(t, service.Deploy, name)
		limits := service.Deploy.Resources.Limits
		require.Positive(t, limits.NanoCPUs, name)
		require.Positive(t, limits.MemoryBytes, name)
		require.Positive(t, limits.Pids, name)
	}
	require.Equal(t, "postgres", project(t).Services["postgres"].User)
}

func TestTheNumberOfHistoryShardsIsChosen(t *testing.T) {
	require.Equal(t, "512", setting(project(t).Services["temporal"], "NUM_HISTORY_SHARDS"))
}

func TestTheImagesVersionIsGiven(t *testing.T) {
	for _, name := range ours {
		require.Equal(t, "v1", *project(t, "VERSION=v1").Services[name].Build.Args["VERSION"], name)
	}
}
