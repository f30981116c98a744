package main

import "os"

const (
	serve         = "inorder serve"
	workflowEach  = "inorder serve, INBOX=off"
	separate      = "inorder receiver + worker"
	emptyWorkflow = "empty workflow"
	activityPeer  = "workflow with an activity"
	plainHandler  = "plain handler"
	riverPeer     = "River"
	riverUntuned  = "River, its defaults"
	dbosPeer      = "DBOS"

	serveBefore        = "inorder serve, before"
	workflowEachBefore = "inorder serve, INBOX=off, before"
	serveAgain         = "inorder serve, before again"
	workflowEachAgain  = "inorder serve, INBOX=off, before again"

	serveFilled        = "inorder serve, full tables"
	workflowEachFilled = "inorder serve, INBOX=off, full tables"
)

// olderOf maps subjects to the same subjects of the older build.
var olderOf = map[string]string{serve: serveBefore, workflowEach: workflowEachBefore}

// design says how a subject is started; each design is one way to process events. A subject has its own database and, if it
// needs Temporal, its own namespace and task queue, so that builds with different schemas can be compared.
type design struct {
	commands  [][]string
	late      [][]string // run only after all events of a load are accepted, until they have ended
	migrate   string     // the program that migrates the database and the namespace; empty without Temporal
	counts    bool       // the process counts ended events itself, because it writes no rows
	perEvent  bool       // every event is a workflow, so that Temporal limits the rate, and bursts have fewer events
	fullTable bool
}

// designs returns all designs by the names of their subjects.
func (b *bench) designs() (map[string]design, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	peer := func(name string) [][]string { return [][]string{{self, name}} }
	inorder := func(program string) design {
		return design{migrate: program, commands: [][]string{{program, "serve"}}}
	}
	full := func(d design) design { d.fullTable = true; return d }
	return map[string]design{
		serve:         inorder(b.program),
		workflowEach:  eachOf(b.program),
		separate:      {migrate: b.program, commands: [][]string{{"env", "INBOX=off", b.program, "receiver"}, {b.program, "worker"}}, perEvent: true},
		emptyWorkflow: {migrate: b.program, commands: peer("empty"), counts: true, perEvent: true},
		activityPeer:  {migrate: b.program, commands: peer("activity"), perEvent: true},
		plainHandler:  {commands: peer("plain")},
		riverPeer:     {commands: peer("river")},
		riverUntuned:  {commands: peer("river-defaults")},
		dbosPeer:      {commands: peer("dbos")},

		serveBefore:        inorder(b.before),
		workflowEachBefore: eachOf(b.before),
		serveAgain:         inorder(b.before),
		workflowEachAgain:  eachOf(b.before),

		serveFilled:        full(inorder(b.program)),
		workflowEachFilled: full(eachOf(b.program)),
	}, nil
}

// eachOf returns the design of a build of inorder that starts a workflow for each event.
func eachOf(program string) design {
	return design{migrate: program, commands: [][]string{{"env", "INBOX=off", program, "serve"}}, perEvent: true}
}
