// Package proxy is a TCP proxy between two parts of a system. It cuts or freezes their connections, to simulate outages.
package proxy

import (
	"net"
	"sync"
)

// Proxy forwards TCP connections. It listens until it is closed, even while it is cut, so that no other program gets its port.
type Proxy struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	isCut  bool
	conns  map[net.Conn]struct{}

	requests, answers sync.RWMutex // each is write-locked while nothing may pass in its direction
}

// New starts a proxy on a free loopback port in front of target (host:port). It forwards everything.
func New(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: l, conns: map[net.Conn]struct{}{}}
	go p.accept()
	return p, nil
}

// Addr returns the address (host:port) on which the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Retarget forwards new connections to another server (host:port). Open connections stay where they are.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *Proxy) behind() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return // the proxy is closed
		}
		go func() {
			out, err := net.Dial("tcp", p.behind())
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

func (p *Proxy) add(conns ...net.Conn) bool {
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

func (p *Proxy) pipe(to, from net.Conn, gate *sync.RWMutex) {
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

// passes blocks until the gate is open.
func passes(gate *sync.RWMutex) {
	gate.RLock()
	defer gate.RUnlock()
}

func (p *Proxy) remove(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		c.Close()
	}
}

// reset closes the connection with a TCP reset, as if the peer had crashed.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// Cut resets all connections, and every new one until mend is called.
func (p *Proxy) Cut() (mend func()) {
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

// Freeze keeps connections open but forwards nothing until thaw is called.
func (p *Proxy) Freeze() (thaw func()) {
	p.requests.Lock()
	p.answers.Lock()
	return func() {
		p.requests.Unlock()
		p.answers.Unlock()
	}
}

// Mute forwards requests but no answers until thaw is called.
func (p *Proxy) Mute() (thaw func()) {
	p.answers.Lock()
	return p.answers.Unlock
}

// Close stops the proxy and resets its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Cut()
}
