package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
)

// absurd returns the environment of a developer who works with other servers. No variable in it works with our servers.
func absurd(t *testing.T) (env []string) {
	home := t.TempDir()
	profiles := filepath.Join(home, ".config", "temporalio")
	require.NoError(t, os.MkdirAll(profiles, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(profiles, "temporal.toml"), []byte("[profile.default]\naddress = \"192.0.2.1:1\"\napi_key = \"absurd\"\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".pg_service.conf"), []byte("[absurd]\nhost=192.0.2.1\nsslmode=verify-full\n"), 0o600))
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config"),

		"PGHOST": "absurd.invalid", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "absurd", "PGDATABASE": "absurd", "PGPASSWORD": "absurd",
		"PGPASSFILE": "/absurd", "PGSERVICE": "absurd", "PGSERVICEFILE": filepath.Join(home, ".pg_service.conf"), "PGSYSCONFDIR": "/absurd",
		"PGOPTIONS": "-c search_path=absurd -c absurd=1", "PGTARGETSESSIONATTRS": "standby", "PGCONNECT_TIMEOUT": "absurd", "PGDATA": "/absurd",
		"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/absurd", "PGSSLCERT": "/absurd", "PGSSLKEY": "/absurd", "PGREQUIRESSL": "1",
		"PGSSLMINPROTOCOLVERSION": "absurd", "PGGSSENCMODE": "absurd", "PGCHANNELBINDING": "require", "PGREQUIREAUTH": "none",
		"PGCLIENTENCODING": "absurd", "PGDATESTYLE": "absurd", "PGTZ": "Absurd/Zone", "PGGEQO": "absurd", "PGAPPNAME": "absurd",

		"TEMPORAL_ADDRESS": "192.0.2.1:1", "TEMPORAL_NAMESPACE": "absurd", "TEMPORAL_PROFILE": "absurd", "TEMPORAL_CONFIG_FILE": "/absurd/temporal.toml",
		"TEMPORAL_API_KEY": "absurd", "TEMPORAL_TLS": "true", "TEMPORAL_TLS_CLIENT_CERT_PATH": "/absurd", "TEMPORAL_TLS_CLIENT_KEY_PATH": "/absurd",
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": "/absurd", "TEMPORAL_TLS_SERVER_NAME": "absurd", "TEMPORAL_GRPC_META_ABSURD": "1",
		"TEMPORAL_CODEC_ENDPOINT": "http://192.0.2.1:1", "TEMPORAL_CODEC_AUTH": "absurd", "TEMPORAL_ENV": "absurd", "TEMPORAL_CLIENT_AUTHORITY": "absurd",
	} {
		env = append(env, name+"="+value)
	}
	return env
}

// TestNothingOfTheDevelopersEnvironmentReachesIt runs the system, and then commands like those it suggests, as the developer
// would: in a shell with the whole absurd environment.
func TestNothingOfTheDevelopersEnvironmentReachesIt(t *testing.T) {
	inorder, env := build(t, "inorder/cmd/inorder"), absurd(t)
	s := runSystem(t, inorder, env...)
	temporal, err := stack.TemporalCLI(t.Context(), "../../..", os.Stderr)
	require.NoError(t, err)
	for name, line := range map[string]string{
		"psql":     `test "$(psql -XAt "$DATABASE_URL" -c "SELECT rolsuper, current_setting('search_path') FROM pg_roles WHERE rolname = current_user")" = 'f|"$user", public'`,
		"inorder":  `"$INORDER" send order.created --order order_1 && "$INORDER" send --story refunds`,
		"temporal": `"$TEMPORAL" workflow list && "$TEMPORAL" operator namespace describe "$TEMPORAL_NAMESPACE"`,
	} {
		for _, shell := range []string{"sh", "bash"} {
			try := exec.Command(shell, "-ec", `set -a; . "$FILE"; set +a; `+line)
			try.Env = slices.Concat(os.Environ(), env, []string{"FILE=" + s.file, "INORDER=" + inorder, "TEMPORAL=" + temporal})
			out, err := try.CombinedOutput()
			require.NoError(t, err, "%s in %s: %s", name, shell, out)
		}
	}
	s.stop("SERVE_PID", "TEMPORAL_PID", "POSTGRES_PID")
}

func TestOnlyWhatLeadsToOtherServersIsTakenAway(t *testing.T) {
	for name, value := range map[string]string{"PGSSLMODE": "verify-full", "TEMPORAL_PROFILE": "absurd", "TEMPORAL_PORT": "7300", "PAGER": "cat"} {
		t.Setenv(name, value)
	}
	t.Setenv("TEMPORAL_CONFIG_FILE", "/absurd")
	stack.ClearEnvironment(ports...)
	left := map[string]string{}
	for _, name := range []string{"PGSSLMODE", "TEMPORAL_PROFILE", "TEMPORAL_PORT", "PAGER", "TEMPORAL_CONFIG_FILE"} {
		if value, set := os.LookupEnv(name); set {
			left[name] = value
		}
	}
	require.True(t, maps.Equal(map[string]string{"TEMPORAL_PORT": "7300", "PAGER": "cat", "TEMPORAL_CONFIG_FILE": os.DevNull}, left), left)
}
