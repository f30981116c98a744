package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// recipe is a block of commands in a document, with the sentence before it as its title.
type recipe struct{ title, commands string }

// recipes returns the recipes of a section of docs/operations.md, in their order.
func recipes(t *testing.T, section string) (all []recipe) {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "operations.md"))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), `<a id="`+section+`"></a>`)
	require.True(t, found, "docs/operations.md has no section %s", section)
	body, _, _ := strings.Cut(after, `<a id="`)
	for _, m := range regexp.MustCompile("(?s)([^\n]+)[:.]\n\n```sh\n(.*?)```").FindAllStringSubmatch(body, -1) {
		all = append(all, recipe{m[1], m[2]})
	}
	require.Equal(t, strings.Count(body, "```sh"), len(all), "a sentence that ends with a colon stands before each block")
	return all
}

// follow runs a recipe exactly as in the document, and returns its output. The recipe must succeed.
func (s *system) follow(r recipe) string { return s.followIn("", r) }

// followIn is follow in a directory; "" stands for the current one.
func (s *system) followIn(dir string, r recipe) string {
	s.t.Helper()
	temporal, err := stack.TemporalCLI(s.t.Context(), testenv.Root(), os.Stderr)
	require.NoError(s.t, err)
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", r.commands)
	cmd.Env = append(s.env, "PATH="+filepath.Dir(program)+":"+filepath.Dir(temporal)+":"+os.Getenv("PATH"))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "%s:\n%s\n%s", r.title, r.commands, out)
	return string(out)
}

// Every recipe for the temporal CLI does what the document says.
func TestRecipesOfTheTemporalCLI(t *testing.T) {
	s := newSystem(t, "STUCK_AFTER=1s", "PENDING_RECHECK=1s")
	s.serve()
	s.setScene()
	lists := func(out string, ids ...string) {
		t.Helper()
		require.Equal(t, len(ids), strings.Count(out, "ProcessEvent"), out)
		for _, id := range ids {
			require.Contains(t, out, " "+id+" ")
		}
	}
	checks := map[string]func(out string){
		"What happened to an order": func(out string) { lists(out, "evt_early", "evt_early_2") },
		"What waits, and what needs a person": func(out string) {
			lists(out, "evt_early", "evt_early_2", "evt_unwanted", "evt_canceled", "evt_attention")
		},
		"Why it waits, and what you can do":             func(out string) { require.Contains(t, out, "**Stuck** for order `order_2002`") },
		"The last failure of one that is being retried": func(out string) { require.Contains(t, out, "broken by the test") },
		"Try one again now":                             func(string) { s.awaitSignal("evt_failing", "retry", 1) },
		"Try all that wait for one order": func(string) {
			s.awaitSignal("evt_early", "retry", 1)
			s.awaitSignal("evt_early_2", "retry", 1)
		},
		"Without `--yes` it asks first, with the number of events. How far it is, because Temporal takes one batch at a time": func(string) {
			s.eventually("the batch ends", func() bool { return strings.Contains(s.follow(recipe{"How far", "temporal batch list"}), "Completed") })
		},
		"Try all that are stuck, at most ten a second": func(string) {
			for id, times := range map[string]int{"evt_early": 2, "evt_early_2": 2, "evt_canceled": 1, "evt_unwanted": 1} {
				s.awaitSignal(id, "retry", times)
			}
		},
		"Give one up": func(string) { s.awaitEnd("evt_unwanted", "a test order (by me)") },
		"Give one up without a reason; what Temporal knows of who asked is recorded": func(string) { s.awaitEnd("evt_canceled", "canceled in Temporal (by ") },
		"Try one again from its beginning, in a new run": func(string) {
			s.eventually("a new run waits", func() bool { return s.running("evt_early") && s.runs("evt_early") == 2 })
		},
		"End a run that does not go on, and bring its event back at once instead of within ten minutes": func(out string) {
			require.Contains(t, out, "1 had lost their workflow and are started anew")
			s.eventually("a new run waits", func() bool { return s.running("evt_early") && s.runs("evt_early") == 3 })
		},
	}
	all := recipes(t, "temporal-ui")
	require.Len(t, all, len(checks))
	for _, r := range all {
		require.Contains(t, checks, r.title, "nothing checks this recipe")
		t.Log(r.title)
		checks[r.title](s.follow(r))
	}
}

// setScene creates the events that the recipes are about.
func (s *system) setScene() {
	_, err := s.pool.Exec(s.t.Context(), `CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken by the test'; END $$;
		CREATE TRIGGER breaks BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.id = 'order_3003') EXECUTE FUNCTION breaks()`)
	require.NoError(s.t, err)
	s.send(sample.Options{Type: "order.created", OrderID: "order_3003"})
	s.send(sample.Options{Type: "order.paid", OrderID: "order_3003", ID: "evt_failing"})
	for id, order := range map[string]string{"evt_early": "order_2002", "evt_early_2": "order_2002", "evt_unwanted": "order_4004", "evt_canceled": "order_4004"} {
		s.send(sample.Options{Type: "order.paid", OrderID: order, ID: id})
	}
	s.deliver([]byte(`{"id":"evt_attention","type":"order.updated","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_3003","status":7}}`))
	s.eventually("the scene is set", func() bool {
		return s.found(`EventPhase="stuck" AND ExecutionStatus="Running"`) == 4 && s.found(`EventPhase="attention" AND ExecutionStatus="Running"`) == 1 &&
			s.found(`EventPhase="applying" AND ExecutionStatus="Running"`) == 1
	})
}

func (s *system) awaitSignal(eventID, signal string, times int) {
	s.t.Helper()
	s.eventually(eventID+" is signaled", func() (all bool) {
		n := 0
		events := s.temporal.GetWorkflowHistory(s.t.Context(), eventID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				return false // a busy Temporal
			}
			if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == signal {
				n++
			}
		}
		return n >= times // a batch whose attempt was repeated signals some events twice
	})
}

func (s *system) awaitEnd(eventID, detail string) {
	s.t.Helper()
	s.eventually(eventID+" is discarded", func() bool { return s.outcome(eventID) == "discarded" })
	var actual string
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), `SELECT detail FROM webhook_events WHERE event_id = $1`, eventID).Scan(&actual))
	require.Contains(s.t, actual, detail)
}

func (s *system) running(eventID string) bool {
	return s.found(`WorkflowId="`+eventID+`" AND ExecutionStatus="Running"`) == 1
}

func (s *system) runs(eventID string) int64 { return s.found(`WorkflowId="` + eventID + `"`) }

// found returns how many workflows a visibility query finds, or -1 if Temporal does not answer.
func (s *system) found(query string) int64 {
	s.t.Helper()
	n, err := s.temporal.CountWorkflow(s.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return -1
	}
	return n.Count
}
