package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"inorder/dev/standin"
)

type serveCmd struct {
	Addr    string   `env:"STANDIN_ADDR" help:"The address to listen on. Keep it on loopback: /_standin needs no key. Default: 127.0.0.1:3002." placeholder:"HOST:PORT"`
	Key     []string `help:"An API key to accept: sk_test_… or sk_live_…, which selects the mode, or pk_…, which has no permissions. Repeatable. Default: sk_test_standin." placeholder:"KEY"`
	StoreID string   `help:"The store of all events, ${default}." default:"store_standin" placeholder:"ID"`
	RunID   string   `name:"run" help:"Part of every ID, so that two runs have different IDs. Default: standin and the time." placeholder:"TEXT"`

	Parallel        int           `help:"How many deliveries are under way at once, ${default}." default:"8" placeholder:"N"`
	DeliveryTimeout time.Duration `help:"How long an answer may take." default:"30s"`
	RetryDelays     string        `help:"The pauses before the retries of a delivery, ${default}; none for no retries." default:"1s,2s,4s,8s,16s" placeholder:"LIST"`
	DeactivateAfter int           `help:"Deactivate a webhook after N given-up deliveries in a row; 0 for never." default:"0" placeholder:"N"`
	Fault           []string      "help:\"A fault to start with, as for `standin faults set`. Repeatable.\" placeholder:\"NAME=VALUE\" sep:\"none\""

	StringNumbers   bool `help:"Send order numbers as strings, as in the platform's SDK, instead of integers."`
	Milliseconds    bool `help:"Send times with milliseconds."`
	SparseOrders    bool `help:"Send order.paid, order.fulfilled and order.updated with only the ID and the statuses."`
	BareTests       bool `help:"Send test deliveries without id and store_id."`
	FamilyWildcards bool "help:\"Accept a family, such as `order.*`, as an event to subscribe to.\""
	AllowHTTP       bool `name:"allow-http" help:"Accept http:// webhook URLs of any host, not only of loopback."`
	DeleteSaysNone  bool `help:"Answer a delete with 204."`
	NoMetadata      bool `help:"Keep no metadata of webhooks."`
	NoInactive      bool `help:"Make every new webhook active."`
}

func (*serveCmd) Help() string {
	return `Serves the Admin API under /v1 until Ctrl-C, and delivers the events of the orders that are placed. What the platform's documents leave
open is an option here, so that inorder can be tried against either reading.

Example:

    standin serve --fault drop=0.05 --fault duplicate=0.1 --deactivate-after 20`
}

// Validate reports mistakes that kong can't detect.
func (c *serveCmd) Validate() error {
	_, err := c.options()
	return err
}

func (c *serveCmd) options() (o standin.Options, err error) {
	o = standin.Options{
		Keys: c.Key, StoreID: c.StoreID, Run: c.RunID, StringNumbers: c.StringNumbers, Milliseconds: c.Milliseconds, SparseOrders: c.SparseOrders,
		BareTests: c.BareTests, FamilyWildcards: c.FamilyWildcards, AllowHTTP: c.AllowHTTP, DeleteSaysNone: c.DeleteSaysNone,
		NoMetadata: c.NoMetadata, NoInactive: c.NoInactive,
		Parallel: c.Parallel, DeliveryTimeout: c.DeliveryTimeout, DeactivateAfter: c.DeactivateAfter, RetryDelays: []time.Duration{},
	}
	for _, key := range c.Key {
		if !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "sk_live_") && !strings.HasPrefix(key, "pk_") {
			return o, errors.New("--key must begin with sk_test_, sk_live_ or pk_")
		}
	}
	for _, text := range strings.Split(c.RetryDelays, ",") {
		if text == "" || c.RetryDelays == "none" {
			continue
		}
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil || d < 0 {
			return o, fmt.Errorf("--retry-delays has %q, which is not a duration: use a list such as 1s,2s,4s, or none", text)
		}
		o.RetryDelays = append(o.RetryDelays, d)
	}
	for _, fault := range c.Fault {
		if err := o.Faults.Set(fault); err != nil {
			return o, fmt.Errorf("--fault %w", err)
		}
	}
	return o, nil
}

func (c *serveCmd) Run(ctx context.Context, out io.Writer) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	key := standin.DefaultKey
	if len(c.Key) > 0 {
		key = "one that you passed with --key"
	}
	return standin.Run(ctx, standin.RunOptions{Options: o, Addr: c.Addr, Ready: func(url string) {
		fmt.Fprintf(out, `The stand-in listens on %s. It keeps everything in memory; Ctrl-C ends it.

  HEADLESS_COMMERCE_API_URL  %[1]s/v1
  HEADLESS_COMMERCE_API_KEY  %s

Try, in another terminal:

  export STANDIN_URL=%[1]s
  standin place --do pay,ship
  standin faults set drop=0.05 duplicate=0.1
  standin deliveries --follow
`, url, key)
	}})
}
