package main

import (
	"context"
	"errors"
	"fmt"

	"inorder/dev/stack"
)

// programs are our own programs, which run beside the servers.
type programs struct {
	settings
	servers        *stack.Stack
	standIn, serve *stack.Server // standIn is nil without PLATFORM=stand-in
}

// start starts the programs, and writes the env file when they are ready.
func (p *programs) start(ctx context.Context) (err error) {
	if err := forgetStandIns(ctx, p.servers.DatabaseURL); err != nil { // of earlier runs
		return err
	}
	if p.standInProgram != "" {
		if p.standIn, err = stack.Launch(ctx, p.standInCommand()); err != nil {
			return err
		}
	}
	if p.serve, err = stack.Launch(ctx, p.command(p.servers, "serve")); err != nil {
		return err
	}
	if p.standIn != nil {
		p.registerWebhook(ctx)
	}
	return p.writeEnv(p.servers, p.serve, p.standIn)
}

// changed updates the env file after a server has restarted, and registers the webhook again if that was the stand-in.
func (p *programs) changed(ctx context.Context, restarted *stack.Server) error {
	if restarted == p.standIn { // which keeps everything in memory
		if err := forgetStandIns(ctx, p.servers.DatabaseURL); err != nil {
			fmt.Println("The webhook of the previous stand-in is still in PostgreSQL:", err)
		}
		p.registerWebhook(ctx)
	}
	return p.writeEnv(p.servers, p.serve, p.standIn)
}

// all returns the servers and programs to keep running.
func (p *programs) all() (all []*stack.Server) {
	for _, s := range []*stack.Server{p.servers.Temporal, p.servers.Postgres, p.standIn, p.serve} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// stop stops the stand-in, which delivers, before serve, which receives.
func (p *programs) stop() (err error) {
	for _, s := range []*stack.Server{p.standIn, p.serve} {
		if s != nil {
			err = errors.Join(err, s.Stop())
		}
	}
	return err
}
