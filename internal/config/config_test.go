package config

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const needAll = NeedDatabase | NeedSigner

// good is the smallest environment that every command runs with.
var good = map[string]string{
	"DATABASE_URL":    "postgres://inorder:hunter2@127.0.0.1:5432/inorder",
	"WEBHOOK_SECRETS": "whsec_hush",
	// Not the file of whoever runs the tests.
	"TEMPORAL_CONFIG_FILE": "/dev/null",
}

// with returns good, overlaid with pairs of names and values.
func with(pairs ...string) environment {
	values := maps.Clone(good)
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return environment{
		lookup: func(name string) (string, bool) { value, set := values[name]; return value, set },
		all: func() (all []string) {
			for name, value := range values {
				all = append(all, name+"="+value)
			}
			return all
		},
	}
}

func problems(t *testing.T, need Need, env environment) []string {
	t.Helper()
	_, err := load(need, env)
	require.True(t, IsError(err), "%v", err)
	return err.(*Error).Problems
}

func TestDefaults(t *testing.T) {
	c, err := load(needAll, with())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:3000", c.ListenAddr)
	require.Equal(t, "127.0.0.1:3001", c.AdminAddr)
	require.Equal(t, 1<<20, c.MaxBodyBytes)
	require.Equal(t, 67108864, c.MaxBodyMemory)
	require.Equal(t, 4096, c.MaxConnections)
	require.Equal(t, "http://127.0.0.1:3000", c.ReceiverURL)
	require.EqualValues(t, 16, c.Pool.MaxConns)
	require.Equal(t, "inorder", c.TaskQueue)
	require.Equal(t, "localhost:7233", c.Temporal.HostPort)
	require.Equal(t, "default", c.Temporal.Namespace)
	require.Equal(t, 720*time.Hour, c.EventRetention)
	require.Equal(t, 168*time.Hour, c.RedeliveryHorizon)
	require.Equal(t, time.Minute, c.PendingRecheck)
	require.Equal(t, 24*time.Hour, c.StuckAfter)
	require.Equal(t, 720*time.Hour, c.PendingTTL)
	require.Equal(t, 720*time.Hour, c.PayloadRetention)
	require.Equal(t, 168*time.Hour, c.RefusedRetention)
	require.Zero(t, c.AuditRetention, "for ever")
	require.Equal(t, 10*time.Minute, c.ReconcileAfter)
	require.Equal(t, time.Hour, c.MaxEventSkew)
	require.Equal(t, "https://api.headlesscommerce.io/v1", c.PlatformURL)
	require.Equal(t, slog.LevelInfo, c.LogLevel)
	require.Equal(t, "text", c.LogFormat)
}

func TestValuesThatAreRight(t *testing.T) {
	c, err := load(needAll, with(
		"LISTEN_ADDR", ":8080", "WEBHOOK_SECRETS", " whsec_new , whsec_old", "MAX_BODY_BYTES", "1900000",
		"DATABASE_URL", "postgres://u:p%40ss@db:5432/x?pool_max_conns=4", "TEMPORAL_ADDRESS", "temporal.example.com:7233",
		"TEMPORAL_NAMESPACE", "shop", "EVENT_RETENTION", "168h", "LOG_LEVEL", "debug", "LOG_FORMAT", "json",
		"RECEIVER_URL", "https://hooks.example.com/", "TASK_QUEUE", ""))
	require.NoError(t, err)
	require.Equal(t, ":8080", c.ListenAddr)
	require.Equal(t, []string{"whsec_new", "whsec_old"}, c.WebhookSecrets)
	require.Equal(t, 1_900_000, c.MaxBodyBytes)
	require.EqualValues(t, 4, c.Pool.MaxConns)
	require.Equal(t, "p@ss", c.Pool.ConnConfig.Password)
	require.Equal(t, "temporal.example.com:7233", c.Temporal.HostPort)
	require.Equal(t, "shop", c.Temporal.Namespace)
	require.Equal(t, c.RedeliveryHorizon, c.EventRetention)
	require.Equal(t, c.EventRetention, c.PayloadRetention, "it follows")
	require.Equal(t, c.EventRetention, c.PendingTTL, "it follows")
	require.Equal(t, slog.LevelDebug, c.LogLevel)
	require.Equal(t, "https://hooks.example.com", c.ReceiverURL)
	require.Equal(t, "inorder", c.TaskQueue, "set to nothing is not set")
}

