package imagerepo

import (
	"context"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	// chunkSize is what travels between reader and sinks at once, in bytes.
	// Smaller chunks cost hand-overs, larger ones fall out of the processor's
	// cache between the sinks.
	chunkSize = 512 << 10
	// chunksInFlight bounds the memory of one transfer: chunkSize times this.
	chunksInFlight = 8
)

// Buffers are the memory of one transfer at a time. They are made when they are
// needed.
type Buffers struct {
	size int
	made int
	// free has room for all that are ever made, so that giving one back never
	// blocks.
	free chan *chunk
}

// NewBuffers returns a number of buffers, each of size bytes.
func NewBuffers(size, number int) *Buffers {
	return &Buffers{size: size, free: make(chan *chunk, number)}
}

// next returns a buffer that nobody uses, as soon as there is one.
func (b *Buffers) next(ctx context.Context) (*chunk, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	// Small images need no more than one or two.
	if b.made < cap(b.free) && len(b.free) == 0 {
		b.made++
		return &chunk{buf: make([]byte, b.size)}, nil
	}
	select {
	case c := <-b.free:
		return c, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// release gives a buffer back once all its users have.
func (b *Buffers) release(c *chunk) {
	if c.users.Add(-1) == 0 {
		b.free <- c
	}
}

// chunk is a part of the bytes on their way to all sinks.
type chunk struct {
	buf   []byte
	users atomic.Int32
}

// fanOut is FanOut with the buffers that suit an image.
func fanOut(ctx context.Context, r io.Reader, sinks ...func([]byte) error) (int64, error) {
	return FanOut(ctx, r, NewBuffers(chunkSize, chunksInFlight), sinks...)
}

// FanOut reads r to its end once and gives every byte to every sink, each on
// its own goroutine, so that a transfer is as slow as its slowest part and not
// as the sum of all. Sinks get full buffers but for the last one. FanOut returns
// the number of bytes read. All goroutines have ended when it returns; the first
// error of reader or sinks ends all, and then not every sink has had all that was
// read. When ctx is done it returns as soon as r does.
func FanOut(ctx context.Context, r io.Reader, buffers *Buffers, sinks ...func([]byte) error) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group errgroup.Group

	type portion struct {
		*chunk
		n int
	}
	inputs := make([]chan portion, len(sinks))
	for i, sink := range sinks {
		inputs[i] = make(chan portion, cap(buffers.free))
		group.Go(func() error {
			for p := range inputs[i] {
				if ctx.Err() == nil {
					if err := sink(p.buf[:p.n]); err != nil {
						cancel(err)
					}
				}
				buffers.release(p.chunk)
			}
			return nil
		})
	}

	total, err := func() (int64, error) {
		var total int64
		for {
			c, err := buffers.next(ctx)
			if err != nil {
				return total, err
			}
			n, err := fill(r, c.buf)
			total += int64(n)
			c.users.Store(int32(len(sinks)) + 1)
			if n > 0 {
				for _, input := range inputs {
					input <- portion{c, n}
				}
			} else {
				c.users.Store(1)
			}
			buffers.release(c)
			if err == io.EOF { // a wrapped one tells of a broken source
				return total, nil
			}
			if err != nil {
				return total, err
			}
		}
	}()
	if err != nil {
		cancel(err)
	}
	for _, input := range inputs {
		close(input)
	}
	_ = group.Wait() // sinks report through cancel
	if err == nil {
		err = context.Cause(ctx)
	}
	return total, err
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it leaves the
// error of r as it is: a source that says io.ErrUnexpectedEOF was cut off, and
// must not pass for one that ended.
func fill(r io.Reader, buf []byte) (int, error) {
	n, idle := 0, 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err != nil {
			return n, err
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle == maxIdleReads {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}

// maxIdleReads is how often in a row a reader may return neither bytes nor an
// error.
const maxIdleReads = 100
