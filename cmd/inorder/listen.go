package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"inorder/internal/listen"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/internal/words"
)

type listenCmd struct {
	Events    []string      `help:"The events to deliver, separated by commas; '*' means all. Default: all events about orders." placeholder:"EVENT"`
	PublicURL string        `name:"public-url" help:"The public URL of your own tunnel, instead of ngrok. It must lead to --addr." placeholder:"URL"`
	Addr      string        `default:"127.0.0.1:3003" help:"Where to listen for that tunnel."`
	Name      string        `default:"default" help:"Only one listen with the same name runs at a time. Give a second one another name."`
	Lease     time.Duration `default:"10m" hidden:"" help:"How long the webhook counts as alive without a renewal."`
	Force     bool          `help:"Allow events that the platform is not known to have."`
}

func (*listenCmd) Help() string {
	return `Opens a tunnel to this machine, registers its URL on the platform, and passes every delivery, byte for byte, to the receiver
that runs here (inorder serve, or make run). It shows each delivery as it arrives, what the receiver answered, what became of it,
and where the Temporal UI shows it. On Ctrl-C it deletes the webhook.

A delivery that the receiver would refuse for its size or signature is refused here, and nothing of it is shown. "already here"
marks an event that came another way first, such as through a webhook that leads straight to the receiver; "duplicate" marks one
that was delivered here before.

If NGROK_AUTHTOKEN is set, the tunnel is ngrok's, opened in this process. For any other tunnel that leads to --addr (cloudflared,
tailscale funnel, …), give its URL with --public-url. The stand-in needs no tunnel: --public-url http://127.0.0.1:3003.

After a crash, the next start with the same --name deletes what the last one left on the platform, and so does inorder hooks
sweep; other people's webhooks are never touched. Use a test-mode key.

Needs HEADLESS_COMMERCE_API_KEY and DATABASE_URL, which the receiver must read, too. Reads WEBHOOK_SECRETS,
WEBHOOK_SECRETS_FILE and MAX_BODY_BYTES as the receiver does; HEADLESS_COMMERCE_API_URL, NGROK_AUTHTOKEN, RECEIVER_URL,
TEMPORAL_UI_URL, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names).

Examples:

    NGROK_AUTHTOKEN=… HEADLESS_COMMERCE_API_KEY=sk_test_… inorder listen
    inorder listen --public-url https://mine.example.com --events order.created,order.paid`
}

func (c *listenCmd) Validate() error {
	if c.PublicURL != "" {
		if _, err := webhooks.CheckURL(c.PublicURL); err != nil {
			return fmt.Errorf("--public-url: %w", err)
		}
		if u, _ := url.Parse(c.PublicURL); u.RawQuery != "" {
			return fmt.Errorf("--public-url %q must have no query", c.PublicURL)
		}
	}
	if len(c.Events) == 0 {
		c.Events = webhooks.OrderEvents()
	}
	if c.Lease < time.Second {
		return errors.New("--lease must be 1s or longer")
	}
	return errors.Join(listen.CheckName(c.Name), checkEvents(c.Events, c.Force))
}

func (c *listenCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(d *hooksClients) error { return c.listen(ctx, std, d) })
}

func (c *listenCmd) listen(ctx context.Context, std streams, d *hooksClients) error {
	tunnel, err := c.tunnel(d, std)
	if err != nil {
		return err
	}
	m, err := listen.ThisMachine(listen.DefaultDir())
	if err != nil {
		return err
	}
	if d.Platform.Mode() == platform.Live {
		fmt.Fprintln(std.err, "HEADLESS_COMMERCE_API_KEY is a live-mode key: the real shop's orders will be delivered to this machine")
	}
	if !answers(ctx, d.ReceiverURL) {
		fmt.Fprintf(std.err, "nothing listens at %s yet: start `inorder serve` or `make run`, or set RECEIVER_URL\n", d.ReceiverURL)
	}
	ring, err := secrets.Load(ctx, secrets.Options{Secrets: d.WebhookSecrets, File: d.SecretsFile, Shared: onlyRead{d.Store.Secrets()},
		Log: logger(std, slog.LevelError)}) // having no secret yet is normal here: the webhook brings one
	if err != nil {
		return err
	}
	defer ring.Watch()()
	return listen.Run(ctx, listen.Options{
		Registrar: d.Registrar, Machine: m, Name: c.Name, Tunnel: tunnel, Events: c.Events, Receiver: d.ReceiverURL,
		Verifier: ring, MaxBody: d.MaxBodyBytes, Out: std.out, Outcomes: d.watcher(), Link: d.link, Lease: c.Lease,
		CatchUp: func(ctx context.Context, since time.Time) { catchUp(ctx, d, std, since) },
	})
}

func (c *listenCmd) tunnel(d *hooksClients, std streams) (listen.Tunnel, error) {
	switch {
	case c.PublicURL != "":
		return listen.Public{URL: c.PublicURL, Addr: c.Addr}, nil
	case d.NgrokAuthtoken != "":
		return listen.Ngrok{Authtoken: d.NgrokAuthtoken, Log: logger(std, slog.LevelWarn)}, nil
	}
	return nil, fmt.Errorf("there is no tunnel: set NGROK_AUTHTOKEN to use ngrok, or give the --public-url https://… of another tunnel that leads to %s", c.Addr)
}

func logger(std streams, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level}))
}

// onlyRead is the table of secrets without its writes: only the receiver records when a secret last verified a delivery.
type onlyRead struct{ secrets.Table }

func (onlyRead) Verified(context.Context, string, string, time.Time) error { return nil }

// answers reports whether anything answers at the receiver's URL.
func answers(ctx context.Context, receiver string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, receiver+"/healthz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return true
}

// catchUp has a worker compare orders with the platform's, because nothing was delivered while nobody listened. It does not wait
// for the result. since is when the last `inorder listen` was last alive; zero if there was none.
func catchUp(ctx context.Context, d *hooksClients, std streams, since time.Time) {
	if since.IsZero() {
		return
	}
	fmt.Fprintf(std.out, "No `inorder listen` has run since %s: comparing orders with the platform's, to catch up\n", clockOf(since))
	go func() {
		err := new(reconcileCmd).reconcile(ctx, d.servers, since, streams{out: std.out, err: io.Discard})
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(std.err, "The comparison failed: %v\nTo try again: inorder orders reconcile --since %s\n", err, since.UTC().Format(time.RFC3339))
		}
	}()
}

type hooksSweepCmd struct {
	DryRun bool `help:"Say what would be deleted, and delete nothing."`
}

func (*hooksSweepCmd) Help() string {
	return `Deletes the webhooks of inorder listen that this user left behind on this machine, as after kill -9. A webhook is dead when no
process holds the lock of its name or, if that can't be checked because it is from another machine with the same user@host, when
its lease has ended. Lasting webhooks, and other people's, are never touched.` + hooksSettings + `

Example:

    inorder hooks sweep --dry-run`
}

func (c *hooksSweepCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		m, err := listen.ThisMachine(listen.DefaultDir())
		if err != nil {
			return err
		}
		verb, n := map[bool]string{true: "would delete", false: "deleting"}[c.DryRun], 0
		err = listen.Sweep(ctx, h.Registrar, m, c.DryRun, func(s listen.Swept) {
			n++
			fmt.Fprintln(std.out, line(fmt.Sprintf("%s %s, %s: %s", verb, s.ID, s.URL, s.Why)))
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s left behind by %s\n", words.Count(n, "webhook"), m.Owner)
		return nil
	})
}