func TestWhatIsNeededDependsOnTheCommand(t *testing.T) {
	none := with("DATABASE_URL", "", "WEBHOOK_SECRETS", "")
	c, err := load(0, none)
	require.NoError(t, err)
	require.Nil(t, c.Pool)
	require.Len(t, problems(t, NeedDatabase, none), 1)
	require.Len(t, problems(t, NeedSigner, none), 1)
	require.Len(t, problems(t, needAll, none), 2)
}

func TestSecretsMayComeFromThreePlaces(t *testing.T) {
	none := []string{"DATABASE_URL", "", "WEBHOOK_SECRETS", ""}
	got := problems(t, NeedSecrets, with(none...))
	require.Len(t, got, 1)
	for _, name := range []string{"WEBHOOK_SECRETS", "WEBHOOK_SECRETS_FILE", "DATABASE_URL", "inorder hooks register"} {
		require.Contains(t, got[0], name)
	}
	for _, place := range [][]string{{"WEBHOOK_SECRETS", "whsec_hush"}, {"WEBHOOK_SECRETS_FILE", "/etc/inorder/secrets"}, {"DATABASE_URL", good["DATABASE_URL"]}} {
		_, err := load(NeedSecrets, with(append(none, place...)...))
		require.NoError(t, err, place[0])
	}
	require.Len(t, problems(t, NeedSigner, with("WEBHOOK_SECRETS", "")), 1, "what signs needs a secret of its own")
}

func TestACommandThatNeedsNoDatabaseTakesFewConnections(t *testing.T) {
	c, err := load(NeedSecrets, with())
	require.NoError(t, err)
	require.EqualValues(t, 2, c.Pool.MaxConns)
	c, err = load(NeedSecrets, with("DATABASE_URL", good["DATABASE_URL"]+"?pool_max_conns=9"))
	require.NoError(t, err)
	require.EqualValues(t, 9, c.Pool.MaxConns)
}

