package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// answer is a ResponseWriter that knows what was written, and ends an answer that
// the client does not take.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	renewed time.Time // when the deadline was set; zero while there is none
	status  int       // zero before the header is written
	bytes   int64
}

func newAnswer(w http.ResponseWriter, stall time.Duration) *answer {
	return &answer{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
}

// Unwrap lets [http.ResponseController] find what the connection can do.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (a *answer) Write(p []byte) (int, error) {
	a.begin()
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// copySize is how much of a file is read and written at once, in bytes.
const copySize = 128 << 10

// copyBuffers has the buffers of answers under way.
var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// ReadFrom implements [io.ReaderFrom], for files that are sent.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{a}, struct{ io.Reader }{r}, buffer[:])
}

// FlushError lets events go out at once.
func (a *answer) FlushError() error {
	a.begin()
	err := a.control.Flush()
	// Until there is more to send, nothing can stand still.
	a.renewed = time.Time{}
	_ = a.control.SetWriteDeadline(time.Time{})
	return err
}

// Flush implements [http.Flusher].
func (a *answer) Flush() { _ = a.FlushError() }

func (a *answer) begin() {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.renew()
}

// renew moves the deadline, but not for each of many small writes. It is later than
// that of the body: before the answer, net/http reads what is left of the body, and
// a body that stands still shall be told so.
func (a *answer) renew() {
	if now := time.Now(); now.Sub(a.renewed) > a.stall/8 {
		a.renewed = now
		_ = a.control.SetWriteDeadline(now.Add(a.stall + a.stall/8)) // not all writers have one
	}
}

// statusGone is logged for a request whose client did not wait for the answer.
const statusGone = 499

// end gives what is still buffered the time that it may take.
func (a *answer) end(gone bool) {
	switch {
	case gone:
		a.status = statusGone // whatever was written for nobody
	case a.status == 0:
		a.status = http.StatusOK
	}
	a.renewed = time.Time{}
	a.renew()
}

// body is a request's body that ends when it stands still, or with the context of
// its request.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	unhook  func() bool // from the context of the request
	read    int64       // bytes

	mu      sync.Mutex
	renewed time.Time
	cut     error // why nothing is read any more, or nil
	ended   bool
}

// newBody returns the body of a request, or nil if it has none. Its time begins at
// once, since a body that no handler reads is read by net/http, before the answer
// is sent.
func newBody(w http.ResponseWriter, r *http.Request, stall time.Duration) *body {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &body{ReadCloser: r.Body, control: http.NewResponseController(w), stall: stall}
	b.renew()
	b.unhook = context.AfterFunc(r.Context(), func() { b.interrupt(context.Cause(r.Context())) })
	return b
}

// leave gives the connection back: from now on its deadlines are net/http's.
func (b *body) leave() {
	if b == nil {
		return
	}
	b.unhook()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// interrupt ends a Read that waits, which closing the body would not, and those to
// come.
func (b *body) interrupt(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	b.cut = why
	_ = b.control.SetReadDeadline(time.Now()) // not all writers have one
}

// Read implements [io.Reader]. It fails with [ErrStalled] when nothing came for too
// long, with an error that wraps [ErrBroken] when the client is gone, and with the
// cause of the end of the request's context. None can be taken for the end of a file
// that is too short.
func (b *body) Read(p []byte) (int, error) {
	b.renew()
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err == nil {
		return n, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	switch {
	case err == io.EOF:
		// From here on net/http waits for the client to go away, which may take
		// as long as it likes to.
		_ = b.control.SetReadDeadline(time.Time{})
	case b.cut != nil:
		err = b.cut
	case stalled(err):
		err = ErrStalled
	default:
		err = fmt.Errorf("%w: %v", ErrBroken, err)
	}
	return n, err
}

// What linger reads of a body, and for how long.
const (
	lingerBytes = 64 << 20
	lingerTime  = 2 * time.Second
)

// linger takes what a client still sends of a body that is refused in the middle: to
// close on it makes many clients lose the answer. One of which nothing was read is
// not asked for.
func (b *body) linger() {
	if b == nil || b.read == 0 || b.ended {
		return
	}
	_ = b.control.SetReadDeadline(time.Now().Add(lingerTime)) // not all writers have one
	_, _ = io.CopyN(io.Discard, b.ReadCloser, lingerBytes)
}

func (b *body) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.cut == nil && now.Sub(b.renewed) > b.stall/8 {
		b.renewed = now
		_ = b.control.SetReadDeadline(now.Add(b.stall)) // not all writers have one
	}
}

func (b *body) bytes() int64 {
	if b == nil {
		return 0
	}
	return b.read
}
