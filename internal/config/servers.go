package config

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// defaultMaxConns is the pool's size, and so how many events a worker applies at once, unless the URL sets pool_max_conns. More
// would only wait for one another's disk writes.
const defaultMaxConns = 16

// fewConns is the pool's size for a command that can do without a database, such as the receiver, which reads secrets there.
const fewConns = 2

const exampleDatabaseURL = "postgres://inorder:PASSWORD@127.0.0.1:5432/inorder?sslmode=disable"

const escapePassword = "it is not a PostgreSQL URL; in a password write special characters such as / # ? @ as %2F %23 %3F %40"

// postgres reads the database's URL.
func (r *reader) postgres(name string, needed bool) *pgxpool.Config {
	value, set := r.env.LookupEnv(name)
	if !set {
		if needed {
			r.problem(name, "it is not set; it says where PostgreSQL is, for example %s", exampleDatabaseURL)
		}
		return nil
	}
	c, err := PoolConfig(value)
	switch {
	case err != nil:
		r.problem(name, "%s; for example %s", whyNotPostgres(value), exampleDatabaseURL)
		return nil
	case strings.Contains(c.ConnConfig.Host+c.ConnConfig.Database, "@"): // half a password, which would be logged as a host
		r.problem(name, "%s; for example %s", escapePassword, exampleDatabaseURL)
		return nil
	}
	if !strings.Contains(value, "pool_max_conns") {
		if c.MaxConns = defaultMaxConns; !needed {
			c.MaxConns = fewConns
		}
	}
	return c
}

// PoolConfig parses a connection URL, or keywords and values, as pgx and libpq do, and adds what all our connections share. They
// work through a pooler that gives each transaction another connection. They prepare statements only if they are direct, unless
// the URL sets default_query_exec_mode. They use UTF-8, whatever the URL, PGCLIENTENCODING or PGOPTIONS say.
func PoolConfig(databaseURL string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(databaseURL, "default_query_exec_mode") {
		prepareOnDirect(c)
	}
	c.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "inorder"
	}
	return c, nil
}

// whyNotPostgres parses the URL again without its passwords, because the parser's errors quote what they could not read.
func whyNotPostgres(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return escapePassword
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "it is not a URL that begins with postgres://"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "REDACTED")
	}
	query := u.Query()
	query.Del("password")
	query.Del("sslpassword")
	u.RawQuery = query.Encode()

	var parse *pgconn.ParseConfigError
	if _, err = pgxpool.ParseConfig(u.String()); !errors.As(err, &parse) {
		return escapePassword
	}
	_, reason, _ := strings.Cut(strings.TrimPrefix(parse.Error(), "cannot parse `"), "`: ")
	return "it cannot be read: " + reason
}

// temporal reads the variables that every Temporal program reads, and the file that TEMPORAL_CONFIG_FILE names. Temporal's
// library ignores a malformed switch, so switches are checked here.
func (r *reader) temporal() client.Options {
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		r.flag(name)
	}
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: r.env})
	var syntax interface{ ErrorWithUsage() string } // of the TOML parser; its text quotes the file
	switch {
	case errors.As(err, &syntax):
		r.problem("TEMPORAL_CONFIG_FILE", "the file is not TOML in the expected form; for example [profile.default] and below it address = \"127.0.0.1:7233\"")
	case err != nil:
		r.problem("TEMPORAL_*", "%v; for example TEMPORAL_ADDRESS=127.0.0.1:7233 TEMPORAL_NAMESPACE=default", err)
	case options.HostPort != "" && !strings.Contains(options.HostPort, "://") && !isAddress(options.HostPort):
		r.problem("TEMPORAL_ADDRESS", "%q is not host:port, for example 127.0.0.1:7233", options.HostPort)
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	return options
}

// prepareOnDirect lets connections that lead to the server itself keep their statements prepared, which saves the server half of
// its work for an event. Behind a pooler, a statement may run on a connection that has not prepared it, so there it is parsed at
// each use. The first connection finds out which case it is. Every connection with prepared statements checks again, because what
// is behind a name in DATABASE_URL may change.
func prepareOnDirect(c *pgxpool.Config) {
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	var known atomic.Pointer[bool]
	c.BeforeConnect = func(ctx context.Context, cc *pgx.ConnConfig) error {
		if known.Load() == nil {
			found, err := probe(ctx, cc.Copy())
			if err != nil {
				return err
			}
			known.Store(&found)
		}
		if *known.Load() {
			cc.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
		}
		return nil
	}
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if conn.Config().DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
			return nil
		}
		still, err := isDirect(ctx, conn)
		if err == nil && !still {
			known.Store(&still)
			err = errors.New("DATABASE_URL now points to a pooler; the next connection will work with it")
		}
		return err
	}
}

func probe(ctx context.Context, c *pgx.ConnConfig) (direct bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	return isDirect(ctx, conn)
}

// isDirect reports whether the server's process ID is the one announced at connecting. A pooler announces an ID of its own.
func isDirect(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var pid uint32
	err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeExec).Scan(&pid)
	return pid == conn.PgConn().PID(), err
}
