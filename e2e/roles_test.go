package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// TestTheProgramsRoleCanOnlyAddToTheAudit takes events through their lives with the roles of production, on a server where
// deploy/postgres-roles.sql created them.
func TestTheProgramsRoleCanOnlyAddToTheAudit(t *testing.T) {
	t.Parallel()
	servers, err := stack.Start(t.Context(), stack.Options{Root: testenv.Root()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = servers.Stop() })
	psql := exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", filepath.Join(testenv.Root(), "deploy/postgres-roles.sql"), servers.SuperuserURL)
	psql.Env = append(os.Environ(), "INORDER_PASSWORD=ours", "INORDER_OWNER_PASSWORD=owners", "TEMPORAL_PASSWORD=theirs")
	out, err := psql.CombinedOutput()
	require.NoError(t, err, string(out))
	as := func(role, password string) string {
		u, err := url.Parse(servers.SuperuserURL)
		require.NoError(t, err)
		u.User = url.UserPassword(role, password)
		return u.String()
	}
	s := newBareSystem(t, as("inorder", "ours"), adminEnv(t)...)
	s.env = append(s.env, "RECEIVER_URL="+s.url)
	require.Contains(t, s.operate(1, "migrate"), "permission denied", "it isn't the role that migrates")
	s.owner = as("inorder_owner", "owners")
	require.Contains(t, s.operate(1, "migrate --grant nobody"), "CREATE ROLE")
	require.Contains(t, s.operate(1, "migrate --grant inorder_owner"), "owns the tables")
	for range 2 {
		s.operate(0, "migrate --grant inorder")
	}
	s.pool = testenv.Pool(t, as("inorder", "ours"))
	s.serve()
	s.actInEveryWay()

	_, err = s.pool.Exec(t.Context(), `GRANT ALL ON audit_log TO inorder`)
	require.NoError(t, err, "PostgreSQL warns, and grants nothing, as the next statements show")
	for _, statement := range []string{
		`UPDATE audit_log SET actor = 'nobody'`, `DELETE FROM audit_log`, `TRUNCATE audit_log`, `ALTER TABLE audit_log DISABLE TRIGGER ALL`,
		`DROP TRIGGER audit_log_is_append_only ON audit_log`, `DROP TABLE audit_log`, `ALTER TABLE audit_log RENAME TO gone`, `DROP SCHEMA public CASCADE`,
		`CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
		`SET session_replication_role = replica`, `SET ROLE inorder_owner`, `UPDATE goose_db_version SET version_id = 1`,
		`INSERT INTO audit_log (id, actor, action, via, result) OVERRIDING SYSTEM VALUE VALUES (1, 'a', 'retry', 'api', '') ON CONFLICT (id) DO UPDATE SET actor = 'b'`,
	} {
		_, err := s.pool.Exec(t.Context(), statement)
		require.ErrorContains(t, err, "SQLSTATE 42501", statement)
	}
	require.Positive(t, s.count(`SELECT count(*) FROM audit_log`))
}

// actInEveryWay takes events through their phases and outcomes, and does every action of people to them.
func (s *system) actInEveryWay() {
	t := s.t
	s.liveThrough(3)
	s.operate(0, "send order.paid --order order_early --id evt_early")
	s.operate(0, "send order.paid --order order_early --id evt_bulk")
	s.deliver([]byte(`{"id":"evt_wrong","type":"order.updated","created_at":"2026-01-02T03:04:05Z","data":{"id":"order_early","status":7}}`))
	s.eventually("they wait", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 3 })
	s.operate(0, "events retry evt_early --reason again --yes")
	s.operate(0, "events discard evt_early --reason unwanted --yes")
	s.operate(0, "events replay evt_early --reason wanted --yes")
	// The command returns when the replay has been started. What does not wait yet would be missed by the bulk action.
	s.eventually("it waits again", func() bool { return s.count(`SELECT count(*) FROM pending_events WHERE event_id = 'evt_early'`) == 1 })
	body := filepath.Join(t.TempDir(), "body.json")
	right := `{"id":"evt_wrong","type":"order.updated","created_at":"2026-01-02T03:04:05Z","data":{"id":"order_early","status":"confirmed"}}`
	require.NoError(t, os.WriteFile(body, []byte(right), 0o600))
	s.operate(0, "events amend evt_wrong --reason corrected --yes --body "+body)
	s.operate(0, "events discard --type order.paid --state waiting --reason all --yes")
	s.eventually("all have ended", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE event_id IN ('evt_early', 'evt_bulk')`) == 2
	})
	s.operate(0, "send order.created --order order_early --id evt_created")
	s.eventually("the amended event is applied", func() bool { return s.outcome("evt_wrong") != "" })
	for _, command := range []string{"status", "events list", "events show evt_early", "orders list", "orders show order_early", "audit", "recover", "hooks secrets list"} {
		out, code := s.run(strings.Fields(command)...)
		require.NotContains(t, out, "permission denied", command)
		require.Contains(t, []int{0, 3}, code, "%s: %s", command, out)
	}
	require.NotContains(t, s.log(), "42501")
}
