package client

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
)

// watch ends an exchange that stands still. It runs while the network is waited for,
// not while a source or who reads the answer takes its time.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newWatch(limit time.Duration, cancel context.CancelCauseFunc) *watch {
	return &watch{limit: limit, cancel: cancel, timer: time.AfterFunc(limit, func() {
		cancel(fmt.Errorf("%w: nothing moved for %s", fetch.ErrStalled, limit))
	})}
}

func (w *watch) begin()                   { w.timer.Reset(w.limit) }
func (w *watch) beginFor(d time.Duration) { w.timer.Reset(d) }
func (w *watch) pause()                   { w.timer.Stop() }

// end frees what the exchange holds. It returns nil.
func (w *watch) end() error {
	w.timer.Stop()
	w.cancel(nil)
	return nil
}

// body is the content of a request on its way out. The transport may hold on to it
// after the answer has come; from detach on it delivers and tells nothing more.
type body struct {
	source io.Reader
	watch  *watch
	told   func(sent int64)
	answer time.Duration

	mu       sync.Mutex
	sent     int64 // bytes
	read     bool  // reading has begun
	detached bool
	failed   error // of the source
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	detached := b.detached
	if !detached {
		b.read = true
		b.watch.pause()
	}
	b.mu.Unlock()
	if detached {
		return 0, io.ErrClosedPipe
	}
	n, err := b.source.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.detached:
		return 0, io.ErrClosedPipe
	case err == nil:
		b.watch.begin()
	case err == io.EOF && b.answer > 0:
		b.watch.beginFor(b.answer)
	case err != io.EOF:
		b.failed = err
	}
	if b.sent += int64(n); n > 0 && b.told != nil {
		b.told(b.sent)
	}
	return n, err
}

// detach reports whether reading has begun, and returns the error of the source if
// that is why the request has failed.
func (b *body) detach() (read bool, failed error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.detached = true
	return b.read, b.failed
}

// watchedBody is the body of an answer.
type watchedBody struct {
	io.ReadCloser
	watch *watch
	lost  func(error) error
}

// Read implements [io.Reader].
func (b *watchedBody) Read(p []byte) (int, error) {
	b.watch.begin()
	n, err := b.ReadCloser.Read(p)
	b.watch.pause()
	if err != nil && err != io.EOF {
		err = b.lost(err)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	_ = b.watch.end()
	return err
}
