package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Kind is what a fault does to its target.
type Kind string

const (
	Kill   Kind = "kill"   // kill -9; restarted when the fault ends
	Stop   Kind = "stop"   // SIGSTOP, then SIGCONT
	Crash  Kind = "crash"  // kill -9 of one child process of PostgreSQL, which then restarts itself
	Cut    Kind = "cut"    // all connections are reset, including new ones
	Freeze Kind = "freeze" // connections stay open, but nothing passes
	Mute   Kind = "mute"   // requests pass, answers don't
	Full   Kind = "full"   // PostgreSQL's disk is full
	Empty  Kind = "empty"  // Temporal's storage is lost while nothing is applying; then inorder migrate and inorder recover run
)

// The parts of the system that are not processes of inorder.
const (
	postgres = "postgres"
	temporal = "temporal"
	senders  = "senders"
)

// Fault is one disturbance of limited duration.
type Fault struct {
	Kind   Kind
	Target string        // a part, or a link between two: "serve-1>postgres"
	After  time.Duration // from the beginning of its step
	For    time.Duration
}

func (f Fault) String() string {
	return fmt.Sprintf("%s %s for %s", f.Kind, f.Target, f.For)
}

// Step is a pause, then one fault or two that overlap.
type Step struct {
	Pause  time.Duration
	Faults []Fault
}

// Plan is what is decided in advance. The same seed, duration and answer to whether the disk can be full give the same plan.
type Plan struct {
	Commands map[string]string // the command of inorder that each process runs, by the process's name
	Inbox    string            // INBOX
	Recheck  time.Duration     // PENDING_RECHECK; with an hour, a lost wake-up is noticed
	Steps    []Step
}

// newPlan returns the plan. duration is how long the steps take if none takes longer than planned.
func newPlan(seed uint64, duration time.Duration, diskCanBeFull bool) Plan {
	rnd := rand.New(rand.NewPCG(seed, 1))
	p := Plan{Commands: map[string]string{"serve-1": "serve", "serve-2": "serve"}, Inbox: "apply", Recheck: time.Hour}
	if rnd.IntN(2) == 0 {
		p.Commands = map[string]string{"serve": "serve", "receiver": "receiver", "worker": "worker"}
	}
	switch rnd.IntN(10) {
	case 0:
		p.Inbox = "off"
	case 1, 2:
		p.Inbox = "workflow"
	}
	if rnd.IntN(3) == 0 {
		p.Recheck = 5 * time.Second
	}
	longest := min(12*time.Second, duration/4)
	for total := time.Duration(0); total < duration; {
		s := p.drawStep(rnd, longest, diskCanBeFull)
		p.Steps = append(p.Steps, s)
		total += s.Pause + s.length()
	}
	return p
}

func (s Step) length() (longest time.Duration) {
	for _, f := range s.Faults {
		longest = max(longest, f.After+f.For)
	}
	return longest
}

func (p Plan) drawStep(rnd *rand.Rand, longest time.Duration, diskCanBeFull bool) Step {
	s := Step{Pause: between(rnd, 200*time.Millisecond, 2*time.Second)}
	s.Faults = append(s.Faults, p.drawFault(rnd, longest, diskCanBeFull))
	if rnd.IntN(2) == 0 && s.Faults[0].Kind != Empty {
		second := p.drawFault(rnd, longest, diskCanBeFull)
		second.After = between(rnd, 0, s.Faults[0].For)
		if second.Kind != Empty && second.Target != s.Faults[0].Target {
			s.Faults = append(s.Faults, second)
		}
	}
	return s
}

func (p Plan) drawFault(rnd *rand.Rand, longest time.Duration, diskCanBeFull bool) Fault {
	f := Fault{For: between(rnd, 200*time.Millisecond, longest)}
	processes, links := p.processes(), p.links()
	switch n := rnd.IntN(100); {
	case n < 25:
		f.Kind, f.Target = pick(rnd, Kill, Kill, Stop), pick(rnd, processes...)
	case n < 40:
		f.Kind, f.Target = pick(rnd, Kill, Stop), temporal
	case n < 55:
		f.Kind, f.Target = pick(rnd, Kill, Stop, Crash), postgres
	case n < 92:
		f.Kind, f.Target = pick(rnd, Cut, Freeze, Mute), pick(rnd, links...)
	case n < 97 && diskCanBeFull:
		f.Kind, f.Target = Full, postgres
	default:
		f.Kind, f.Target, f.For = Empty, temporal, 0
	}
	return f
}

// processes returns the names of inorder's processes, sorted.
func (p Plan) processes() (names []string) {
	for name := range p.Commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// receivers returns the names of the processes that accept deliveries.
func (p Plan) receivers() []string {
	return slices.DeleteFunc(p.processes(), func(name string) bool { return p.Commands[name] == "worker" })
}

// links returns the names of all connections between two parts.
func (p Plan) links() (all []string) {
	for _, name := range p.processes() {
		all = append(all, link(name, postgres), link(name, temporal))
	}
	for _, name := range p.receivers() {
		all = append(all, link(senders, name))
	}
	return all
}

func link(from, to string) string { return from + ">" + to }

func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; INBOX=%s PENDING_RECHECK=%s\n", strings.Join(p.processes(), ", "), p.Inbox, p.Recheck)
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "  %2d. after %s:", i+1, s.Pause)
		for _, f := range s.Faults {
			fmt.Fprintf(&b, " [+%s %s]", f.After, f)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func pick[T any](rnd *rand.Rand, values ...T) T { return values[rnd.IntN(len(values))] }

// between draws a duration, rounded to tenths of a second.
func between(rnd *rand.Rand, least, most time.Duration) time.Duration {
	const unit = 100 * time.Millisecond
	return (least + time.Duration(rnd.Int64N(int64(max(0, most-least))+1))).Round(unit)
}
