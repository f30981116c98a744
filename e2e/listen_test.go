package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/standin"
	"inorder/internal/listen"
	"inorder/internal/platform"
	"inorder/internal/webhooks"
)

// listen starts `inorder listen` at addr.
func (s *shop) listen(addr string, more ...string) *process {
	return s.begin(append([]string{"listen", "--addr", addr, "--public-url", "http://" + addr, "--events", "order.created", "--lease", "3s"}, more...)...)
}

func freeAddr(t *testing.T) string {
	port, err := stack.FreePort()
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func TestListenShowsWhatArrives(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.serve()
	p := s.listen(freeAddr(t))
	p.awaits(" delivers ")
	_, err := s.platform.Place(standin.Placement{})
	require.NoError(t, err)
	p.awaits("  200 ") // accepted, or spilled on a busy machine
	p.awaits("  applied  " + s.uiLink())

	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait(), "a requested stop exits with code 0")
	s.print(p.out.String())
	require.Empty(t, s.webhooks())
	p = s.listen(freeAddr(t))
	p.awaits(" compared, ")
}

// Whenever kill -9 comes, the next start removes what the killed process left behind, and nothing else.
func TestListenKilledTenTimes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := registered(t, s.do(0, "hooks", "register", "https://shop.example.com"))
	theirs := "somebody@" + listen.Owner()
	lease := time.Now().Add(-time.Hour)
	foreign := []string{
		id,
		s.create("https://a.example.com/", webhooks.Tag{}),
		s.create("https://b.example.com/", webhooks.Tag{Owner: theirs, Listen: "default", Lease: lease}),
		s.create("https://c.example.com/", webhooks.Tag{Owner: listen.Owner(), Machine: "another", Listen: "default", Lease: time.Now().Add(time.Hour)}),
	}
	addr := freeAddr(t)
	ours := func() (found []platform.Webhook) {
		there := s.webhooks()
		for _, id := range foreign {
			require.Contains(t, there, id)
			delete(there, id)
		}
		for _, w := range there {
			found = append(found, w)
		}
		return found
	}
	for i := range 10 {
		p := s.listenUntil(addr, i%4, ours)
		p.kill()
		p = s.listen(addr)
		p.awaits(" delivers ")
		s.eventually("exactly one endpoint of ours is left", func() bool {
			left := ours()
			return len(left) == 1 && left[0].IsActive && left[0].URL == "http://"+addr+"/webhooks/hc"
		})
		p.kill()
	}
	left := ours()
	require.Len(t, left, 1, "that of the last one, which was killed, too")
	require.Contains(t, s.do(0, "hooks", "sweep", "--dry-run"), "would delete "+left[0].ID)
	require.Len(t, ours(), 1)
	require.Contains(t, s.do(0, "hooks", "sweep"), "deleting "+left[0].ID)
	require.Empty(t, ours())
	require.Equal(t, 1, s.count(`SELECT count(*) FROM webhook_endpoints`), "the lasting one")
}

// listenUntil starts `inorder listen` and returns at the given moment of its life, 0 to 3.
func (s *shop) listenUntil(addr string, moment int, ours func() []platform.Webhook) *process {
	before := map[string]bool{}
	for _, w := range ours() {
		before[w.ID] = true
	}
	asked := make(chan struct{})
	if moment == 2 {
		s.setOnCreate(func(perform func()) {
			s.setOnCreate(nil)
			close(asked)
			time.Sleep(200 * time.Millisecond) // the sender is dead when the request is performed
			perform()
		})
	}
	p := s.listen(addr)
	switch moment {
	case 0:
		p.awaits(" delivers ")
	case 1: // its webhook is created but not active yet
		s.eventually("a new one is there", func() bool {
			for _, w := range ours() {
				if !before[w.ID] {
					return true
				}
			}
			return false
		})
	case 2:
		<-asked
	}
	return p // 3: right after the start
}

func TestTwoOfAName(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.listen(freeAddr(t))
	p.awaits(" delivers ")
	out := s.do(1, "listen", "--addr", freeAddr(t), "--public-url", "http://127.0.0.1:3003")
	require.Contains(t, out, `named "default" is running`)
	require.Len(t, s.webhooks(), 1)
	require.Contains(t, s.do(0, "hooks", "sweep"), "0 webhooks")
	second := s.listen(freeAddr(t), "--name", "second")
	second.awaits(" delivers ")
	require.Len(t, s.webhooks(), 2)
}
