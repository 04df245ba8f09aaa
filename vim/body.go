package vim

import (
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// errBodyClosed is what a body returns to a reader that outlives its upload.
var errBodyClosed = errors.New("body is closed")

// A body is an image on its way through one attempt of an upload. What wants to
// see the bytes looks on as they pass. An attempt has a body of its own, as
// net/http may still read the body of an attempt that is over.
type body struct {
	progress func(done int64)
	begun    chan struct{} // closed when the first byte is asked for

	// beating is held during a beat and while the end of the body begins.
	beating   sync.Mutex
	finishing time.Time // when the last bytes were asked for

	mu      sync.Mutex
	content *io.SectionReader
	done    int64 // bytes
	closed  bool
	hashes  *hashes
}

func newBody(content io.ReaderAt, size int64, algorithms []string) *body {
	return &body{
		progress: func(int64) {},
		begun:    make(chan struct{}),
		content:  io.NewSectionReader(content, 0, size),
		hashes:   newHashes(algorithms),
	}
}

// Read implements io.Reader. Its time goes to reading and copying: hashing is
// done elsewhere.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, errBodyClosed
	}
	if b.done == 0 {
		select {
		case <-b.begun:
		default:
			close(b.begun)
		}
	}
	if b.done+int64(len(p)) >= b.content.Size() {
		b.finish()
	}
	n, err := b.content.Read(p)
	b.done += int64(n)
	b.hashes.write(p[:n])
	if n > 0 {
		b.progress(b.done)
	}
	return n, err
}

func (b *body) finish() {
	b.beating.Lock()
	defer b.beating.Unlock()
	if b.finishing.IsZero() {
		b.finishing = time.Now()
	}
}

// close ends the body and returns the digests of what was read, in hex by
// algorithm, if that was all of it.
func (b *body) close() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	sums := b.hashes.sums()
	if b.done != b.content.Size() {
		return nil
	}
	return sums
}

// hashes computes several digests of one stream, each in a goroutine of its
// own, a few blocks behind the stream.
type hashes struct {
	algorithms []string
	hash       []hash.Hash
	blocks     []chan *block
	running    sync.WaitGroup
	pool       sync.Pool
}

// A block is a copy of bytes that passed, in use by several hashes.
type block struct {
	bytes []byte
	users atomic.Int32
}

// blocksBehind is how many blocks a hash may be behind.
const blocksBehind = 8

func newHashes(algorithms []string) *hashes {
	h := &hashes{algorithms: algorithms}
	h.pool.New = func() any { return new(block) }
	for _, a := range algorithms {
		sum, blocks := newHash(a), make(chan *block, blocksBehind)
		h.hash, h.blocks = append(h.hash, sum), append(h.blocks, blocks)
		h.running.Go(func() {
			for b := range blocks {
				sum.Write(b.bytes)
				if b.users.Add(-1) == 0 {
					h.pool.Put(b)
				}
			}
		})
	}
	return h
}

func (h *hashes) write(p []byte) {
	if len(h.hash) == 0 || len(p) == 0 {
		return
	}
	b := h.pool.Get().(*block)
	b.bytes = append(b.bytes[:0], p...)
	b.users.Store(int32(len(h.hash)))
	for _, blocks := range h.blocks {
		blocks <- b
	}
}

// sums ends the hashes and returns them. No write may follow.
func (h *hashes) sums() map[string]string {
	for _, blocks := range h.blocks {
		close(blocks)
	}
	h.running.Wait()
	sums := make(map[string]string)
	for i, a := range h.algorithms {
		sums[a] = hex.EncodeToString(h.hash[i].Sum(nil))
	}
	return sums
}
