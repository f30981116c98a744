package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"

	"inorder/internal/ready"
	"inorder/internal/store"
)

// reachWithin is how long a server's first answer may take before a command that needs it gives up. Later calls may take longer.
const reachWithin = 5 * time.Second

// What to check if a server does not answer.
const (
	postgresCure = "is DATABASE_URL correct, and is PostgreSQL running there?"
	temporalCure = "are TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE correct, and is Temporal running there?"
)

func (s *servers) temporalName() string { return "Temporal at " + s.Temporal.HostPort }

func (s *servers) postgresName() string {
	c := s.Pool.ConnConfig
	return "PostgreSQL at " + net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// postgresPlace names the server and the database, without the password.
func (s *servers) postgresPlace() string {
	return fmt.Sprintf("%s, database %q,", s.postgresName(), s.Pool.ConnConfig.Database)
}

func (s *servers) temporalPlace() string {
	return fmt.Sprintf("%s, namespace %q,", s.temporalName(), s.Temporal.Namespace)
}

// reachPostgres returns an error that says what to check, if PostgreSQL does not answer within reachWithin.
func (s *servers) reachPostgres(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	return s.withoutPostgres(ctx, reachWithin, store.Explain(s.pool.Ping(asking)))
}

// withoutPostgres adds to an error of PostgreSQL, which had that time to answer, where PostgreSQL was asked and what to check.
func (s *servers) withoutPostgres(ctx context.Context, within time.Duration, err error) error {
	if err == nil || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return fmt.Errorf("%s; %s", ready.Cause(s.postgresPlace(), within, err), postgresCure)
}

// reachTemporal returns an error that says what to check, if Temporal does not answer within reachWithin.
func (s *servers) reachTemporal(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	_, err := s.temporal.CheckHealth(asking, &client.CheckHealthRequest{})
	switch explained := ready.Explain(err); {
	case err == nil || errors.Is(ctx.Err(), context.Canceled):
		return err
	case explained != err: // it names the setting already
		return fmt.Errorf("%s does not answer: %w", s.temporalPlace(), explained)
	}
	return fmt.Errorf("%s; %s", ready.Cause(s.temporalPlace(), reachWithin, err), temporalCure)
}
