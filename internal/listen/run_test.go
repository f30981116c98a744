package listen

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/standin"
	"inorder/internal/delivery"
	"inorder/internal/store"
	"inorder/internal/webhooks"
)

func TestRunDeliversUntilItIsStopped(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	foreign := r.create("https://elsewhere.example.com/", webhooks.Tag{})
	var since []time.Time
	o := r.options("default")
	o.Outcomes, o.Link = ends{}, func(id string) string { return "http://ui/" + id }
	o.CatchUp = func(_ context.Context, at time.Time) { since = append(since, at) }
	stop := r.start(o)
	_, err := r.shop.Place(standin.Placement{})
	require.NoError(t, err)
	r.eventually("the delivery is shown with its end", func() bool {
		out := r.out.String()
		return strings.Contains(out, "200 accepted") && strings.Contains(out, "  applied  http://ui/evt_") && strings.Contains(out, "order.created")
	})
	require.NoError(t, stop())
	require.Equal(t, []string{foreign}, r.ids())
	secrets, err := r.hooks.Store.Secrets().List(t.Context())
	require.NoError(t, err)
	require.Len(t, secrets, 1)
	require.WithinDuration(t, time.Now().Add(secretOutlives), *secrets[0].EndsAt, time.Minute)

	t.Run("and the next one knows when that was", func(t *testing.T) {
		require.NoError(t, r.start(o)())
		require.Len(t, since, 2)
		require.True(t, since[0].IsZero())
		require.WithinDuration(t, time.Now(), since[1], time.Minute)
	})
}

// ends says that every event was applied.
type ends struct{}

func (ends) States(_ context.Context, ids []string) (all []store.EventState, _ error) {
	for _, id := range ids {
		all = append(all, store.EventState{ID: id, Outcome: inorder.Applied})
	}
	return all, nil
}

func (ends) Ask(_ context.Context, s store.EventState) store.EventState { return s }

func TestAnEventThatCameAnotherWayFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	quicker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(delivery.ResultHeader, delivery.ResultDuplicate)
	}))
	t.Cleanup(quicker.Close)
	direct := r.create(strings.Replace(quicker.URL, "127.0.0.1", "localhost", 1)+"/webhooks/hc", webhooks.Tag{})
	o := r.options("default")
	o.Receiver, o.Outcomes = quicker.URL, ends{}
	r.start(o)
	require.Contains(t, r.out.String(), direct+" delivers to that receiver, too")
	require.NoError(t, r.shop.SetFaults(standin.Faults{Duplicate: standin.Fault{Share: 1}}))
	_, err := r.shop.Place(standin.Placement{})
	require.NoError(t, err)
	r.eventually("it is shown, and so is one that is delivered here again", func() bool {
		out := r.out.String()
		return strings.Contains(out, "200 already here") && strings.Contains(out, "200 duplicate") && strings.Contains(out, "  applied")
	})
	require.Equal(t, 1, strings.Count(r.out.String(), "200 already here"))
	require.Equal(t, 1, strings.Count(r.out.String(), "delivers to that receiver, too"), "said once, though the lease is renewed")
}

func TestSameURL(t *testing.T) {
	t.Parallel()
	const to = "http://127.0.0.1:3000/webhooks/hc"
	for url, same := range map[string]bool{
		to: true, "http://localhost:3000/webhooks/hc": true, "http://[::1]:3000/webhooks/hc": true, "http://127.0.0.1:3003/webhooks/hc": false,
		"http://127.0.0.1:3000/": false, "https://shop.example.com:3000/webhooks/hc": false, "::": false,
	} {
		require.Equal(t, same, sameURL(url, to), url)
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var r recent
	require.False(t, r.note("evt_1"))
	require.True(t, r.note("evt_1"))
	for i := range 2 * maxRecent {
		require.False(t, r.note(strconv.Itoa(i)))
		require.LessOrEqual(t, len(r.ids), maxRecent)
	}
}

func TestAnotherURLOfTheTunnel(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.start(r.options("default"))
	before := r.list()[0]
	require.NoError(t, r.tunnel.opened().Close())
	r.eventually("the webhook leads to the new URL", func() bool {
		return strings.HasPrefix(r.list()[0].URL, r.tunnel.opened().URL+"/") && r.list()[0].URL != before.URL
	})
	r.eventually("and the record says so", func() bool { return len(r.list()[0].Faults()) == 0 })
	require.Equal(t, []string{before.ID}, r.ids())
	_, err := r.shop.Place(standin.Placement{})
	require.NoError(t, err)
	r.eventually("deliveries arrive again", func() bool { return r.received() > 0 })
}

func TestOneOfANameAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	stop := r.start(r.options("default"))
	ids := r.ids()
	err := Run(t.Context(), r.options("default"))
	require.ErrorContains(t, err, `another `+"`inorder listen`"+` named "default" is running`)
	require.Equal(t, ids, r.ids())
	require.NoError(t, stop())
	require.NoError(t, r.start(r.options("default"))(), "the lock is free again")
}

func TestTheLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	for name, metadata := range map[string]bool{"in the metadata": true, "in our record, if there are no metadata": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, metadata)
			r.start(r.options("default"))
			first := *r.list()[0].Record.LeaseUntil
			r.eventually("it is prolonged", func() bool {
				w := r.list()[0]
				return w.Record.LeaseUntil.After(first.Add(2*time.Second)) && w.Tag.Listen == "default"
			})
			if metadata { // they follow the record
				r.eventually("there, too", func() bool { return r.leaseOnPlatform().After(first) })
			} else {
				r.eventually("it is told why not there", func() bool { return strings.Contains(r.out.String(), "the platform keeps no metadata") })
			}
			require.Equal(t, metadata, r.leaseOnPlatform().After(first))
			require.Equal(t, !metadata, strings.Contains(r.out.String(), "the platform keeps no metadata"))
			if !metadata {
				require.Equal(t, 1, strings.Count(r.out.String(), "the platform keeps no metadata"), "said once")
			}
		})
	}
}

// leaseOnPlatform returns the lease in the metadata of the newest webhook; zero if there is none.
func (r *rig) leaseOnPlatform() time.Time {
	w, err := r.hooks.Platform.GetWebhook(context.Background(), r.list()[0].ID)
	require.NoError(r.t, err)
	return webhooks.TagOf(w).Lease
}

// PostgreSQL may be restored from a backup that does not have the record.
func TestALostRecordIsWrittenAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.start(r.options("default"))
	id := r.list()[0].ID
	_, err := r.hooks.Store.Pool.Exec(t.Context(), `DELETE FROM webhook_endpoints`)
	require.NoError(t, err)
	r.eventually("it is recorded again", func() bool { w := r.list()[0]; return w.ID == id && w.Record != nil && w.Record.LeaseUntil != nil })
}

func TestWhatHappensToTheWebhookIsPutRight(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.start(r.options("default"))
	first := r.list()[0].ID
	require.NoError(t, r.shop.Deactivate(first))
	r.eventually("it is activated again", func() bool { return r.list()[0].Active })
	require.Equal(t, []string{first}, r.ids())

	require.NoError(t, r.hooks.Platform.DeleteWebhook(t.Context(), first))
	r.eventually("it is registered again", func() bool {
		list := r.list()
		return len(list) == 1 && list[0].ID != first && list[0].Active
	})
	require.Contains(t, r.out.String(), first+" was deleted by somebody else")
}

func TestAWebhookThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	o := r.options("default")
	o.Events = []string{"order.none"}
	require.ErrorContains(t, Run(t.Context(), o), "Unknown event type: order.none")
	o = r.options("default")
	o.Tunnel = Public{URL: "https://shop.example.com", Addr: strings.TrimPrefix(r.receiver, "http://")}
	require.ErrorContains(t, Run(t.Context(), o), "--addr")
	require.Empty(t, r.list())
}

func TestNgrokNeverShowsItsToken(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := Ngrok{Authtoken: "2hushhush", ConnectURL: "127.0.0.1:1", Log: testLog(t)}.Open(ctx)
	require.ErrorContains(t, err, "NGROK_AUTHTOKEN")
	require.NotContains(t, err.Error(), "hushhush")
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, Ngrok{Authtoken: "2hushhush"}.explain(context.DeadlineExceeded).Error(), "hush")
}
