package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// run measures a part: in every round, each subject under each load.
func (b *bench) run(ctx context.Context, p part) error {
	if b.only != "" && b.only != p.name {
		return nil
	}
	if b.rounds > 0 {
		p.rounds = b.rounds
	}
	if b.chosen != nil {
		p.subjects = slices.DeleteFunc(slices.Clone(p.subjects), func(name string) bool { return !slices.Contains(b.chosen, name) })
	}
	on, err := startServers(ctx)
	if err != nil {
		return err
	}
	defer on.Stop()
	if err := b.results.servers(ctx, on); err != nil {
		return err
	}
	b.results.subjects(p.subjects)
	subjects, err := b.startSubjects(ctx, on, p)
	defer func() {
		for _, s := range subjects {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	return b.meetAll(ctx, p, subjects)
}

// meetAll measures all subjects in every round under every load.
func (b *bench) meetAll(ctx context.Context, p part, subjects []*subject) error {
	for round := range p.rounds + 1 { // round 0 is the warm-up
		for _, s := range inRound(subjects, round) {
			for _, l := range p.loads {
				if err := b.meet(ctx, p, s, l, round); err != nil {
					return fmt.Errorf("%s of %s: %w", l.name, s.name, err)
				}
			}
			fmt.Fprintf(os.Stderr, "%s, round %d of %d: %s done\n", p.name, round, p.rounds, s.name)
		}
	}
	for _, s := range subjects {
		if err := b.results.memory(s); err != nil {
			return err
		}
	}
	return nil
}

// inRound returns the subjects in a round's order, which varies: no subject always follows the same other one, or is always first.
func inRound(subjects []*subject, round int) []*subject {
	order := slices.Clone(subjects)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	first := round / 2 % len(order)
	return slices.Concat(order[first:], order[:first])
}

// meet measures a subject under a load, unless it can't sustain the load's rate. Only subjects with a workflow per event may be too slow.
func (b *bench) meet(ctx context.Context, p part, s *subject, l load, round int) error {
	if s.perEvent && l.rate > 0 && float64(l.rate) > b.results.rateOf(s.name)*mostOfRate {
		b.results.series(s.name, l).Overloaded = true
		return nil
	}
	if s.perEvent && l.fewer > 0 {
		l.events = l.fewer
	}
	if round == 0 {
		l = l.toWarmUp()
	}
	m, acks, err := measure(ctx, s, l)
	if err != nil || round == 0 {
		return err
	}
	if p.counted {
		b.results.series(s.name, l).RoundTrips = m.roundTrips
		return nil
	}
	b.results.series(s.name, l).add(l.events, m, acks)
	return nil
}

// mostOfRate is the highest rate of an open loop, as a share of the subject's rate with 16 senders: above it, the queue would grow forever.
const mostOfRate = 0.9

// startSubjects starts the subjects of a part, all at once. It returns all that it began to start, even with an error.
func (b *bench) startSubjects(ctx context.Context, on servers, p part) ([]*subject, error) {
	designs, err := b.designs()
	if err != nil {
		return nil, err
	}
	all, errs := make([]*subject, len(p.subjects)), make([]error, len(p.subjects))
	var starting sync.WaitGroup
	for i, name := range p.subjects {
		starting.Go(func() {
			if all[i], errs[i] = b.startSubject(ctx, on, name, designs[name], i, p.counted); errs[i] != nil {
				errs[i] = fmt.Errorf("start %s: %w", name, errs[i])
			}
		})
	}
	starting.Wait()
	return all, errors.Join(errs...)
}
