package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// database is both the database and its owner. Loopback only, trusted without a password: it holds development data, and
// a password would have to be kept beside it.
const database = "inorder"

func startPostgres(ctx context.Context, dir string, o Options) (*Process, string, error) {
	port, err := Port(o.PostgresPort, "PostgreSQL", "POSTGRES_PORT")
	if err != nil {
		return nil, "", err
	}
	user, err := serverUser()
	if err != nil {
		return nil, "", err
	}
	bin, err := postgresBin(ctx, dir, user, o.Out)
	if err != nil {
		return nil, "", err
	}
	data := filepath.Join(dir, "postgres")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		if err := initDB(ctx, bin, data, user); err != nil {
			return nil, "", err
		}
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200")
	cmd.SysProcAttr = user.attr()
	cmd.Dir = "/"
	p, err := StartProcess("PostgreSQL", cmd, filepath.Join(dir, "postgres.log"), syscall.SIGINT) // a fast shutdown
	if err != nil {
		return nil, "", err
	}
	url := fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s", database, port, database)
	if err := p.await(ctx, func(ctx context.Context) error { return createDatabase(ctx, port) }); err != nil {
		return nil, "", errors.Join(err, p.Stop())
	}
	return p, url, nil
}

func initDB(ctx context.Context, bin, data string, user serverAccount) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if err := user.own(data); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", database, "--auth=trust", "--encoding=UTF8", "--locale=C")
	cmd.SysProcAttr = user.attr()
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out)), os.RemoveAll(data))
	}
	return nil
}

// createDatabase succeeds when the server answers and the database is there.
func createDatabase(ctx context.Context, port int) error {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres", database, port))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `CREATE DATABASE `+database)
	var exists *pgconn.PgError
	if errors.As(err, &exists) && exists.Code == "42P04" {
		return nil
	}
	return err
}

// await asks until the server answers, and gives up when it ends or ctx does.
func (p *Process) await(ctx context.Context, ask func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := ask(try)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.earlyEnd()
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer in time: %w; its log is %s", p.name, err, p.log)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
