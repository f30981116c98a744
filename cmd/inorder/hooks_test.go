package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHelpOfHooksAndListen(t *testing.T) {
	for command, names := range map[string][]string{
		"hooks":              {"need HEADLESS_COMMERCE_API_KEY and DATABASE_URL", "A first session"},
		"hooks register":     {"Needs HEADLESS_COMMERCE_API_KEY and DATABASE_URL", "HEADLESS_COMMERCE_API_URL", "Examples"},
		"hooks list":         {"DATABASE_URL", "Examples"},
		"hooks show":         {"DATABASE_URL", "Example"},
		"hooks update":       {"DATABASE_URL", "Example"},
		"hooks enable":       {"DATABASE_URL", "Example"},
		"hooks disable":      {"DATABASE_URL", "Example"},
		"hooks test":         {"TEMPORAL_UI_URL", "TASK_QUEUE", "Default: product.updated", "--remove", "Example"},
		"hooks rotate":       {"--keep", "it may be run again", "Example"},
		"hooks delete":       {"--force", "Example"},
		"hooks secrets list": {"Needs DATABASE_URL. It does not ask the platform", "Example"},
		"hooks secrets end":  {"Needs DATABASE_URL. It does not ask the platform", "--in", "Example"},
		"hooks sweep":        {"never touched", "Example"},
		"listen":             {"NGROK_AUTHTOKEN", "--public-url", "RECEIVER_URL", "Examples"},
	} {
		out, errs, code := program(t.Context(), append(strings.Fields(command), "--help")...)
		require.Zero(t, code, errs)
		text := strings.Join(strings.Fields(out), " ")
		for _, name := range names {
			require.Contains(t, text, name, command)
		}
		require.NotContains(t, text, "--lease")
	}
}

func TestWrongLinesOfHooksAndListen(t *testing.T) {
	clean(t, "HEADLESS_COMMERCE_API_KEY", "", "HEADLESS_COMMERCE_API_URL", "", "NGROK_AUTHTOKEN", "")
	for line, says := range map[string]string{
		"hooks register http://shop.example.com":                    "is not https",
		"hooks register https://u:hunter2@shop.example.com":         "leave it out",
		"hooks register https://shop.example.com --events order.*":  "a whole family",
		"hooks register https://shop.example.com --events order.x,": "is not an event",
		"hooks update wh_1":                          "--url, --events or both",
		"hooks rotate wh_1 --keep -1h":               "--keep and --overlap must be",
		"hooks delete wh_1 --keep -1h":               "--keep must be",
		"hooks test wh_1 --event *":                  "one type",
		"hooks test":                                 "give the ID of the webhook to test",
		"hooks test wh_1 --remove evt_1":             "give the ID of the webhook to test",
		"hooks secrets end 00000000 --in -1h":        "--in must be",
		"hooks test wh_1 --event order.payed":        "did you mean order.paid?",
		"listen --public-url https://x.example/?a=b": "no query",
		"listen --name ../x":                         "--name",
		"hooks list":                                 "HEADLESS_COMMERCE_API_KEY: it is not set",
		"listen":                                     "DATABASE_URL: it is not set",
	} {
		_, errs, code := program(t.Context(), strings.Fields(line)...)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, says, line)
		require.NotContains(t, errs, "hunter2")
	}
}
