package webhooks_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

func TestRegisterActivatesWhatReceiversCanVerify(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Wait = func(_ context.Context, d time.Duration) error {
		require.Equal(t, secrets.KnownWithin, d)
		there := r.at(url)
		require.Len(t, there, 1)
		require.False(t, there[0].Active, "nothing is delivered while receivers reload")
		require.Len(t, r.secrets(), 1, "and they find the secret")
		r.waits = append(r.waits, d)
		return nil
	}
	e := r.register()
	require.Len(t, r.waits, 1)
	require.Equal(t, platform.Test, e.Mode)
	there := r.at(url)
	require.Len(t, there, 1)
	require.Equal(t, e.ID, there[0].ID)
	require.True(t, there[0].Active)
	require.Empty(t, there[0].Faults())
	require.Len(t, there[0].Secrets, 1)
	require.Empty(t, there[0].Secrets[0].Secret)
	require.NotEmpty(t, r.secrets()[0].Secret)
	require.Equal(t, e.ID, r.secrets()[0].Source)
	require.Equal(t, "me@here", there[0].Tag.Owner)
}

func TestRegisterOnAPlatformThatKnowsLess(t *testing.T) {
	t.Parallel()
	t.Run("ignores that it is to be inactive", func(t *testing.T) {
		r := newRig(t, alwaysActive)
		r.register()
		require.Empty(t, r.waits)
		require.True(t, r.at(url)[0].Active)
	})
	t.Run("keeps no metadata", func(t *testing.T) {
		r := newRig(t, withoutMetadata)
		e := r.register()
		require.NotNil(t, r.at(url)[0].Record)
		require.Equal(t, e.ID, r.at(url)[0].ID)
	})
}

func TestRegisterTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.register("order.created", "order.paid")
	t.Run("finds the first", func(t *testing.T) {
		e, existed, err := r.Register(t.Context(), url, []string{"order.paid", "order.created"})
		require.NoError(t, err)
		require.True(t, existed)
		require.Equal(t, first.ID, e.ID)
		require.Len(t, r.at(url), 1)
	})
	t.Run("for other events says how to change it", func(t *testing.T) {
		_, _, err := r.Register(t.Context(), url, []string{"*"})
		require.ErrorContains(t, err, "inorder hooks update "+first.ID+" --events '*'")
		require.Len(t, r.at(url), 1)
	})
	t.Run("after somebody else deleted it makes a new one", func(t *testing.T) {
		require.NoError(t, r.Platform.DeleteWebhook(t.Context(), first.ID))
		again := r.register()
		require.NotEqual(t, first.ID, again.ID)
		require.Contains(t, r.says(), first.ID+" was deleted on the platform by somebody else")
		require.Len(t, r.all(), 1)
		for _, s := range r.secrets() {
			require.Equal(t, s.Source == first.ID, s.EndsAt != nil)
		}
	})
	t.Run("beside a foreign one points it out", func(t *testing.T) {
		r := newRig(t)
		other := r.foreign(url, true)
		r.register()
		require.Len(t, r.at(url), 2)
		require.Contains(t, r.says(), "hooks delete --force "+other)
	})
}

func TestRegisterThatDiedIsRunAgain(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string][]change{"": nil, "without metadata": {withoutMetadata}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				r := newRig(t, changes...)
				other := r.foreign(foreign, true)
				died := r.dyingAfter(n, func(ctx context.Context) error {
					_, _, err := r.Register(ctx, url, []string{"order.created"})
					return err
				})
				e, _, err := r.Register(t.Context(), url, []string{"order.created"})
				require.NoError(t, err)
				active := 0
				for _, w := range r.at(url) {
					if w.Active {
						active++
						require.Equal(t, e.ID, w.ID)
						require.Empty(t, w.Faults())
					} else {
						require.Contains(t, r.says(), "hooks delete --force "+w.ID, "what is left behind is pointed out")
					}
				}
				require.Equal(t, 1, active, "after %d requests", n)
				require.Len(t, r.at(foreign), 1)
				require.Equal(t, other, r.at(foreign)[0].ID)
				if !died {
					require.Greater(t, n, 2)
					return
				}
			}
		})
	}
}

func TestACreateWhoseAnswerIsLostMakesOneWebhook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Wait = nil
	require.NoError(t, r.shop.SetFaults(standin.Faults{Lose: standin.Fault{Next: 0}}))
	created := func(ctx context.Context) error {
		require.NoError(t, r.shop.SetFaults(standin.Faults{Lose: standin.Fault{Next: 2}}))
		_, err := r.Create(ctx, webhooks.Spec{URL: url, Events: []string{"order.created"}})
		return err
	}
	require.NoError(t, created(t.Context()))
	require.Equal(t, 0, r.shop.Faults().Lose.Next, "two answers were lost")
	require.Len(t, r.at(url), 1)
	require.True(t, r.at(url)[0].Active)
	require.Len(t, r.secrets(), 1)
}

func TestWhatCannotBeRecordedIsDeletedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.Store.Pool.Exec(t.Context(), `ALTER TABLE webhook_secrets RENAME TO away`)
	require.NoError(t, err)
	_, err = r.Create(t.Context(), webhooks.Spec{URL: url, Events: []string{"order.created"}})
	require.ErrorContains(t, err, "was created, and deleted again")
	require.Zero(t, r.shop.Stats().Webhooks)

	t.Run("also when the command is interrupted", func(t *testing.T) {
		r := newRig(t)
		r.Wait = func(context.Context, time.Duration) error { return errors.New("interrupted") }
		e, err := r.Create(t.Context(), webhooks.Spec{URL: url, Events: []string{"order.created"}})
		require.ErrorContains(t, err, "interrupted")
		require.NotEmpty(t, e.ID, "it is there, and recorded")
	})
}
