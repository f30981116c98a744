package webhooks_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/webhooks"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	record := &webhooks.Record{ID: "wh_1", URL: url, Events: []string{"order.created", "order.paid"}, IsActive: true}
	as := webhooks.Webhook{ID: "wh_1", URL: url, Events: []string{"order.paid", "order.created", "order.paid"}, Active: true, Record: record}
	require.Empty(t, as.Faults(), "events are a set")
	require.Empty(t, webhooks.Webhook{ID: "wh_2", URL: foreign}.Faults(), "of a foreign one nothing is expected")

	for name, tc := range map[string]struct {
		change func(*webhooks.Webhook)
		kinds  []string
		texts  []string
	}{
		"inactive":   {func(w *webhooks.Webhook) { w.Active = false }, []string{"inactive"}, []string{"should be active"}},
		"elsewhere":  {func(w *webhooks.Webhook) { w.URL = foreign }, []string{"url"}, []string{"delivers to " + foreign + " instead of " + url}},
		"less":       {func(w *webhooks.Webhook) { w.Events = []string{"order.paid"} }, []string{"events"}, []string{"delivers order.paid instead of order.created order.paid"}},
		"gone":       {func(w *webhooks.Webhook) { w.Gone, w.URL = true, "" }, []string{"missing"}, []string{"deleted on the platform by somebody else"}},
		"unreadable": {func(w *webhooks.Webhook) { w.Unreadable, w.URL = "url is odd", "" }, []string{"unreadable"}, []string{"cannot be read from the platform's answer: url is odd"}},
		"all over":   {func(w *webhooks.Webhook) { *w = webhooks.Webhook{ID: "wh_1", Record: record} }, []string{"inactive", "url", "events"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			is := as
			tc.change(&is)
			var kinds []string
			for _, f := range is.Faults() {
				require.Equal(t, "wh_1", f.Webhook)
				kinds = append(kinds, f.Kind)
			}
			require.Equal(t, tc.kinds, kinds)
			if tc.texts != nil {
				require.Equal(t, tc.texts, faults(is))
			}
		})
	}
}
