package config

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// prepareOnDirect has connections that lead to the server itself keep their statements prepared, which saves the server half of
// its work for an event. Behind a pooler a statement may meet a connection that has not prepared it, so there it is parsed at
// each use. The first connection finds out which of the two it is. Every connection with prepared statements checks that again,
// because what is behind a name in DATABASE_URL may change.
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
			err = errors.New("DATABASE_URL now leads through a pooler; the next connection works with it")
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

// isDirect reports whether the server's process has the number that was given at connecting. A pooler gives a number of its own.
func isDirect(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var pid uint32
	err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeExec).Scan(&pid)
	return pid == conn.PgConn().PID(), err
}
