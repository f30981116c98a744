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
	"inorder/internal/sample"
	"inorder/workflows"
)

// waitersVariable sets how many waiting events, such as 10000, the test releases and measures.
const waitersVariable = "INORDER_TEST_WAITERS"

func TestAReleaseLeavesOtherOrdersTheirPace(t *testing.T) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(waitersVariable), "120"))
	require.NoError(t, err)
	s := newSystem(t)
	s.work()
	fair, during := s.releaseMany(n)
	for tries := 1; during >= fair && tries < 5; tries++ { // the machine may have stalled; a release without pauses holds up the others each time
		fair, during = s.releaseMany(n)
	}
	require.Less(t, during, fair)
}

// releaseMany releases n events that wait for an order. It returns the median time that another order took meanwhile, and how long it may take.
func (s *system) releaseMany(n int) (fair, during time.Duration) {
	s.Helper()
	order := sample.NewID("order_")
	for i := range n {
		s.begin(s.eventOf(order, "payment.completed", i%600, fmt.Sprintf(`,"id":"%s_pay_%d"`, order, i)))
	}
	waiting := func() int {
		left, err := strconv.Atoi(s.text(`SELECT count(*) FROM pending_events`))
		require.NoError(s, err)
		return left
	}
	s.eventually("all wait", func() bool { return waiting() == n })
	calm := s.stream(40, 25*time.Millisecond)
	begin := time.Now()
	created := s.begin(s.eventOf(order, "order.created", 0, confirmed))
	during = s.stream(40, 25*time.Millisecond)
	s.Logf("the others' median: %s, during the release %s; %d of %d still waited then", calm, during, waiting(), n)
	require.NoError(s, created.Get(s.Context(), nil))
	s.eventually("all are released", func() bool { return waiting() == 0 })
	s.Logf("all released after %s", time.Since(begin))
	require.Equal(s, strconv.Itoa(n), s.text(`SELECT count(*) FROM order_parts WHERE order_id = $1`, order))
	return 3*calm + 300*time.Millisecond, during
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
