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

// bodies reads request bodies into memory that they share, and bounds the sum. There is one for requests with a well-formed
// signature, and one with 1/16 of MAX_BODY_MEMORY for all others. A body starts with firstPart bytes of memory, or its length
// if that is less, and doubles its memory as its bytes come: it holds at most twice what was sent of it, or firstPart. It holds
// that until its request is answered.
//
// When the memory is spent, the oldest unfinished body gives way: its sender is answered 503. So a sender of many unfinished
// bodies can't keep out a delivery, whose bytes come within milliseconds. A new body is refused with 503 only if finished
// bodies, which wait for Temporal, hold all the memory.
//
// The arithmetic, with the defaults, for the live memory of 4096 connections:
//
//	bodies, however many          64 MiB
//	parts that wait for reuse     64 MiB at most, gone with the second garbage collection that finds them unused
//	headers of ordinary size      4096 * 8 KiB, the buffer that they are read into   =  32 MiB
//	headers as large as may be    twice as much again, for their parsed copies       = +64 MiB
//	the rest of a connection      4096 * about 6 KiB: stack, request, response       =  24 MiB
//
// Go lets as much garbage pile up as there is live memory, so the resident memory can be twice that; GOMEMLIMIT bounds it. Not
// counted: parsing an authentic event copies its data once.
type bodies struct {
	limit int // of one body
	total int

	mu         sync.Mutex
	left       int
	unfinished list.List // of *body, the oldest at the front
}

const (
	firstPart     = 4 << 10 // most deliveries are smaller, so they are read in one piece
	unsignedShare = 16      // bodies without a well-formed signature get 1/unsignedShare of the memory
)

func newBodies(limit, total int) *bodies { return &bodies{limit: limit, total: total, left: total} }

// body is a body and the memory that it holds.
type body struct {
	bytes []byte // may be kept after release

	from *bodies
	conn net.Conn // nil in tests without a server

	// Guarded by from.mu.
	held    int
	element *list.Element // of unfinished; nil before the body's first part and once the body is whole
	gaveWay bool
}

// read reads and returns the body of a request; the caller must call its release. The errors are errTooLarge, errNoRoom,
// errCutShort and fiber.ErrRequestTimeout. After any of them the connection can't be used again, because it is unknown where
// the next request begins.
func (p *bodies) read(ctx *fasthttp.RequestCtx) (*body, error) {
	b := &body{from: p, conn: ctx.Conn()}
	stream, length := ctx.RequestBodyStream(), ctx.Request.Header.ContentLength()
	if stream == nil {
		return b, nil // a request with neither a length nor a transfer coding has no body
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

// fill reads length bytes, or to the end of a chunked body, whose length is -1.
func (b *body) fill(r io.Reader, length int) error {
	most := length
	if length < 0 {
		most = b.from.limit + 1 // to distinguish a body over the limit from one exactly at it
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
	case len(b.bytes) < length: // the server takes a closed connection for the end of the body
		return errCutShort
	}
	return nil
}

// grow doubles the body's memory, up to most bytes. It reports false if there is no room.
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

// parts pools the buffers that bodies have outgrown or discarded, by size: firstPart, twice that, and so on. Without reuse, a
// flood of half-sent bodies would leave as much garbage as the memory that it holds.
var parts [bits.UintSize]sync.Pool

// newPart returns an empty part whose capacity is size.
func newPart(size int) []byte {
	if isPartSize(size) {
		if used, _ := parts[bits.Len(uint(size))].Get().(*[]byte); used != nil {
			return (*used)[:0]
		}
	}
	return make([]byte, 0, size)
}

// recycle makes a part available for reuse. Nobody may refer to the part any more.
func recycle(part []byte) {
	if size := cap(part); isPartSize(size) {
		parts[bits.Len(uint(size))].Put(&part)
	}
}

// isPartSize reports whether parts of that size are reused. Parts that were cut to a body's length aren't.
func isPartSize(size int) bool { return size >= firstPart && bits.OnesCount(uint(size)) == 1 }

// take gives the body n more bytes of memory; older unfinished bodies give way to it if necessary. It reports false if the body
// gives way itself, or if it would need more than the total.
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

// giveWay counts the body's memory as free and interrupts its read; the reader drops the bytes once the read returns. from.mu is held.
func (b *body) giveWay() {
	b.free()
	b.gaveWay = true
	if b.conn != nil {
		_ = b.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// finish marks the body as whole, so that it never gives way. It reports false if the body has already given way.
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

// discard releases the body and recycles its bytes, which nobody else may hold.
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
