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

// olderOf are the subjects of the older build.
var olderOf = map[string]string{serve: serveBefore, workflowEach: workflowEachBefore}

// design is how a subject is made: one way of an event to its end. It has a database of its own and, where it needs Temporal,
// a namespace and a task queue, so that builds with different schemas can be compared.
type design struct {
	commands  [][]string
	late      [][]string // run only from when a load's events are all accepted until they have ended
	migrate   string     // the program that migrates its database and its namespace; empty for those without Temporal
	counts    bool       // its process counts what ended, because there are no rows
	perEvent  bool       // each event is a workflow, so that Temporal limits it: bursts have fewer events
	fullTable bool
}

// designs are all subjects by their names.
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

// eachOf is a build of inorder that makes each event a workflow.
func eachOf(program string) design {
	return design{migrate: program, commands: [][]string{{"env", "INBOX=off", program, "serve"}}, perEvent: true}
}
