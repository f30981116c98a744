package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"inorder/activities"
	"inorder/internal/webhooks"
	"inorder/workflows"
)

func TestCheckSubscription(t *testing.T) {
	inactive := webhooks.Fault{Webhook: "wh_1", Kind: "inactive", Text: "the platform has deactivated it"}
	missing := webhooks.Fault{Webhook: "wh_2", Kind: "missing", Text: "the platform does not have it any more", Repaired: "replaced by wh_3"}
	access := webhooks.Fault{Kind: "no_access", Text: "401"}
	for name, tc := range map[string]struct {
		check   webhooks.Check
		details []string
	}{
		"all is well":        {webhooks.Check{Checked: 2}, []string{"**OK**: 2 webhooks are on the platform as registered"}},
		"nothing to check":   {webhooks.Check{Note: "nothing was checked: why"}, []string{"**OK**, but nothing was checked: why."}},
		"something is wrong": {webhooks.Check{Checked: 2, Faults: []webhooks.Fault{inactive, missing}}, []string{"**Wrong**: 1 fault remains, of 2", "HOOK_AUTOREPAIR=true", "- `wh_1` inactive: the platform has deactivated it\n", "replaced by wh_3"}},
		"all is repaired":    {webhooks.Check{Checked: 2, Faults: []webhooks.Fault{missing}}, []string{"**Repaired**", "- `wh_2` missing: "}},
		"the key is refused": {webhooks.Check{Checked: 2, Faults: []webhooks.Fault{access}}, []string{"**Wrong**", "`all webhooks` no_access: 401"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			var a *activities.Activities
			failures := 3
			p.OnActivity(a.CheckSubscription, mock.Anything).Return(func(context.Context) (webhooks.Check, error) {
				if failures--; failures >= 0 {
					return webhooks.Check{}, errAway
				}
				return tc.check, nil
			})
			p.ExecuteWorkflow(workflows.CheckSubscriptionType)
			var got webhooks.Check
			require.NoError(t, p.GetWorkflowResult(&got), "what is wrong is a result")
			require.Equal(t, tc.check, got)
			for _, words := range tc.details {
				require.Contains(t, p.details(), words)
			}
		})
	}
}
