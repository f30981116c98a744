package webhooks_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

func TestRotateReplacesTheWebhook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.register("order.created", "order.paid")
	r.waits = nil
	e, err := r.Rotate(t.Context(), old.ID, webhooks.Rotation{Keep: time.Hour, Overlap: 7 * time.Second})
	require.NoError(t, err)
	require.NotEqual(t, old.ID, e.ID)
	require.Equal(t, []time.Duration{secrets.KnownWithin, 7 * time.Second}, r.waits)
	r.requireRotated(old.ID)

	t.Run("and the old one is not found any more", func(t *testing.T) {
		_, err := r.Rotate(t.Context(), old.ID, webhooks.Rotation{})
		require.ErrorContains(t, err, "there is no webhook "+old.ID+" in test mode")
	})
}

func (r *rig) requireRotated(old string) {
	there := r.at(url)
	require.Len(r.t, there, 1)
	require.NotEqual(r.t, old, there[0].ID)
	require.True(r.t, there[0].Active)
	require.Empty(r.t, there[0].Faults())
	valid := 0
	for _, s := range r.secrets() {
		if s.EndsAt == nil {
			valid++
			require.Equal(r.t, there[0].ID, s.Source)
			continue
		}
		require.True(r.t, s.Valid(time.Now()), "late retries of the old one are verified")
	}
	require.Equal(r.t, 1, valid)
}

func TestRotateThatDiedIsRunAgain(t *testing.T) {
	t.Parallel()
	rotate := func(r *rig, id string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := r.Rotate(ctx, id, webhooks.Rotation{Keep: time.Hour, Overlap: time.Second})
			return err
		}
	}
	for name, changes := range map[string][]change{"": nil, "without metadata": {withoutMetadata}, "always active": {alwaysActive}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				r := newRig(t, changes...)
				r.foreign(foreign, true)
				old := r.register()
				if !r.dyingAfter(n, rotate(r, old.ID)) {
					require.Greater(t, n, 4)
					return
				}
				var active int
				for _, w := range r.at(url) {
					if w.Active && !w.Gone {
						active++
					}
				}
				require.Positive(t, active, "after %d requests, something delivers", n)
				if err := rotate(r, old.ID)(t.Context()); err != nil { // it had already completed
					require.ErrorContains(t, err, "there is no webhook "+old.ID)
				}
				for _, w := range r.at(url) {
					if w.Record == nil { // created but not recorded, and nothing shows for certain whose it is
						require.NotEmpty(t, name)
						require.Contains(t, r.says(), "hooks delete --force "+w.ID)
						require.NoError(t, r.Platform.DeleteWebhook(t.Context(), w.ID))
					}
				}
				r.requireRotated(old.ID)
				require.Len(t, r.at(foreign), 1)
			}
		})
	}
}

func TestRotateWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.foreign(url, true)
	_, err := r.Rotate(t.Context(), id, webhooks.Rotation{})
	require.ErrorContains(t, err, "--force")
	require.Equal(t, id, r.at(url)[0].ID)
	_, err = r.Rotate(t.Context(), id, webhooks.Rotation{Force: true})
	require.NoError(t, err)
	r.requireRotated(id)
}

func TestRotateKeepsADisabledOneDisabled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.register()
	_, err := r.SetActive(t.Context(), old.ID, false)
	require.NoError(t, err)
	_, err = r.Rotate(t.Context(), old.ID, webhooks.Rotation{})
	require.NoError(t, err)
	require.False(t, r.at(url)[0].Active)
	require.Empty(t, r.at(url)[0].Faults())
}

func TestRotateAfterThePlatformDeactivatedIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.register()
	require.NoError(t, r.shop.Deactivate(old.ID))
	require.Equal(t, []string{"should be active"}, faults(r.at(url)[0]))
	_, err := r.Rotate(t.Context(), old.ID, webhooks.Rotation{Keep: time.Hour})
	require.NoError(t, err)
	r.requireRotated(old.ID)
}
