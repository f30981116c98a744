package listen

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/webhooks"
)

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func TestSweepDeletesOnlyWhatIsOursAndDead(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	over, ahead := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	ours := webhooks.Tag{Owner: r.machine.Owner, Machine: r.machine.ID}
	with := func(listen string, lease time.Time) webhooks.Tag {
		return webhooks.Tag{Owner: ours.Owner, Machine: ours.Machine, Listen: listen, Lease: lease}
	}
	const url = "https://a.example.com/webhooks/hc"
	dead := []string{r.create(url, with("default", ahead)), r.create(url, with("default", over)), r.create(url, with("default", time.Time{}))}
	otherDead := r.create(url, with("other", over))
	other := r.create(url, with("other", ahead))
	asleep := r.create(url, with("asleep", over)) // a machine that slept longer than its lease, and lives
	elsewhere := with("default", ahead)
	elsewhere.Machine = "anothermachine"
	otherMachine := r.create(url, elsewhere)
	elsewhere.Lease = over
	otherMachineDead := r.create(url, elsewhere)
	elsewhere.Lease = time.Time{}
	kept := []string{r.create(url, elsewhere), r.create(url, webhooks.Tag{}), r.create(url, ours), r.create(url, webhooks.Tag{Owner: "other@" + r.machine.host, Machine: r.machine.ID,
		Listen: "default", Lease: over}), r.create(url, with("../../x", ahead))}

	unlock, ok, err := r.machine.try("asleep")
	require.NoError(t, err)
	require.True(t, ok)
	defer unlock()

	requireLeft := func(want ...string) {
		t.Helper()
		require.ElementsMatch(t, want, r.ids())
	}
	k := newListener(r.options("default")).keeper
	require.NoError(t, k.sweep(t.Context()))
	left := append(slices.Clone(kept), other, asleep, otherMachine)
	requireLeft(left...)
	for _, id := range slices.Concat(dead, []string{otherDead, otherMachineDead}) {
		require.NotContains(t, r.ids(), id)
	}

	t.Run("dry, it deletes nothing", func(t *testing.T) {
		var would []string
		require.NoError(t, Sweep(t.Context(), r.hooks, r.machine, true, func(s Swept) { would = append(would, s.ID) }))
		require.Equal(t, []string{other}, would)
		requireLeft(left...)
	})
	t.Run("by command, a free lock is proof enough", func(t *testing.T) {
		require.NoError(t, Sweep(t.Context(), r.hooks, r.machine, false, func(Swept) {}))
		requireLeft(append(slices.Clone(kept), asleep, otherMachine)...)
	})
}

func TestAfterADeathTheNextOneSweeps(t *testing.T) {
	t.Parallel()
	for name, metadata := range map[string]bool{"by the metadata": true, "by our records": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, metadata)
			foreign := r.create("https://elsewhere.example.com/", webhooks.Tag{Owner: "somebody@else", Listen: "default", Lease: time.Now().Add(-time.Hour)})
			var last string
			for range 3 {
				k := newListener(r.options("default")).keeper // one that dies without a word
				require.NoError(t, k.sweep(t.Context()))
				require.NoError(t, k.register(t.Context(), "https://a.example.com"))
				last = k.e.ID
				require.ElementsMatch(t, []string{foreign, last}, r.ids())
			}
			stop := r.start(r.options("default"))
			require.Len(t, r.ids(), 2)
			require.NotContains(t, r.ids(), last)
			require.NoError(t, stop())
			require.Equal(t, []string{foreign}, r.ids())
		})
	}
}

func TestWhatIsCreatedAfterADeathIsSweptLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.start(r.options("default"))
	ours := r.list()[0].ID
	late := r.create("https://a.example.com/webhooks/hc", webhooks.Tag{Owner: r.machine.Owner, Machine: r.machine.ID, Listen: "default"})
	r.eventually("it is deleted with the next renewal", func() bool { return len(r.ids()) == 1 })
	require.NotEqual(t, ours, late)
	require.Equal(t, []string{ours}, r.ids())
}

func TestAMachineKeepsItsID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := ThisMachine(dir)
	require.NoError(t, err)
	require.Len(t, first.ID, 10)
	again, err := ThisMachine(dir)
	require.NoError(t, err)
	require.Equal(t, first, again)
	elsewhere, err := ThisMachine(t.TempDir())
	require.NoError(t, err)
	require.Equal(t, first.Owner, elsewhere.Owner)
	require.NotEqual(t, first.ID, elsewhere.ID)
	require.Error(t, CheckName("../x"))
	require.NoError(t, CheckName("my.laptop-2"))
}
