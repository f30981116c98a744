package workflows_test

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/workflows"
)

// waitersVariable sets how many waiting events, such as 10000, the test releases and measures.
const waitersVariable = "INORDER_TEST_WAITERS"

func TestAReleaseLeavesOtherOrdersTheirPace(t *testing.T) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(waitersVariable), "120"))
	require.NoError(t, err)
	s := newSystem(t)
	s.work()
	for i := range n {
		s.begin(s.eventOf(s.order, "payment.completed", i%600, fmt.Sprintf(`,"id":"pay_%d"`, i)))
	}
	waiting := func() int {
		left, err := strconv.Atoi(s.text(`SELECT count(*) FROM pending_events`))
		require.NoError(t, err)
		return left
	}
	s.eventually("all wait", func() bool { return waiting() == n })
	calm := s.stream(40, 25*time.Millisecond)
	begin := time.Now()
	created := s.begin(s.eventOf(s.order, "order.created", 0, confirmed))
	during := s.stream(40, 25*time.Millisecond)
	t.Logf("the others' median: %s, during the release %s; %d of %d still waited then", calm, during, waiting(), n)
	require.Less(t, during, 3*calm+300*time.Millisecond)
	require.NoError(t, created.Get(t.Context(), nil))
	s.eventually("all are released", func() bool { return waiting() == 0 })
	t.Logf("all released after %s", time.Since(begin))
	require.Equal(t, strconv.Itoa(n), s.text(`SELECT count(*) FROM order_parts`))
}

// The text of jsonb may be many times as long as the body received, and longer than Temporal accepts.
func TestAReleaseBringsBackTheBodyAsReceived(t *testing.T) {
	s := newSystem(t)
	s.work()
	var events []inorder.Event
	for _, numbers := range []string{
		strings.TrimSuffix(strings.Repeat("1e300, ", 8000), ", "),
		strings.TrimSuffix(strings.Repeat("1e131071 ,", 30), ","),
		`1.50, -0, "é \ud83d\ude00 \u0000"`,
	} {
		e := s.event("order.paid", `, "numbers" : [`+numbers+`]`)
		events = append(events, e)
		s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), e.ID, "", "a mistake"))
	}
	s.result(s.begin(s.event("order.created", confirmed)))
	for _, e := range events {
		s.eventually("it ends", func() bool { return s.ended([]string{e.ID}) == 1 })
		run := s.client.GetWorkflow(t.Context(), e.ID, "")
		s.result(run)
		require.Equal(t, string(e.Body), s.input(run), "byte for byte")
	}
}
