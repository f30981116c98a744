package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"inorder/activities"
	"inorder/workflows"
)

func TestCheckSubscription(t *testing.T) {
	inactive := activities.SubscriptionProblem{Endpoint: "wh_1", Problem: "inactive", Detail: "the platform has deactivated it"}
	missing := activities.SubscriptionProblem{Endpoint: "wh_2", Problem: "missing", Detail: "the platform does not have it any more", Repaired: "replaced by wh_3"}
	access := activities.SubscriptionProblem{Problem: "no_access", Detail: "401"}
	for name, tc := range map[string]struct {
		check   activities.SubscriptionCheck
		details []string
	}{
		"all is well":        {activities.SubscriptionCheck{Checked: 2}, []string{"**OK**: 2 of 2 webhooks"}},
		"nothing to check":   {activities.SubscriptionCheck{Note: "nothing was checked: why"}, []string{"**OK**, but nothing was checked: why."}},
		"something is wrong": {activities.SubscriptionCheck{Checked: 2, Problems: []activities.SubscriptionProblem{inactive, missing}}, []string{"**Wrong**: 1 of 2", "HOOK_AUTOREPAIR=true", "- `wh_1` inactive: the platform has deactivated it\n", "replaced by wh_3"}},
		"all is repaired":    {activities.SubscriptionCheck{Checked: 2, Problems: []activities.SubscriptionProblem{missing}}, []string{"**Repaired**", "- `wh_2` missing: "}},
		"the key is refused": {activities.SubscriptionCheck{Checked: 2, Problems: []activities.SubscriptionProblem{access}}, []string{"**Wrong**", "`all webhooks` no_access: 401"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			var a *activities.Activities
			failures := 3
			p.OnActivity(a.CheckSubscription, mock.Anything).Return(func(context.Context) (activities.SubscriptionCheck, error) {
				if failures--; failures >= 0 {
					return activities.SubscriptionCheck{}, errAway
				}
				return tc.check, nil
			})
			p.ExecuteWorkflow(workflows.CheckSubscriptionType)
			var got activities.SubscriptionCheck
			require.NoError(t, p.GetWorkflowResult(&got), "what is wrong is a result")
			require.Equal(t, tc.check, got)
			for _, words := range tc.details {
				require.Contains(t, p.details(), words)
			}
		})
	}
}
