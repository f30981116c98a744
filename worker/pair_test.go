package worker

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"
)

// fake is an sdk.Worker that runs until it is stopped, or fails.
type fake struct {
	sdk.Worker
	startErr error
	fails    chan error
	started  int
	stopped  int
}

func (f *fake) Start() error {
	f.started++
	return f.startErr
}
func (f *fake) Stop() { f.stopped++ }
func (f *fake) Run(stop <-chan any) error {
	select {
	case <-stop:
		f.stopped++
		return nil
	case err := <-f.fails:
		return err
	}
}

func TestBothWorkersRunAndEndAsOne(t *testing.T) {
	errFatal := errors.New("the namespace is gone")
	newPair := func() (*pair, *fake, *fake) {
		a, b := &fake{fails: make(chan error, 1)}, &fake{fails: make(chan error, 1)}
		return &pair{a, b}, a, b
	}
	run := func(p *pair, stop chan any) error {
		ended := make(chan error, 1)
		go func() { ended <- p.Run(stop) }()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
			return nil
		}
	}
	t.Run("an interrupt ends both", func(t *testing.T) {
		p, a, b := newPair()
		stop := make(chan any)
		close(stop)
		require.NoError(t, run(p, stop))
		require.Equal(t, []int{1, 1}, []int{a.stopped, b.stopped})
	})
	t.Run("one that fails ends the other", func(t *testing.T) {
		p, a, b := newPair()
		b.fails <- errFatal
		require.ErrorIs(t, run(p, make(chan any)), errFatal)
		require.Equal(t, 1, a.stopped)

		p, a, b = newPair()
		a.fails <- errFatal
		require.ErrorIs(t, run(p, make(chan any)), errFatal)
		require.Equal(t, 1, b.stopped)
	})
	t.Run("one that does not start lets neither run", func(t *testing.T) {
		p, a, b := newPair()
		b.startErr = errFatal
		require.ErrorIs(t, p.Start(), errFatal)
		require.Equal(t, 1, a.stopped)

		p, a, b = newPair()
		a.startErr = errFatal
		require.ErrorIs(t, p.Start(), errFatal)
		require.Zero(t, b.started)
	})
}
