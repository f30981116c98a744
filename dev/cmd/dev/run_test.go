package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
)

func launch(t *testing.T, script string, args ...string) *stack.Server {
	t.Helper()
	s, err := stack.Launch(t.Context(), stack.Command{
		Name: "program", Dir: t.TempDir(), Path: "/bin/sh", Args: append([]string{"-c", script, "sh"}, args...),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

func TestKilledServerComesBack(t *testing.T) {
	t.Parallel()
	s := launch(t, "exec sleep 60")
	ctx, stop := context.WithCancel(t.Context())
	changed, ended := make(chan int), make(chan error)
	go func() {
		ended <- keepRunning(ctx, []*stack.Server{s}, func(restarted *stack.Server) error { changed <- restarted.PID(); return nil })
	}()
	first := s.PID()
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	require.NotEqual(t, first, <-changed)
	stop()
	require.NoError(t, <-ended, "it was asked to stop")
}

func TestServerThatEndsAtOnceIsGivenUp(t *testing.T) {
	t.Parallel()
	runs := filepath.Join(t.TempDir(), "runs")
	s := launch(t, `echo run >>"$1"; echo the reason; exit 3`, runs)
	err := keepRunning(t.Context(), []*stack.Server{s}, func(*stack.Server) error { return nil })
	require.ErrorContains(t, err, "program ended 3 times")
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "the reason")
	text, err := os.ReadFile(runs)
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(text), "run"))
}

func TestQuoteIsReadBackByTheShell(t *testing.T) {
	value := `it's "$HOME" \ ;|& ` + "`x`"
	out := filepath.Join(t.TempDir(), "out")
	s := launch(t, `eval "V=$1"; printf %s "$V" >"$2"`, quote(value), out)
	require.NoError(t, s.Err())
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, value, string(text))
}

func TestSettings(t *testing.T) {
	program := filepath.Join(t.TempDir(), "inorder")
	require.NoError(t, os.WriteFile(program, nil, 0o700))
	for _, name := range []string{"LISTEN_ADDR", "ADMIN_ADDR", "POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "WEBHOOK_SECRETS", "ADMIN_TOKEN", "PLATFORM", "STANDIN_ADDR"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	s, err := newSettings(dir, program, "platform")
	require.NoError(t, err)
	require.Equal(t, []int{5433, 7233, 8233}, []int{s.postgresPort, s.temporalPort, s.uiPort})
	require.Regexp(t, `^whsec_[A-Z2-7]{26}$`, s.secrets)

	t.Run("secrets are kept", func(t *testing.T) {
		again, err := newSettings(dir, program, "platform")
		require.NoError(t, err)
		require.Equal(t, s.secrets, again.secrets)
		require.Equal(t, s.adminToken, again.adminToken)
	})
	t.Run("the environment's secret is used", func(t *testing.T) {
		t.Setenv("WEBHOOK_SECRETS", "mine")
		s, err := newSettings(dir, program, "platform")
		require.NoError(t, err)
		require.Equal(t, "mine", s.secrets)
	})
	t.Run("a stand-in is there if it is asked for, and only then", func(t *testing.T) {
		s, err := newSettings(dir, program, program)
		require.NoError(t, err)
		require.Empty(t, s.platformEnv())
		require.Len(t, s.options().Others, 2)

		t.Setenv("PLATFORM", "stand-in")
		s, err = newSettings(dir, program, program)
		require.NoError(t, err)
		require.Equal(t, [][2]string{{"HEADLESS_COMMERCE_API_KEY", "sk_test_standin"}, {"HEADLESS_COMMERCE_API_URL", "http://127.0.0.1:3002/v1"}}, s.platformEnv())
		require.Len(t, s.options().Others, 3)
		_, err = newSettings(dir, program, filepath.Join(dir, "missing"))
		require.ErrorContains(t, err, "make bin/standin")
	})
	t.Run("every wrong setting is named", func(t *testing.T) {
		t.Setenv("TEMPORAL_PORT", "70000")
		t.Setenv("LISTEN_ADDR", "3000")
		t.Setenv("STANDIN_ADDR", "3002")
		t.Setenv("PLATFORM", "standin")
		_, err := newSettings(dir, filepath.Join(dir, "missing"), "platform")
		for _, name := range []string{"TEMPORAL_PORT", "LISTEN_ADDR", "STANDIN_ADDR", `PLATFORM is "standin" and must be stand-in`, "make build"} {
			require.ErrorContains(t, err, name)
		}
	})
}

func TestReach(t *testing.T) {
	for addr, url := range map[string]string{
		"127.0.0.1:3000": "http://127.0.0.1:3000",
		":3000":          "http://127.0.0.1:3000",
		"0.0.0.0:80":     "http://127.0.0.1:80",
		"[::]:80":        "http://127.0.0.1:80",
		"host:80":        "http://host:80",
	} {
		require.Equal(t, url, reach(addr), addr)
	}
}
