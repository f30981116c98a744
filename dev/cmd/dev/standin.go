package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder/dev/stack"
	"inorder/dev/standin"
	"inorder/internal/delivery"
)

// chosenStandIn returns the path of the stand-in's program if PLATFORM asks for it, else "".
func chosenStandIn(program string) (string, error) {
	switch chosen := os.Getenv("PLATFORM"); chosen {
	case "":
		return "", nil
	case "stand-in":
	default:
		return "", fmt.Errorf("PLATFORM is %q and must be stand-in, or unset to use the platform that HEADLESS_COMMERCE_API_KEY belongs to, if that is set", chosen)
	}
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("%w: run make bin/standin first", err)
	}
	return filepath.Abs(program)
}

// platformEnv returns the settings that make inorder use the stand-in as the platform.
func (s settings) platformEnv() [][2]string {
	if s.standInProgram == "" {
		return nil
	}
	return [][2]string{
		{"HEADLESS_COMMERCE_API_KEY", standin.DefaultKey},
		{"HEADLESS_COMMERCE_API_URL", reach(s.standInAddr) + "/v1"},
	}
}

func (s settings) standInCommand() stack.Command {
	return stack.Command{
		Name: "stand-in", Dir: s.dir, Path: s.standInProgram, Args: []string{"serve", "--addr", s.standInAddr},
		Ready: func(ctx context.Context) error { return answers(ctx, reach(s.standInAddr)+"/_standin/state") },
	}
}

// registerWebhook registers our receiver at the stand-in. Everything else works without it, so a failure is only printed.
func (p *programs) registerWebhook(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	hook := p.receiverURL() + delivery.Path
	fmt.Println("Registering the receiver's webhook at the stand-in")
	if err := p.once(ctx, p.servers, "hooks", "register", hook); err != nil {
		fmt.Printf("The webhook could not be registered, so the stand-in delivers nothing: %v\nTo try again: bin/inorder hooks register %s\n", err, hook)
	}
}

// forgetStandIns deletes webhooks and secrets that were registered at earlier stand-ins, which forget everything when they end.
// It recognizes them by their IDs, because the database may also have webhooks of the real platform.
func forgetStandIns(ctx context.Context, databaseURL string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	const ours = `^wh_` + standin.DefaultRun
	for _, sql := range []string{`DELETE FROM webhook_endpoints WHERE id ~ $1`, `DELETE FROM webhook_secrets WHERE endpoint_id ~ $1`} {
		if _, err := conn.Exec(ctx, sql, ours); err != nil {
			return fmt.Errorf("delete the webhooks and secrets of earlier stand-ins: %w", err)
		}
	}
	return nil
}

// greetStandIn returns the lines of the greeting about the stand-in: where it is, and what to try.
func (s settings) greetStandIn(standIn *stack.Server) (where, try string) {
	if standIn == nil {
		return "", ""
	}
	where = fmt.Sprintf("  Stand-in     %s, in place of the platform, log in %s\n", reach(s.standInAddr), standIn.LogFile())
	return where, `  bin/standin place --do pay,ship          # places an order; psql, below, shows it here
  bin/standin deliveries                   # what was delivered, and how it was answered
  bin/standin faults set drop=0.05 duplicate=0.1
`
}

// answers returns an error unless a GET is answered with 200.
func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", req.URL, resp.Status)
	}
	return nil
}
