package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/workflows"
)

func TestARetryIsToldToTheAttemptsThatItAskedFor(t *testing.T) {
	p := newPlay(t, waiting, errAway, errAway, waiting, waiting, waiting, waiting, applied)
	p.after(10*time.Second, p.signal(workflows.SignalRetry, workflows.Retry{Actor: "ops"})) // by hand, in Temporal
	p.after(40*time.Second, p.signal(workflows.SignalRetry, workflows.Retry{Actor: "ada", Audited: true}))
	p.after(50*time.Second, p.signal(workflows.SignalOrderCreated, nil))
	p.after(55*time.Second, p.signal(workflows.SignalRetry, "not what anybody expects"))
	p.run()
	require.NoError(t, p.GetWorkflowError())
	require.Equal(t, []string{"", "by ops", "by ops", "by ops", "audited", "", "by ", ""}, p.asked)
}
