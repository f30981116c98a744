package retention

import (
	"fmt"
	"math"
	"time"
)

// Advise returns settings that break no promise and yet should be different. namespace is how long Temporal keeps an
// ended workflow with its input, which is the event as received; zero if that is not known.
//
// namespace should be at least REDELIVERY_HORIZON: an event that is delivered again later becomes a second workflow.
// That costs only a workflow, because the event's row answers it. And namespace should be at most PAYLOAD_RETENTION:
// what Temporal keeps for longer is not gone, and after EVENT_RETENTION nobody can tell how such an event ended. If
// the two contradict each other, because PAYLOAD_RETENTION is shorter, only the second counts.
func (s Settings) Advise(namespace time.Duration) (advice []Problem) {
	least, most := s.Redelivery, s.Payloads
	if most > 0 {
		least = min(least, most)
	}
	switch {
	case namespace <= 0:
	case namespace < least:
		advice = append(advice, Problem{Setting: NamespaceRetention, Right: least, Text: fmt.Sprintf("the Temporal namespace's retention, %s, is shorter than "+
			"REDELIVERY_HORIZON, %s: an event that is delivered again later starts a second workflow, and only the table recognizes it as a duplicate", Short(namespace), Short(s.Redelivery))})
	case namespace > most && most > 0 && namespace <= leastNamespace: // Temporal accepts no shorter one
		advice = append(advice, Problem{Setting: "PAYLOAD_RETENTION", Right: namespace, Text: fmt.Sprintf("the Temporal namespace's retention, %s, is longer than "+
			"PAYLOAD_RETENTION, %s, and can't be shorter: Temporal keeps the events as received in the inputs of ended workflows, so what is deleted from PostgreSQL "+
			"is not gone", Short(namespace), Short(most))})
	case namespace > most && most > 0:
		advice = append(advice, Problem{Setting: NamespaceRetention, Right: most, Text: fmt.Sprintf("the Temporal namespace's retention, %s, is longer than "+
			"PAYLOAD_RETENTION, %s: Temporal keeps the events as received in the inputs of ended workflows, so what is deleted from PostgreSQL is not gone; "+
			"shorten it, or raise PAYLOAD_RETENTION and, if need be, EVENT_RETENTION", Short(namespace), Short(s.Payloads))})
	}
	if s.CompareEach > s.CompareOver && s.CompareOver > 0 {
		advice = append(advice, Problem{Setting: "RECONCILE_EVERY", Right: s.CompareOver / 2, Text: fmt.Sprintf("RECONCILE_EVERY, %s, is longer than "+
			"RECONCILE_WINDOW, %s: an order that is created and closed between two comparisons is never compared", Short(s.CompareEach), Short(s.CompareOver))})
	}
	return advice
}

// leastNamespace is the shortest retention that Temporal accepts.
const leastNamespace = 24 * time.Hour

// NamespaceRetention stands for Temporal's setting, which is not one of our variables.
const NamespaceRetention = "the Temporal namespace's retention"

// Cure returns what corrects p: a command for the namespace, else the variable with its value.
func (p Problem) Cure(namespace string) string {
	if p.Setting == NamespaceRetention {
		return fmt.Sprintf("temporal operator namespace update --namespace %s --retention %.0fh", namespace, math.Ceil(max(p.Right, leastNamespace).Hours()))
	}
	return p.Setting + "=" + Short(p.Right)
}
