package stack

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// PgBouncer starts a PgBouncer in transaction mode in front of the server of databaseURL. It uses PgBouncer's defaults,
// except for the number of connections to the server. It returns the URL of the same database through PgBouncer, and a
// function that stops it. The error wraps ErrNotInstalled if PgBouncer is missing.
func PgBouncer(ctx context.Context, databaseURL string, serverConns int) (pooled string, stop func() error, err error) {
	port, err := FreePort()
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", nil, err
	}
	files := pgBouncerFiles(u, port, serverConns)
	u.Host = loopback + ":" + strconv.Itoa(port)
	stop, err = Beside{Program: "pgbouncer", Files: files, Args: []string{"{dir}/pgbouncer.ini"},
		Ready: func(ctx context.Context) error { return connects(ctx, u.String()) }}.Run(ctx)
	return u.String(), stop, err
}

func pgBouncerFiles(server *url.URL, port, serverConns int) map[string]string {
	password, _ := server.User.Password()
	return map[string]string{
		"users": fmt.Sprintf("%q %q\n", server.User.Username(), password),
		"pgbouncer.ini": fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = %s
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {dir}/users
pool_mode = transaction
default_pool_size = %d
`, server.Hostname(), server.Port(), loopback, port, serverConns),
	}
}

func connects(ctx context.Context, databaseURL string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
