package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"inorder/dev/stack"
)

// runEngine compares settings of Temporal's server, other servers, and other builds of inorder with the usual ones, in the same rounds.
func (b *bench) runEngine(ctx context.Context) error {
	b.results.begin("engine", b.version)
	parts, err := b.engineParts()
	if err != nil {
		return err
	}
	for _, p := range parts {
		if b.only != "" && b.only != p.name {
			continue
		}
		if err = b.runVariants(ctx, p.part, p.variants); err != nil {
			err = fmt.Errorf("%s: %w", p.name, err)
			break
		}
	}
	file, failed := b.results.write(b.folder)
	fmt.Fprintln(os.Stderr, "Results:", file)
	return errors.Join(err, failed)
}

// runVariants measures a part's variants, and prints a report. Each engine is its own server; all share one PostgreSQL.
func (b *bench) runVariants(ctx context.Context, p part, variants []variant) error {
	if b.rounds > 0 {
		p.rounds = b.rounds
	}
	all, err := stack.Start(ctx, stack.Options{Fsync: true, Connections: 1000, Out: os.Stderr})
	if err != nil {
		return err
	}
	on := servers{all}
	defer on.Stop()
	if err := b.results.servers(ctx, on); err != nil {
		return err
	}
	if b.chosen != nil {
		variants = slices.DeleteFunc(variants, func(v variant) bool { return !slices.Contains(b.chosen, v.name) })
	}
	engines, err := on.startEngines(ctx, variants)
	for _, e := range engines {
		defer e.Stop()
	}
	if err != nil {
		return err
	}
	var subjects []*subject
	defer func() {
		for _, s := range subjects {
			s.stop()
		}
	}()
	for i, v := range variants {
		its := on
		if e := engines[v.engine.name]; e != nil {
			its = on.with(e)
		}
		s, err := b.startSubject(ctx, its, v.name, v.design, i, false)
		subjects = append(subjects, s)
		if err != nil {
			return fmt.Errorf("start %s: %w", v.name, err)
		}
	}
	err = b.meetAll(ctx, p, subjects)
	return errors.Join(err, reportEngine(os.Stdout, &b.results, p, subjects)) // after an interruption, too: it reports what was measured so far
}

// startEngines starts the variants' engines, except the usual one, which runs already. It returns all that it started, even with an error.
func (s servers) startEngines(ctx context.Context, variants []variant) (map[string]*stack.Stack, error) {
	all := map[string]*stack.Stack{}
	for _, v := range variants {
		e := v.engine
		if e.name == usual || all[e.name] != nil {
			continue
		}
		other, err := stack.Start(ctx, stack.Options{DatabaseURL: s.SuperuserURL, Fsync: true, Out: os.Stderr,
			TemporalBinary: e.program, TemporalArgs: e.args, TemporalEnv: append(e.env, "DATABASE_URL="+s.SuperuserURL)})
		if err != nil {
			return all, fmt.Errorf("start Temporal, %s: %w", e.name, err)
		}
		all[e.name] = other
	}
	return all, nil
}

// with returns the same servers with another Temporal.
func (s servers) with(other *stack.Stack) servers {
	both := *s.Stack
	both.Temporal, both.TemporalAddress, both.TemporalUIURL = other.Temporal, other.TemporalAddress, other.TemporalUIURL
	return servers{&both}
}
