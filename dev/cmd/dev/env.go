package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"inorder/dev/stack"
)

// forget makes the shell unset the variables that would lead psql, temporal or inorder to other servers, or make them talk
// differently. DATABASE_URL does not override PGSERVICE, PGOPTIONS or PGHOSTADDR, nor TEMPORAL_ADDRESS a TEMPORAL_PROFILE.
const forget = `unset _none $(env | sed -n '/^TEMPORAL_PORT=/d; /^TEMPORAL_UI_PORT=/d; s/^\(PG[A-Z_]*\)=.*/\1/p; s/^\(TEMPORAL_[A-Z_]*\)=.*/\1/p')
`

// writeEnv writes the file env of the state directory, in shell syntax and readable only by its owner. The file exists
// while the system runs and is ready.
func (s settings) writeEnv(servers *stack.Stack, serve, standIn *stack.Server) error {
	postgresPID := "" // somebody else runs PostgreSQL
	if servers.Postgres != nil {
		postgresPID = fmt.Sprint(servers.Postgres.PID())
	}
	var b strings.Builder
	b.WriteString(forget)
	variables := append(clientEnv(servers), [][2]string{
		{"RECEIVER_URL", s.receiverURL()},
		{"ADMIN_URL", reach(s.adminAddr)},
		{"ADMIN_TOKEN", s.adminToken},
		{"TEMPORAL_UI_URL", servers.TemporalUIURL},
		{"WEBHOOK_SECRETS", s.secrets},
		{"POSTGRES_PID", postgresPID},
		{"TEMPORAL_PID", fmt.Sprint(servers.Temporal.PID())},
		{"SERVE_PID", fmt.Sprint(serve.PID())},
	}...)
	if standIn != nil {
		variables = append(append(variables, s.platformEnv()...),
			[2]string{"STANDIN_URL", reach(s.standInAddr)}, [2]string{"STANDIN_PID", fmt.Sprint(standIn.PID())})
	}
	for _, v := range variables {
		fmt.Fprintf(&b, "%s=%s\n", v[0], quote(v[1]))
	}
	unfinished := s.envFile() + ".new"
	if err := os.WriteFile(unfinished, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, s.envFile())
}

// quote quotes the value for a shell.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }

func (s settings) greet(w io.Writer, servers *stack.Stack, standIn *stack.Server) {
	database := "yours, from DATABASE_URL"
	if servers.Postgres != nil {
		u, _ := url.Parse(servers.DatabaseURL)
		database = fmt.Sprintf("%s, log in %s", u.Host, servers.Postgres.LogFile())
	}
	where, try := s.greetStandIn(standIn)
	fmt.Fprintf(w, `
inorder is running. Ctrl-C stops all of it and keeps its state in %s.

  Receiver     %s/webhooks/hc
  Admin API    %s/docs, with $ADMIN_TOKEN; /metrics and /readyz need none
  Temporal UI  %s
  Temporal     %s, log in %s
  PostgreSQL   %s
%s
Try, in another terminal:

  set -a; . %s; set +a
%s  bin/inorder send --story out-of-order
  bin/inorder send --story waiting          # then signal it in the Temporal UI
  psql "$DATABASE_URL" -c 'TABLE orders'
  kill -9 $SERVE_PID                        # and watch it come back
  kill -STOP $TEMPORAL_PID                  # an outage, until kill -CONT

`, s.dir, s.receiverURL(), reach(s.adminAddr), servers.TemporalUIURL, servers.TemporalAddress, servers.Temporal.LogFile(), database, where, quote(s.envFile()), try)
}
