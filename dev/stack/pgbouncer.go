package stack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// ErrNoPgBouncer says that this machine has no pgbouncer: apt-get install pgbouncer, brew install pgbouncer.
var ErrNoPgBouncer = errors.New("pgbouncer is neither in PATH nor in /usr/sbin")

// PgBouncer runs a PgBouncer in transaction mode before the server of the URL, with its defaults but for the number of
// connections to the server. It returns the URL of the same database behind it, and what stops it.
func PgBouncer(ctx context.Context, databaseURL string, serverConns int) (pooled string, stop func() error, err error) {
	program, err := findPgBouncer()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "inorder-pgbouncer-")
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	account, err := postgresAccount(dir) // it refuses to run as root, too
	if err != nil {
		return "", nil, err
	}
	port, err := FreePort()
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", nil, err
	}
	if err := errors.Join(account.own(dir), writePgBouncerFiles(account, dir, u, port, serverConns)); err != nil {
		return "", nil, err
	}
	u.Host = loopback + ":" + strconv.Itoa(port)
	server, err := Launch(ctx, Command{
		Name: "pgbouncer", Dir: dir, Path: program, Args: []string{filepath.Join(dir, "pgbouncer.ini")}, Env: postgresEnv(),
		user: account, Ready: func(ctx context.Context) error { return connects(ctx, u.String()) },
	})
	if err != nil {
		return "", nil, err
	}
	return u.String(), func() error { return errors.Join(server.Stop(), os.RemoveAll(dir)) }, nil
}

func findPgBouncer() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoPgBouncer
}

func writePgBouncerFiles(a *account, dir string, server *url.URL, port, serverConns int) error {
	password, _ := server.User.Password()
	files := map[string]string{
		"users": fmt.Sprintf("%q %q\n", server.User.Username(), password),
		"pgbouncer.ini": fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = %s
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
default_pool_size = %d
`, server.Hostname(), server.Port(), loopback, port, filepath.Join(dir, "users"), serverConns),
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), a.own(path)); err != nil {
			return err
		}
	}
	return nil
}

func connects(ctx context.Context, databaseURL string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
