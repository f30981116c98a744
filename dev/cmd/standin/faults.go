package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"inorder/dev/standin"
)

type faultsCmd struct {
	Show  faultsShowCmd  `cmd:"" default:"1" help:"Show the faults that are set."`
	Set   faultsSetCmd   `cmd:"" help:"Set faults, in addition to those already set."`
	Clear faultsClearCmd `cmd:"" help:"Clear all faults."`
}

func (*faultsCmd) Help() string { return whatGoesWrong }

// whatGoesWrong is indented, so that kong does not wrap it.
var whatGoesWrong = "What can go wrong:\n\n    " + strings.ReplaceAll(standin.FaultHelp, "\n", "\n    ")

type faultsShowCmd struct{}

func (*faultsShowCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var f standin.Faults
	if err := api.call(ctx, "GET", "/faults", nil, &f); err != nil {
		return err
	}
	showFaults(out, f)
	return nil
}

type faultsSetCmd struct {
	Fault []string `arg:"" help:"A fault and its value, such as drop=0.05, rate_limit=next:3 or delay_ms=2000." placeholder:"NAME=VALUE"`
}

func (*faultsSetCmd) Help() string {
	return whatGoesWrong + `

Example:

    standin faults set drop=0.05 duplicate=10% 429=next:3`
}

// Validate refuses a misspelt fault before the stand-in is called.
func (c *faultsSetCmd) Validate() error { return c.apply(&standin.Faults{}) }

func (c *faultsSetCmd) apply(f *standin.Faults) error {
	for _, a := range c.Fault {
		if err := f.Set(a); err != nil {
			return err
		}
	}
	return nil
}

func (c *faultsSetCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var f standin.Faults
	if err := api.call(ctx, "GET", "/faults", nil, &f); err != nil {
		return err
	}
	if err := c.apply(&f); err != nil {
		return err
	}
	if err := api.call(ctx, "PUT", "/faults", f, &f); err != nil {
		return err
	}
	showFaults(out, f)
	return nil
}

type faultsClearCmd struct{}

func (*faultsClearCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var f standin.Faults
	if err := api.call(ctx, "PUT", "/faults", standin.Faults{}, &f); err != nil {
		return err
	}
	showFaults(out, f)
	return nil
}

func showFaults(out io.Writer, f standin.Faults) {
	all := f.Assignments()
	if len(all) == 0 {
		fmt.Fprintln(out, "No faults are set.")
	}
	for _, a := range all {
		fmt.Fprintln(out, a)
	}
}
