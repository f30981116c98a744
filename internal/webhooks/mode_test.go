package webhooks_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

// live returns a registrar with a key of the other mode, on the same platform and database.
func (r *rig) live() webhooks.Registrar {
	other := r.Registrar
	other.Platform = testenv.Platform(r.t, r.url+"/v1", "sk_live_hushhush")
	return other
}

func (r *rig) requireRefused(err error, recorded string) {
	r.t.Helper()
	var refused *webhooks.OtherModeError
	require.ErrorAs(r.t, err, &refused)
	require.Equal(r.t, recorded, refused.Recorded.ID)
	for _, says := range []string{"webhook " + recorded + " of test mode", url, "DATABASE_URL", "sk_test_…", "inorder hooks delete " + recorded} {
		require.ErrorContains(r.t, err, says)
	}
	require.Equal(r.t, 1, r.shop.Stats().Webhooks, "nothing is left on the platform")
	require.Len(r.t, r.secrets(), 1)
}

func newModesRig(t *testing.T) *rig {
	r := newRig(t)
	r.shop, _ = testenv.StandIn(t, standin.Options{Keys: []string{key, "sk_live_hushhush"}})
	return r
}

func TestASecondModeIsRefused(t *testing.T) {
	r := newModesRig(t)
	first, live := r.register(), r.live()
	t.Run("by register", func(t *testing.T) {
		_, _, err := live.Register(t.Context(), "https://live.example.com/", []string{"*"})
		r.requireRefused(err, first.ID)
	})
	t.Run("by what listen does", func(t *testing.T) {
		_, err := live.Create(t.Context(), webhooks.Spec{URL: "https://live.example.com/", Events: []string{"*"},
			Tag: webhooks.Tag{Owner: "me@here", Listen: "default", Machine: "m", Lease: time.Now().Add(time.Hour)}})
		r.requireRefused(err, first.ID)
	})
	t.Run("by a rotation of somebody else's", func(t *testing.T) {
		active := true
		w, err := live.Platform.CreateWebhook(t.Context(), platform.NewWebhook{URL: foreign, Events: []string{"*"}, IsActive: &active})
		require.NoError(t, err)
		_, err = live.Rotate(t.Context(), w.ID, webhooks.Rotation{Force: true})
		require.NoError(t, live.Platform.DeleteWebhook(t.Context(), w.ID))
		r.requireRefused(err, first.ID)
	})
	t.Run("and the same mode is not", func(t *testing.T) {
		_, _, err := r.Register(t.Context(), foreign, []string{"*"})
		require.NoError(t, err)
	})
	t.Run("until the first is deleted", func(t *testing.T) {
		for _, w := range r.all() {
			_, err := r.Delete(t.Context(), w.ID, 0, false)
			require.NoError(t, err)
		}
		_, _, err := live.Register(t.Context(), "https://live.example.com/", []string{"*"})
		require.NoError(t, err)
		_, _, err = r.Register(t.Context(), url, []string{"*"})
		require.ErrorContains(t, err, "of live mode")
	})
}

func TestASecondModeIsRefusedBesideAListen(t *testing.T) {
	r := newModesRig(t)
	_, err := r.Create(t.Context(), webhooks.Spec{URL: url, Events: []string{"*"}, Tag: webhooks.Tag{Owner: "me@here", Listen: "default", Machine: "m"}})
	require.NoError(t, err)
	live := r.live()
	_, _, err = live.Register(t.Context(), "https://live.example.com/", []string{"*"})
	require.ErrorContains(t, err, "end the `inorder listen` that it belongs to (me@here/default/m)")
}

func TestOfTwoModesAtOnceOneIsRegistered(t *testing.T) {
	for range 5 {
		r := newModesRig(t)
		// Both have checked, and found nothing, before either is recorded.
		looked, both := make(chan struct{}, 2), make(chan struct{})
		go func() { <-looked; <-looked; close(both) }()
		r.onCreate = func() { looked <- struct{}{}; <-both }
		live := r.live()
		var all sync.WaitGroup
		errs := make([]error, 2)
		for i, one := range []webhooks.Registrar{r.Registrar, live} {
			one.Wait = func(context.Context, time.Duration) error { return nil }
			all.Go(func() { _, _, errs[i] = one.Register(t.Context(), url, []string{"*"}) })
		}
		all.Wait()
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v, %v", errs[0], errs[1])
		var refused *webhooks.OtherModeError
		require.ErrorAs(t, errors.Join(errs...), &refused)
		require.ErrorContains(t, errors.Join(errs...), "was created, and deleted again")
		require.Equal(t, 1, r.shop.Stats().Webhooks)
		list, err := r.Store.List(t.Context())
		require.NoError(t, err)
		require.Len(t, list, 1)
	}
}

func TestAWebhookThatCannotBeReadDoesNotHideTheOthers(t *testing.T) {
	r := newRig(t)
	e := r.register()
	other := r.foreign(foreign, true)
	for name, sent := range map[string]string{
		"somebody else's": `{"id":"` + other + `","url":7}`,
		"null":            `null`,
		"without an ID":   `{"url":"https://x.example.com/"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r.replace = map[string]string{other: sent}
			require.Len(t, r.at(url), 1)
			require.Empty(t, r.at(url)[0].Faults())
			again, existed, err := r.Register(t.Context(), url, []string{"order.created", "order.paid"})
			require.NoError(t, err)
			require.True(t, existed)
			require.Equal(t, e.ID, again.ID)
		})
	}
	require.Contains(t, r.says(), "left out, because it has no readable ID")
	t.Run("our own is not registered a second time", func(t *testing.T) {
		r.replace = map[string]string{e.ID: `{"id":"` + e.ID + `","url":{},"events":"*","is_active":1}`}
		_, existed, err := r.Register(t.Context(), url, []string{"order.created", "order.paid"})
		require.NoError(t, err)
		require.True(t, existed)
		require.Equal(t, []string{"cannot be read from the platform's answer: url does not have the documented type"}, faults(r.at(url)[0]))
	})
}
