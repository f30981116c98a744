package e2e

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between inorder and a server, and can be cut, which is how an outage looks from here.
type proxy struct {
	t      *testing.T
	addr   string
	target string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn

	frozen sync.RWMutex // held for writing while nothing passes
}

func newProxy(t *testing.T, target string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{t: t, addr: l.Addr().String(), target: target}
	require.NoError(t, l.Close())
	t.Cleanup(p.cut)
	return p
}

// connect lets connections through.
func (p *proxy) connect() {
	l, err := net.Listen("tcp", p.addr)
	require.NoError(p.t, err)
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", p.target)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go p.pipe(in, out)
			go p.pipe(out, in)
		}
	}()
}

func (p *proxy) pipe(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	for b := make([]byte, 32<<10); ; {
		n, err := from.Read(b)
		p.frozen.RLock()
		_, writing := to.Write(b[:n])
		p.frozen.RUnlock()
		if err != nil || writing != nil {
			return
		}
	}
}

// freeze keeps all connections open and lets nothing through, as a server that is stopped with SIGSTOP does.
func (p *proxy) freeze() (thaw func()) {
	p.frozen.Lock()
	return sync.OnceFunc(p.frozen.Unlock)
}

// cut breaks every connection, and refuses new ones.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
