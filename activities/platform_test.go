package activities_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"inorder"
	"inorder/activities"
	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
)

// shop is a store with a stand-in. An event whose workflow is started is applied at once.
type shop struct {
	*store
	platform *standin.Server
	ahead    atomic.Int64 // how far the platform's clock is ahead, in nanoseconds
	began    []inorder.Event
	spoil    func(http.ResponseWriter, *http.Request) bool // answers a request in the platform's place
}

func newShop(t *testing.T) *shop {
	s := &shop{store: newStore(t)}
	var api string
	s.platform, api = testenv.StandIn(t, standin.Options{Now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if s.spoil == nil || !s.spoil(w, r) {
			next.ServeHTTP(w, r)
		}
	})
	s.connect(api, standin.DefaultKey)
	s.ReconcileWindow = 72 * time.Hour
	s.events.start = func(ctx context.Context, e inorder.Event) error {
		s.began = append(s.began, e)
		_, err := s.ApplyEvent(ctx, raw(string(e.Body)), activities.ApplyEventInput{Receipt: activities.Receipt{EventID: e.ID, ReceivedAt: e.ReceivedAt}})
		return err
	}
	return s
}

func (s *shop) connect(api string, key platform.Secret) {
	s.Platform = testenv.Platform(s.t, api, key, func(o *platform.Options) { o.MaxRetries = -1 })
}

// place creates orders on the platform whose webhooks are lost.
func (s *shop) place(n int, actions ...string) []standin.Order {
	s.t.Helper()
	orders, err := s.platform.Place(standin.Placement{Count: n, Actions: actions})
	require.NoError(s.t, err)
	return orders
}

// advance changes an order, a minute later by the platform's clock. An answer is dated back by the time that it took to come, and if it is slow, it must
// still be newer than what was answered before.
func (s *shop) advance(order, action string) {
	s.t.Helper()
	s.ahead.Add(int64(time.Minute))
	_, err := s.platform.Advance(order, action)
	require.NoError(s.t, err)
}

// do runs an activity as a worker does.
func do[R any](s *shop, activity any, in any) (result R, err error) {
	s.t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(testenv.Log))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(s.Activities)
	v, err := env.ExecuteActivity(activity, in)
	if err == nil {
		require.NoError(s.t, v.Get(&result))
	}
	return result, err
}
