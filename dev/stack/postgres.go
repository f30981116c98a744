package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres is our own PostgreSQL server. It listens on 127.0.0.1 only, without a Unix socket. The role inorder owns the
// database inorder and has no other privileges, as it should be in production; the superuser is postgres. The server requires
// passwords, because otherwise every user of the machine could run programs through it.
type postgres struct {
	dir   string // for the log, the PID file and the passwords
	port  int
	fsync bool   // without it, commits survive a killed server but possibly not a machine that crashes
	root  string // the checkout, which has the program that downloads PostgreSQL
	out   io.Writer

	connections int // the limit; 0: 300

	user       *account
	home       string // dir, or another directory if user can't enter dir
	bin        string // where postgres and initdb are
	owner      login  // the role inorder
	superuser  login
	legacyRole bool // the data are from an older version, whose only role, inorder, was a superuser
}

// login is a role of the server with its password.
type login struct{ role, password string }

func (p *postgres) data() string { return filepath.Join(p.home, "postgres") }

// url returns the URL of a database for a role. It sets sslmode, which clients would otherwise take from elsewhere.
func (p *postgres) url(l login, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(l.role, l.password), Host: loopback + ":" + strconv.Itoa(p.port),
		Path: database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// start prepares what is missing, starts the server, and returns when the database inorder is usable.
func (p *postgres) start(ctx context.Context) (*Server, error) {
	if err := errors.Join(p.prepare(ctx), p.removeStaleLock()); err != nil {
		return nil, fmt.Errorf("prepare PostgreSQL: %w", err)
	}
	args := []string{"-D", p.data(), "-p", strconv.Itoa(p.port),
		"-c", "listen_addresses=" + loopback, "-c", "unix_socket_directories=", "-c", "max_connections=" + strconv.Itoa(cmp.Or(p.connections, 300)),
		"-c", "logging_collector=off", "-c", "log_destination=stderr"}
	if !p.fsync {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	return Launch(ctx, Command{
		Name: "postgres", Dir: p.dir, Path: filepath.Join(p.bin, "postgres"), Args: args, Env: postgresEnv(),
		Work: p.data(), user: p.user, Ready: p.ready,
		Signal: syscall.SIGINT, // a fast shutdown, which does not wait for clients
		Grace:  time.Minute,    // it writes all that is dirty
	})
}

// prepare finds the programs, the account and the passwords, and creates the data directory if there is none.
func (p *postgres) prepare(ctx context.Context) (err error) {
	if p.user, err = postgresAccount(filepath.Join(p.dir, "postgres")); err != nil {
		return err
	}
	if p.home, err = p.user.home(p.dir); err != nil {
		return err
	}
	if p.bin, err = p.find(ctx); err != nil {
		return err
	}
	version, err := os.ReadFile(filepath.Join(p.data(), "PG_VERSION"))
	if err := p.logins(err == nil); err != nil {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return p.initdb()
	} else if err != nil {
		return err
	}
	if have, want := majorOf(p.user, p.bin), strings.TrimSpace(string(version)); have != want {
		return fmt.Errorf("the data in %s was created by PostgreSQL %s, but %s has version %q: put PostgreSQL %s into PATH, or run make clean to start from scratch",
			p.data(), want, p.bin, have, want)
	}
	return nil
}

// logins reads the passwords, or creates them. If there are data but no superuser's password, the data are from an older version.
func (p *postgres) logins(haveData bool) (err error) {
	superuser := filepath.Join(p.dir, "postgres.superuser.password")
	if _, err := os.Stat(superuser); haveData && errors.Is(err, fs.ErrNotExist) {
		p.legacyRole = true
		fmt.Fprintln(p.out, "PostgreSQL: an older version of inorder created this data, so inorder's role is a superuser; to start from scratch, run make clean")
	}
	p.owner.role, p.superuser.role = "inorder", "postgres"
	if p.owner.password, err = KeptSecret(filepath.Join(p.dir, "postgres.password"), ""); err != nil {
		return err
	}
	if p.legacyRole {
		p.superuser = p.owner
		return nil
	}
	p.superuser.password, err = KeptSecret(superuser, "")
	return err
}

// initdb creates the data directory under another name and renames it when it is complete, so that a run that is
// killed halfway leaves no incomplete data directory.
func (p *postgres) initdb() error {
	unfinished := p.data() + ".new"
	for _, dir := range []string{unfinished, p.data()} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	password := p.data() + ".pwfile"
	if err := os.WriteFile(password, []byte(p.superuser.password), 0o600); err != nil {
		return err
	}
	defer os.Remove(password)
	if err := errors.Join(p.user.own(unfinished), p.user.own(password)); err != nil {
		return err
	}
	args := []string{"-D", unfinished, "-U", p.superuser.role, "--auth=scram-sha-256", "--pwfile=" + password, "--encoding=UTF8", "--locale=C"}
	if !p.fsync {
		args = append(args, "--no-sync")
	}
	if out, err := p.user.command(filepath.Join(p.bin, "initdb"), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Rename(unfinished, p.data())
}

// ready creates the role and the database on the first start. It checks whether they exist instead of letting CREATE fail,
// because PostgreSQL logs the text of a failed statement, which contains the password.
func (p *postgres) ready(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.url(p.superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var role, database bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'inorder'), EXISTS (SELECT FROM pg_database WHERE datname = 'inorder')`).
		Scan(&role, &database)
	if err == nil && !role {
		_, err = conn.Exec(ctx, `CREATE ROLE inorder LOGIN PASSWORD '`+strings.ReplaceAll(p.owner.password, `'`, `''`)+`'`)
	}
	if err == nil && !database {
		_, err = conn.Exec(ctx, `CREATE DATABASE inorder OWNER inorder`)
	}
	return err
}

// removeStaleLock removes postmaster.pid if the process that it names is not a PostgreSQL. PIDs are reused, in a container
// very soon, and the server would mistake any living process for another server. It handles all other cases itself.
func (p *postgres) removeStaleLock() error {
	lock := filepath.Join(p.data(), "postmaster.pid")
	text, err := os.ReadFile(lock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err == nil && strings.Contains(commandLine(pid), "postgres") {
		return nil
	}
	return os.Remove(lock)
}

// remove deletes what is kept outside dir. The server must not be running.
func (p *postgres) remove() error {
	if p.home == p.dir {
		return nil
	}
	return os.RemoveAll(p.home) // does nothing if home is still empty
}

// KeptSecret returns the secret in the file. If the file is missing or empty, it writes one that only its owner can read,
// with prefix followed by at least 128 random bits.
func KeptSecret(file, prefix string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil && len(text) > 0 {
		return string(text), nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret := prefix + rand.Text()
	return secret, os.WriteFile(file, []byte(secret), 0o600)
}

// postgresEnv returns our environment without the variables that would redirect PostgreSQL's programs, such as PGDATA.
func postgresEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") {
			env = append(env, kv)
		}
	}
	return env
}
