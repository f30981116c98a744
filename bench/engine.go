package main

import (
	"fmt"
	"slices"
	"strings"
)

// engine is a Temporal server with one setting changed.
type engine struct {
	name      string
	args, env []string // for the server, after the usual ones
	program   string   // instead of the development server; gets the same arguments, and the superuser's DATABASE_URL
	queues    bool     // the setting concerns task queues, so a backlog may show its effect
}

// The unchanged engine is measured twice: the difference of the two is the noise.
const (
	usual      = "as it is"
	usualAgain = "as it is, again"
)

var engines = []engine{
	{name: usual, queues: true},
	{name: usualAgain},
	{name: "GOGC=100", env: []string{"GOGC=100"}},
	{name: "GOGC=800", env: []string{"GOGC=800"}},
	{name: "synchronous=full", args: []string{"--sqlite-pragma", "synchronous=full"}},
	{name: "synchronous=off", args: []string{"--sqlite-pragma", "synchronous=off"}},
	{name: "wal_autocheckpoint=10000", args: []string{"--sqlite-pragma", "wal_autocheckpoint=10000"}},
	{name: "no file", args: []string{"--db-filename", ""}},
	{name: "1 partition", args: partitions(1), queues: true},
	{name: "16 partitions", args: partitions(16), queues: true},
	{name: "history cache 16", args: dynamic("history.hostLevelCacheMaxSize=16")},
	{name: "history cache 128000", args: dynamic("history.hostLevelCacheMaxSize=128000")},
}

// clusters are Temporal's production server with its state in PostgreSQL. bench/cluster.sh explains the settings.
var clusters = []engine{
	cluster("1 shard", "SHARDS=1"),
	cluster("4 shards", "SHARDS=4"),
	cluster("4 shards, again", "SHARDS=4"),
	cluster("64 shards", "SHARDS=64"),
	cluster("512 shards", "SHARDS=512"),
	cluster("4 shards, GOGC=100", "SHARDS=4", "GOGC=100"),
	cluster("4 shards, 60 connections", "SHARDS=4", "CONNECTIONS=60"),
	cluster("4 shards, few indexes", "SHARDS=4", "INDEXES=few"),
	cluster("4 shards, asynchronous commits", "SHARDS=4", "ASYNC=1"),
}

func cluster(name string, env ...string) engine {
	return engine{name: name, env: env, program: "bench/cluster.sh"}
}

func partitions(n int) []string {
	return dynamic(fmt.Sprint("matching.numTaskqueueReadPartitions=", n), fmt.Sprint("matching.numTaskqueueWritePartitions=", n))
}

func dynamic(values ...string) (args []string) {
	for _, v := range values {
		args = append(args, "--dynamic-config-value", v)
	}
	return args
}

// named is a program, with the name under which its figures are shown.
type named struct{ name, program string }

// parseNamed parses name=program pairs, separated by semicolons. A name may contain "=", a program may not.
func parseNamed(flag string) (all []named, err error) {
	if flag == "" {
		return nil, nil
	}
	for pair := range strings.SplitSeq(flag, ";") {
		i := strings.LastIndex(pair, "=")
		if i < 0 {
			return nil, fmt.Errorf("%q is not name=program", pair)
		}
		all = append(all, named{strings.TrimSpace(pair[:i]), pair[i+1:]})
	}
	return all, nil
}

// variant is a subject of an enginePart: a design on an engine.
type variant struct {
	name string
	engine
	design
}

// enginePart is a part whose subjects may use different engines.
type enginePart struct {
	part
	variants []variant
}

func (b *bench) engineParts() ([]enginePart, error) {
	known, err := b.designs()
	return []enginePart{
		{part{name: "settings", loads: []load{oneSender, senders16}, rounds: 12}, b.settings(known)},
		{part{name: "backlog", loads: []load{backlog}, rounds: 5}, b.backlogs()},
		{part{name: "released", loads: []load{released}, rounds: 8}, b.releases()},
		{part{name: "clusters", loads: []load{oneSender, senders16, senders64}, rounds: 8}, b.inPostgres()},
	}, err
}

// settings returns each engine, and each build on the usual engine. The last two variants show how fast the machine is.
func (b *bench) settings(known map[string]design) (all []variant) {
	for _, e := range engines {
		all = append(all, variant{e.name, e, eachOf(b.program)})
	}
	for _, build := range b.builds {
		all = append(all, variant{build.name, engines[0], eachOf(build.program)})
	}
	for _, name := range []string{emptyWorkflow, plainHandler} {
		all = append(all, variant{name, engines[0], known[name]})
	}
	return all
}

// backlogs returns each build on each engine with queues set. Their workers start only when all events are accepted.
func (b *bench) backlogs() (all []variant) {
	accepts := func(program string) design {
		d := eachOf(program)
		d.commands, d.late = [][]string{{"env", "INBOX=off", program, "receiver"}}, [][]string{{program, "worker"}}
		return d
	}
	for _, e := range engines {
		if !e.queues {
			continue
		}
		all = append(all, variant{e.name, e, accepts(b.program)})
		for _, build := range b.builds {
			all = append(all, variant{e.name + ", " + build.name, e, accepts(build.program)})
		}
	}
	return all
}

// inPostgres returns the clusters, and the development server for comparison.
func (b *bench) inPostgres() (all []variant) {
	all = []variant{{"development server", engines[0], eachOf(b.program)}}
	for _, e := range clusters {
		all = append(all, variant{e.name, e, eachOf(b.program)})
	}
	return all
}

// releases returns each build on the usual engine. Its load has events that wait for their orders.
func (b *bench) releases() (all []variant) {
	for _, build := range slices.Concat([]named{{usual, b.program}, {usualAgain, b.program}}, b.builds) {
		all = append(all, variant{build.name, engines[0], eachOf(build.program)})
	}
	return all
}
