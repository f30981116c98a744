package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
)

func runReconcile(t *testing.T, args ...string) (out, errs string, code int) {
	return program(t.Context(), append([]string{"orders", "reconcile"}, args...)...)
}

func TestReconcileHelpNamesWhatItNeeds(t *testing.T) {
	out, errs, code := runReconcile(t, "--help")
	require.Zero(t, code, errs)
	text := strings.Join(strings.Fields(out), " ")
	for _, word := range []string{"The worker needs HEADLESS_COMMERCE_API_KEY", "DATABASE_URL", "RECONCILE_WINDOW", "--since", "--preview", "Ctrl-C", "Examples"} {
		require.Contains(t, text, word)
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2025, 1, 15, 12, 0, 0, 5, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"2025-01-01":                time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		"2025-01-15T10:30:00+09:00": time.Date(2025, 1, 15, 1, 30, 0, 0, time.UTC),
		"720h":                      time.Date(2024, 12, 16, 12, 0, 0, 0, time.UTC),
	} {
		got, err := parsePast("--since", text, now)
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s: %s", text, got)
	}
	for text, says := range map[string]string{"soon": "neither a time", "30d": "neither a time", "2026-01-01": "is in the future", "-5m": "is in the future"} {
		_, err := parsePast("--since", text, now)
		require.ErrorContains(t, err, says)
	}
}

func TestAnOrdersIDIsCountedInCharacters(t *testing.T) {
	require.NoError(t, (&reconcileCmd{Order: []string{strings.Repeat("é", 255)}}).Validate())
	require.Error(t, (&reconcileCmd{Order: []string{strings.Repeat("é", 256)}}).Validate())
}

func TestReconcileRefusesInOneLine(t *testing.T) {
	clean(t, "HEADLESS_COMMERCE_API_KEY", "")
	oneLine := func(t *testing.T, errs string) {
		t.Helper()
		require.LessOrEqual(t, len(strings.Split(strings.TrimSpace(errs), "\n")), 2, errs) // and where to find help
		require.NotContains(t, errs, "hunter2")
		require.NotContains(t, errs, standin.DefaultKey)
	}
	for _, line := range []string{"--since soon", "--since 2999-01-01", "order_1 --since 24h", strings.Repeat("x", 256), strings.Repeat("order_1 ", 1001), "--nothing"} {
		_, errs, code := runReconcile(t, strings.Fields(line)...)
		require.Equal(t, exitUsage, code, line)
		oneLine(t, errs)
	}
	t.Run("without Temporal", func(t *testing.T) {
		t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
		_, errs, code := runReconcile(t)
		require.Equal(t, exitError, code)
		require.Contains(t, errs, "start the reconciliation: Temporal at 127.0.0.1:1")
		oneLine(t, errs)
	})
	t.Run("a preview without its settings", func(t *testing.T) {
		_, errs, code := runReconcile(t, "--preview")
		require.Equal(t, exitUsage, code)
		require.Contains(t, errs, "DATABASE_URL: it is not set")
		require.Contains(t, errs, "HEADLESS_COMMERCE_API_KEY: it is not set")
	})
	t.Run("a preview without its database", func(t *testing.T) {
		_, api := testenv.StandIn(t, standin.Options{})
		t.Setenv("HEADLESS_COMMERCE_API_KEY", standin.DefaultKey)
		t.Setenv("HEADLESS_COMMERCE_API_URL", api)
		t.Setenv("DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x")
		_, errs, code := runReconcile(t, "--preview")
		require.Equal(t, exitError, code)
		require.Contains(t, errs, "127.0.0.1")
		oneLine(t, errs)
	})
}
