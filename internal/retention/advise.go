package retention

import (
	"fmt"
	"math"
	"time"
)

// Advise returns what breaks no promise and yet should be otherwise. namespace is for how long Temporal keeps a workflow that has ended,
// with its input, which is the event as received; zero if that is not known.
//
// It should be at least REDELIVERY_HORIZON: an event that is delivered again later becomes a second workflow. That costs a workflow, and no
// more, because the event's row answers it. And it should be at most PAYLOAD_RETENTION: what Temporal keeps for longer is not gone, and
// of what it keeps for longer than EVENT_RETENTION nobody can tell how it ended. Where the two contradict each other, PAYLOAD_RETENTION
// being shorter, only the second counts.
func (s Settings) Advise(namespace time.Duration) (advice []Problem) {
	least, most := s.Redelivery, s.Payloads
	if most > 0 {
		least = min(least, most)
	}
	switch {
	case namespace <= 0:
	case namespace < least:
		advice = append(advice, Problem{Setting: NamespaceRetention, Right: least, Text: fmt.Sprintf("the Temporal namespace's retention, %s, is shorter than "+
			"REDELIVERY_HORIZON, %s: an event that is delivered again after it becomes a second workflow, which the table dedupes", Short(namespace), Short(s.Redelivery))})
	case namespace > most && most > 0 && namespace <= leastNamespace: // Temporal keeps nothing for less
		advice = append(advice, Problem{Setting: "PAYLOAD_RETENTION", Right: namespace, Text: fmt.Sprintf("the Temporal namespace's retention, %s, is longer than "+
			"PAYLOAD_RETENTION, %s, and can't be shorter: Temporal keeps the events as received in the inputs of workflows that have ended, so what goes in PostgreSQL "+
			"is not gone", Short(namespace), Short(most))})
	case namespace > most && most > 0:
		advice = append(advice, Problem{Setting: NamespaceRetention, Right: most, Text: fmt.Sprintf("the Temporal namespace's retention, %s, is longer than "+
			"PAYLOAD_RETENTION, %s: Temporal keeps the events as received in the inputs of workflows that have ended, so what goes in PostgreSQL is not gone; "+
			"or raise PAYLOAD_RETENTION and, if need be, EVENT_RETENTION", Short(namespace), Short(s.Payloads))})
	}
	if s.CompareEach > s.CompareOver && s.CompareOver > 0 {
		advice = append(advice, Problem{Setting: "RECONCILE_EVERY", Right: s.CompareOver / 2, Text: fmt.Sprintf("RECONCILE_EVERY, %s, is longer than "+
			"RECONCILE_WINDOW, %s: an order that is created and closed between two comparisons is never compared", Short(s.CompareEach), Short(s.CompareOver))})
	}
	return advice
}

// leastNamespace is the shortest retention that Temporal takes.
const leastNamespace = 24 * time.Hour

// NamespaceRetention stands for Temporal's setting, which is no variable of ours.
const NamespaceRetention = "the Temporal namespace's retention"

// Cure is what sets p right: a command for the namespace, else the variable.
func (p Problem) Cure(namespace string) string {
	if p.Setting == NamespaceRetention {
		return fmt.Sprintf("temporal operator namespace update --namespace %s --retention %.0fh", namespace, math.Ceil(max(p.Right, leastNamespace).Hours()))
	}
	return p.Setting + "=" + Short(p.Right)
}