var badValues = []struct{ name, value string }{
	{"LISTEN_ADDR", "3000"},
	{"LISTEN_ADDR", "localhost:http"},
	{"LISTEN_ADDR", "localhost:70000"},
	{"ADMIN_ADDR", "localhost"},
	{"MAX_BODY_BYTES", "0"},
	{"MAX_BODY_BYTES", "1900001"},
	{"MAX_BODY_BYTES", "1MiB"},
	{"MAX_BODY_MEMORY", "64M"},
	{"MAX_BODY_MEMORY", "2097151"}, // less than two of MAX_BODY_BYTES
	{"MAX_CONNECTIONS", "0"},
	{"MAX_CONNECTIONS", "many"},
	{"RECEIVER_URL", "127.0.0.1:3000"},
	{"RECEIVER_URL", "http://user:hunter2@127.0.0.1:3000"},
	{"HEADLESS_COMMERCE_API_URL", "ftp://api.example.com"},
	{"TEMPORAL_UI_URL", "127.0.0.1:8233"},
	{"ADMIN_URL", "127.0.0.1:3001"},
	{"EVENT_RETENTION", "30d"},
	{"REDELIVERY_HORIZON", "a week"},
	{"PENDING_RECHECK", "0s"},
	{"STUCK_AFTER", "soon"},
	{"PENDING_TTL", "-720h"},
	{"RECONCILE_AFTER", "10"},
	{"MAX_EVENT_SKEW", "1 h"},
	{"EVENT_RETENTION", "167h"}, // shorter than REDELIVERY_HORIZON
	{"STUCK_AFTER", "720h"},     // not shorter than PENDING_TTL
	{"LOG_LEVEL", "verbose"},
	{"LOG_FORMAT", "xml"},
	{"OTEL_SDK_DISABLED", "maybe"},
	{"OTEL_TRACES_EXPORTER", "zipkin"},
	{"OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"},
	{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://hunter2@h"},
	{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
	{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "udp"},
	{"OTEL_TRACES_SAMPLER", "sometimes"},
	{"OTEL_TRACES_SAMPLER_ARG", "NaN"},
	{"OTEL_TRACES_SAMPLER_ARG", "1.1"},
	{"WEBHOOK_SECRETS", "whsec_hush,,whsec_hush"},
	{"WEBHOOK_SECRETS", "whsec_hush,"},
	{"WEBHOOK_SECRETS", " "},
	{"WEBHOOK_SECRETS", `"whsec_hush"`},
	{"WEBHOOK_SECRETS", "'whsec_hush,whsec_other"},
	{"WEBHOOK_SECRETS", "WEBHOOK_SECRETS=whsec_hush"},
	{"WEBHOOK_SECRETS", "whsec_hu sh"},
	{"WEBHOOK_SECRETS", "whsec_other,whsec_hush\nwhsec_hush"},
	{"TEMPORAL_ADDRESS", "temporal.example.com"},
	{"TEMPORAL_TLS", "yes"},
	{"DATABASE_URL", "127.0.0.1:5432/inorder"},
	{"DATABASE_URL", "mysql://u:hunter2@h/x"},
	{"DATABASE_URL", "postgres://u:hunter2@h:99999/x"},
	{"DATABASE_URL", "postgres://u:hunter2@h/x?sslmode=maybe"},
	{"DATABASE_URL", "postgres://u:hunter2@h/x?pool_max_conns=many"},
	{"DATABASE_URL", "postgres://u:1@hunter2@h/x"},
	{"DATABASE_URL", "postgres://u:hunter2/@h/x"},
	{"DATABASE_URL", "postgres://u:12/hunter2@h/x"},
	{"DATABASE_URL", "postgres://u:12:hunter2@h:port/x"},
	{"DATABASE_URL", "host=h password=hunter2 sslmode=maybe"},
	{"DATABASE_URL", "postgres://h:99999/x?password=hunter2"},
}

func TestBadValuesAreNamed(t *testing.T) {
	for _, tc := range badValues {
		t.Run(tc.name+"="+tc.value, func(t *testing.T) {
			got := problems(t, needAll, with(tc.name, tc.value))
			require.Len(t, got, 1)
			require.True(t, strings.HasPrefix(got[0], tc.name+": "), got[0])
			require.NotContains(t, got[0], "hunter2")
			require.NotContains(t, got[0], "hush")
		})
	}
}

func TestAllProblemsAreNamedAtOnce(t *testing.T) {
	got := problems(t, needAll, with("LISTEN_ADDR", "x", "WEBHOOK_SECRETS", "", "DATABASE_URL", "", "STUCK_AFTER", "x", "LOG_LEVEL", "x",
		"TEMPORAL_ADDRESS", "x", "MAX_BODY_BYTES", "x", "EVENT_RETENTION", "1h"))
	var names []string
	for _, p := range got {
		name, _, _ := strings.Cut(p, ":")
		names = append(names, name)
	}
	slices.Sort(names)
	require.Equal(t, []string{"DATABASE_URL", "EVENT_RETENTION", "LISTEN_ADDR", "LOG_LEVEL", "MAX_BODY_BYTES", "STUCK_AFTER",
		"TEMPORAL_ADDRESS", "WEBHOOK_SECRETS"}, names)
}

func TestATemporalFileThatIsWrongIsNotQuoted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(file, []byte("[profile.default]\napi_key = hunter2\n"), 0o600))
	got := problems(t, needAll, with("TEMPORAL_CONFIG_FILE", file))
	require.Len(t, got, 1)
	require.True(t, strings.HasPrefix(got[0], "TEMPORAL_CONFIG_FILE: "), got[0])
	require.NotContains(t, got[0], "hunter")
}

func TestEveryProblemShowsARightValue(t *testing.T) {
	for _, p := range problems(t, needAll, with("LISTEN_ADDR", "x", "WEBHOOK_SECRETS", "a,,b", "DATABASE_URL", "x", "STUCK_AFTER", "x",
		"LOG_LEVEL", "x", "LOG_FORMAT", "x", "TEMPORAL_ADDRESS", "x", "MAX_BODY_BYTES", "x", "RECEIVER_URL", "x")) {
		require.Contains(t, p, "for example")
	}
}

func TestConnectionsWorkThroughAPooler(t *testing.T) {
	for _, name := range []string{"PGAPPNAME", "PGOPTIONS", "PGTZ"} { // of whoever runs the tests
		t.Setenv(name, "")
	}
	load := func(pairs ...string) *pgx.ConnConfig {
		c, err := load(needAll, with(pairs...))
		require.NoError(t, err)
		return c.Pool.ConnConfig
	}
	url := good["DATABASE_URL"]
	require.Equal(t, pgx.QueryExecModeCacheDescribe, load().DefaultQueryExecMode)
	require.Equal(t, pgx.QueryExecModeCacheStatement, load("DATABASE_URL", url+"?default_query_exec_mode=cache_statement").DefaultQueryExecMode, "the URL wins")
	require.Equal(t, "UTF8", load("DATABASE_URL", url+"?client_encoding=LATIN1").RuntimeParams["client_encoding"])
	require.Equal(t, map[string]string{"application_name": "inorder", "client_encoding": "UTF8"}, load().RuntimeParams, "all that PgBouncer takes by itself")
}
