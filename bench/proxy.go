package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
)

// proxy stands between a subject and PostgreSQL and counts round trips: how often the client sends something after an answer of the
// server. Several statements that are sent without waiting for an answer count as one.
type proxy struct {
	net.Listener
	server string
	count  atomic.Int64
	conns  sync.Map // open connections of clients (net.Conn)
}

// newProxy starts a proxy in front of the URL's server, and returns it with the URL of the same database through it.
func newProxy(databaseURL string) (*proxy, string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	p := &proxy{Listener: l, server: u.Host}
	go p.serve()
	u.Host = l.Addr().String()
	return p, u.String(), nil
}

func (p *proxy) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		go p.join(client)
	}
}

func (p *proxy) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	p.conns.Store(client, nil)
	defer p.conns.Delete(client)
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		_, _ = io.Copy(client, reader{server, func() { answered.Store(true) }})
		client.Close()
	}()
	_, _ = io.Copy(server, reader{client, func() {
		if answered.Swap(false) {
			p.count.Add(1)
		}
	}})
}

func (p *proxy) close() {
	_ = p.Close()
	p.conns.Range(func(conn, _ any) bool { _ = conn.(net.Conn).Close(); return true })
}

// reader calls read whenever it has read bytes, before it returns them.
type reader struct {
	io.Reader
	read func()
}

func (r reader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 {
		r.read()
	}
	return n, err
}
