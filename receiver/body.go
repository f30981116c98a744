package receiver

import (
	"container/list"
	"io"
	"math/bits"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// bodies reads bodies into memory that they share. There is one for requests with a well-formed signature, and one of 1/16 of
// MAX_BODY_MEMORY for all others. A body begins with firstPart, or its length if that is
// less, and doubles as its bytes come: it holds at most twice what was sent of it, or firstPart. It holds that until its
// request is answered, and the sum of what all hold is bounded.
//
// When the memory is spent, the body that began first and is not whole yet gives way: its sender is answered 503. So a sender of
// many unfinished bodies can't keep out a delivery, whose bytes come within milliseconds. Only if whole bodies, which wait for
// Temporal, hold all the memory is the newcomer answered 503.
//
// The arithmetic, with the defaults, for the live memory of 4096 connections:
//
//	bodies, however many          64 MiB
//	parts that wait for reuse     64 MiB at most, gone with the second garbage collection that finds them unused
//	headers of ordinary size      4096 * 8 KiB, the buffer that one is read into     =  32 MiB
//	headers as large as may be    twice as much again, for their parsed copies       = +64 MiB
//	the rest of a connection      4096 * about 6 KiB: stack, request, response       =  24 MiB
//
// Go lets as much garbage pile up as is live, so the resident memory can be twice that; GOMEMLIMIT bounds it. What is not
// counted: parsing an authentic event copies its data once.
type bodies struct {
	limit int // of one body
	total int

	mu         sync.Mutex
	left       int
	unfinished list.List // of *body, the one that began first at the front
}

const (
	firstPart     = 4 << 10 // most deliveries are smaller, and so read in one piece
	unsignedShare = 16      // the part of the memory for bodies without a well-formed signature is one in so many
)

func newBodies(limit, total int) *bodies { return &bodies{limit: limit, total: total, left: total} }

// body is a body and the memory that it holds.
type body struct {
	bytes []byte // they may be kept beyond release

	from *bodies
	conn net.Conn // nil without a server

	// Guarded by from.mu.
	held    int
	element *list.Element // of unfinished; nil before its first part and once it is whole
	gaveWay bool
}

// read returns the body, whose release the caller must call. Its errors are errTooLarge, errNoRoom, errCutShort and
// fiber.ErrRequestTimeout; after any of them the connection cannot be used again, because nobody knows where the next
// request begins.
func (p *bodies) read(ctx *fasthttp.RequestCtx) (*body, error) {
	b := &body{from: p, conn: ctx.Conn()}
	stream, length := ctx.RequestBodyStream(), ctx.Request.Header.ContentLength()
	if stream == nil {
		return b, nil // without a length and a transfer coding there is none
	}
	if length > p.limit {
		return nil, errTooLarge
	}
	err := b.fill(stream, length)
	if !b.finish() {
		err = errNoRoom // whatever the interrupted read returned
	}
	if err != nil {
		b.discard()
		return nil, err
	}
	return b, nil
}

// fill reads until length bytes are there, or to the end of a chunked body, whose length is -1.
func (b *body) fill(r io.Reader, length int) error {
	most := length
	if length < 0 {
		most = b.from.limit + 1 // to distinguish one that is over the limit from one that has reached it
	}
	for len(b.bytes) < most {
		if len(b.bytes) == cap(b.bytes) && !b.grow(most) {
			return errNoRoom
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if err == io.EOF {
			break
		}
		if isTimeout(err) {
			return fiber.ErrRequestTimeout
		}
		if err != nil {
			return errCutShort
		}
	}
	switch {
	case len(b.bytes) > b.from.limit:
		return errTooLarge
	case len(b.bytes) < length: // the server takes a closed connection for the body's end
		return errCutShort
	}
	return nil
}

// grow doubles what the body holds, up to most bytes.
func (b *body) grow(most int) bool {
	size := min(max(firstPart, 2*cap(b.bytes)), most)
	if !b.from.take(b, size-cap(b.bytes)) {
		return false
	}
	grown := append(newPart(size), b.bytes...)
	recycle(b.bytes)
	b.bytes = grown
	return true
}

// parts are those that bodies have outgrown or given up, by size: firstPart, twice that, and so on. Without reusing them a
// flood of half-sent bodies would leave garbage as large as all that it holds.
var parts [bits.UintSize]sync.Pool

// newPart returns an empty part of that capacity.
func newPart(size int) []byte {
	if isPartSize(size) {
		if used, _ := parts[bits.Len(uint(size))].Get().(*[]byte); used != nil {
			return (*used)[:0]
		}
	}
	return make([]byte, 0, size)
}

// recycle takes a part that nobody refers to any more.
func recycle(part []byte) {
	if size := cap(part); isPartSize(size) {
		parts[bits.Len(uint(size))].Put(&part)
	}
}

// isPartSize reports whether parts of that size are reused: not those that a body's length cuts short.
func isPartSize(size int) bool { return size >= firstPart && bits.OnesCount(uint(size)) == 1 }

// take has the body hold n bytes more; others give way for it if they must. It reports false if the body itself is next to
// give way, or all memory is held by whole ones.
func (p *bodies) take(b *body, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.held+n > p.total || b.gaveWay {
		return false
	}
	if b.element == nil {
		b.element = p.unfinished.PushBack(b)
	}
	for p.left < n {
		p.unfinished.Front().Value.(*body).giveWay()
		if b.gaveWay {
			return false
		}
	}
	p.left -= n
	b.held += n
	return true
}

// giveWay frees the body's memory; its reader drops it as soon as the interrupted read returns. from.mu is held.
func (b *body) giveWay() {
	b.free()
	b.gaveWay = true
	if b.conn != nil {
		_ = b.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// finish makes the body one that never gives way. It reports false if it has given way already.
func (b *body) finish() bool {
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	b.leave()
	return !b.gaveWay
}

func (b *body) release() {
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	b.free()
}

// discard releases a body that nobody has seen.
func (b *body) discard() {
	b.release()
	recycle(b.bytes)
	b.bytes = nil
}

func (b *body) free() {
	b.leave()
	b.from.left += b.held
	b.held = 0
}

func (b *body) leave() {
	if b.element != nil {
		b.from.unfinished.Remove(b.element)
		b.element = nil
	}
}
