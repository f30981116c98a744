package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/hooks"
	"inorder/internal/listen"
)

type hooksUpdateCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`

	URL    string   `name:"url" help:"Deliver to there from now on." placeholder:"URL"`
	Events []string `help:"Deliver these events from now on, separated by commas; '*' is all." placeholder:"EVENT"`
	Force  bool     `help:"Also events that the platform is not known to have."`
}

func (*hooksUpdateCmd) Help() string {
	return `Changes a webhook on the platform and in our record, so that the watchdog expects it as it is then. The secret stays.` + hooksSettings + `

Example:

    inorder hooks update wh_1 --events order.created,order.paid`
}

func (c *hooksUpdateCmd) Validate() (err error) {
	if c.URL == "" && len(c.Events) == 0 {
		return errors.New("say what to change: --url, --events or both")
	}
	if c.URL != "" {
		if c.URL, err = hooks.Endpoint(c.URL); err != nil {
			return err
		}
	}
	if len(c.Events) == 0 {
		return nil
	}
	return checkEvents(c.Events, c.Force)
}

func (c *hooksUpdateCmd) Run(ctx context.Context, std streams) error {
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	w, err := d.Update(ctx, c.ID, c.URL, c.Events)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s is changed: %s, %s\n", c.ID, w.URL, joined(w.Events))
	return nil
}

type hooksEnableCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`
}

func (*hooksEnableCmd) Help() string {
	return `Also for one that the platform deactivated because it kept failing: look first why, with inorder hooks test.` + hooksSettings + `

Example:

    inorder hooks enable wh_1`
}

func (c *hooksEnableCmd) Run(ctx context.Context, std streams) error {
	return setActive(ctx, std, c.ID, true, "it delivers from now on; `inorder orders reconcile` catches up what it missed")
}

type hooksDisableCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`
}

func (*hooksDisableCmd) Help() string {
	return `Nothing is delivered until it is enabled again, and the watchdog knows that it was on purpose. Its secret stays valid.` + hooksSettings + `

Example:

    inorder hooks disable wh_1`
}

func (c *hooksDisableCmd) Run(ctx context.Context, std streams) error {
	return setActive(ctx, std, c.ID, false, "it delivers nothing until it is enabled again")
}

func setActive(ctx context.Context, std streams, id string, active bool, meaning string) error {
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	if _, err := d.SetActive(ctx, id, active); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s is %s: %s\n", id, map[bool]string{true: "enabled", false: "disabled"}[active], meaning)
	return nil
}

type hooksDeleteCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`

	Keep  time.Duration `default:"24h" help:"How long its secret stays valid, for deliveries under way."`
	Force bool          `help:"Also one that was not registered from here, and so may be somebody else's."`
}

func (*hooksDeleteCmd) Help() string {
	return `Deletes a webhook on the platform, and our record of it. One that is gone already is forgotten here, which is a success.` + hooksSettings + `

Example:

    inorder hooks delete wh_1`
}

func (c *hooksDeleteCmd) Validate() error {
	if c.Keep < 0 {
		return errors.New("--keep must be 0s or longer")
	}
	return nil
}

func (c *hooksDeleteCmd) Run(ctx context.Context, std streams) error {
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	existed, err := d.Delete(ctx, c.ID, c.Keep, c.Force)
	if err != nil {
		return err
	}
	if existed {
		fmt.Fprintf(std.out, "%s is deleted; a secret of it that is kept here verifies until %s\n", c.ID, clockOf(time.Now().Add(c.Keep)))
	} else {
		fmt.Fprintf(std.out, "%s was deleted on the platform before; it is forgotten here, too\n", c.ID)
	}
	return nil
}

type hooksSweepCmd struct {
	DryRun bool `help:"Say what would be deleted, and delete nothing."`
}

func (*hooksSweepCmd) Help() string {
	return `Deletes the webhooks of inorder listen that this user left behind on this machine, as after kill -9. One is dead when nobody
holds the lock of its name; where that cannot be told, because it is of another machine of the same user@host, when its lease
is over. Webhooks of anybody else, and lasting ones, are never touched.` + hooksSettings + `

Example:

    inorder hooks sweep --dry-run`
}

func (c *hooksSweepCmd) Run(ctx context.Context, std streams) error {
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	m, err := listen.ThisMachine(listen.DefaultDir())
	if err != nil {
		return err
	}
	verb, n := map[bool]string{true: "would delete", false: "deleting"}[c.DryRun], 0
	err = listen.Sweep(ctx, d.Registrar, m, c.DryRun, func(s listen.Swept) {
		n++
		fmt.Fprintln(std.out, line(fmt.Sprintf("%s %s, %s: %s", verb, s.ID, s.URL, s.Why)))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s left behind by %s\n", count(n, "endpoint"), m.Owner)
	return nil
}
