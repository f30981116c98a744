package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"inorder/internal/devstack"
)

// kept is a secret of this checkout: the environment's, or else a random one that is made once and kept in a file.
func kept(file, prefix, name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(prefix + rand.Text())
		err = os.WriteFile(file, text, 0o600)
	}
	return strings.TrimSpace(string(text)), err
}

// writeEnv writes .dev/env, for `set -a; . .dev/env`. It is there while the system runs.
func (s settings) writeEnv(stack *devstack.Stack, servePID int) error {
	var b strings.Builder
	for _, v := range [][2]any{
		{"RECEIVER_URL", s.receiverURL()},
		{"ADMIN_URL", "http://" + s.adminAddr},
		{"ADMIN_TOKEN", s.adminToken},
		{"DATABASE_URL", stack.DatabaseURL},
		{"TEMPORAL_ADDRESS", stack.TemporalAddress},
		{"TEMPORAL_UI_URL", stack.TemporalUIURL},
		{"WEBHOOK_SECRETS", s.secrets},
		{"POSTGRES_PID", pid(stack.PostgresPID)},
		{"TEMPORAL_PID", pid(stack.TemporalPID)},
		{"SERVE_PID", pid(servePID)},
	} {
		fmt.Fprintf(&b, "%s=%s\n", v[0], quote(fmt.Sprint(v[1])))
	}
	return os.WriteFile(s.envFile, []byte(b.String()), 0o600)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@,=+-]*$`)

// quote is the value as a shell reads it back.
func quote(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// pid is empty for a server that somebody else runs.
func pid(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (s settings) greet(w io.Writer, stack *devstack.Stack) {
	fmt.Fprintf(w, `
inorder is running. Ctrl-C stops all of it; what it knows is kept.

  receiver     %s/webhooks/hc
  Temporal UI  %s
  PostgreSQL   %s

Try, in another terminal:

  set -a; . .dev/env; set +a
  bin/inorder send --story out-of-order
  bin/inorder send --story waiting        # then signal it in the Temporal UI
  psql "$DATABASE_URL" -c 'TABLE orders'
  kill -9 $SERVE_PID                      # and watch it recover

`, s.receiverURL(), stack.TemporalUIURL, stack.DatabaseURL)
}
