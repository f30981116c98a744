package chaos

import (
	"net"
	"sync"
)

// proxy stands between two parts, and can be cut or frozen. It listens all the while, so that nobody else gets its port.
type proxy struct {
	target   string
	listener net.Listener

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]struct{}

	requests, answers sync.RWMutex // each held for writing while nothing passes that way
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{target: target, listener: l, conns: map[net.Conn]struct{}{}}
	go p.accept()
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return // it is closed
		}
		go func() {
			out, err := net.Dial("tcp", p.target)
			if err != nil {
				reset(in)
				return
			}
			if !p.add(in, out) {
				reset(in)
				out.Close()
				return
			}
			go p.pipe(out, in, &p.requests)
			p.pipe(in, out, &p.answers)
		}()
	}
}

func (p *proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isCut {
		return false
	}
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return true
}

func (p *proxy) pipe(to, from net.Conn, gate *sync.RWMutex) {
	defer p.remove(to, from)
	for b := make([]byte, 32<<10); ; {
		n, err := from.Read(b)
		passes(gate)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// passes returns when the gate is open.
func passes(gate *sync.RWMutex) {
	gate.RLock()
	defer gate.RUnlock()
}

func (p *proxy) remove(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		c.Close()
	}
}

// reset closes the connection as a crashed machine does.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// cut resets every connection, and new ones, until mended.
func (p *proxy) cut() (mend func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for c := range p.conns {
		reset(c)
	}
	clear(p.conns)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.isCut = false
	}
}

// freeze keeps connections open and lets nothing through.
func (p *proxy) freeze() (thaw func()) {
	p.requests.Lock()
	p.answers.Lock()
	return func() {
		p.requests.Unlock()
		p.answers.Unlock()
	}
}

// mute lets requests through, and no answers.
func (p *proxy) mute() (thaw func()) {
	p.answers.Lock()
	return p.answers.Unlock
}

func (p *proxy) close() {
	p.listener.Close()
	p.cut()
}
