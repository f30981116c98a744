package main

import (
	"context"
	"errors"
	"fmt"

	"inorder/internal/devstack"
)

// programs are ours, which run beside the servers.
type programs struct {
	settings
	stack          *devstack.Stack
	standIn, serve *devstack.Server // standIn is nil without PLATFORM=stand-in
}

// start starts them, and writes the env file when they are ready.
func (p *programs) start(ctx context.Context) (err error) {
	if err := forgetStandIns(ctx, p.stack.DatabaseURL); err != nil { // of earlier runs
		return err
	}
	if p.standInProgram != "" {
		if p.standIn, err = devstack.Launch(ctx, p.standInCommand()); err != nil {
			return err
		}
	}
	if p.serve, err = devstack.Launch(ctx, p.command(p.stack, "serve")); err != nil {
		return err
	}
	if p.standIn != nil {
		p.registerWebhook(ctx)
	}
	return p.writeEnv(p.stack, p.serve, p.standIn)
}

// changed does what a server's new life takes.
func (p *programs) changed(ctx context.Context, restarted *devstack.Server) error {
	if restarted == p.standIn { // it has forgotten everything
		if err := forgetStandIns(ctx, p.stack.DatabaseURL); err != nil {
			fmt.Println("What was registered at the stand-in's last life is not forgotten:", err)
		}
		p.registerWebhook(ctx)
	}
	return p.writeEnv(p.stack, p.serve, p.standIn)
}

// servers are all that are to be kept running.
func (p *programs) servers() (all []*devstack.Server) {
	for _, s := range []*devstack.Server{p.stack.Temporal, p.stack.Postgres, p.standIn, p.serve} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// stop ends the one that delivers before the one that receives.
func (p *programs) stop() (err error) {
	for _, s := range []*devstack.Server{p.standIn, p.serve} {
		if s != nil {
			err = errors.Join(err, s.Stop())
		}
	}
	return err
}
