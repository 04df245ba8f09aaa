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

// Buffers are the memory of a transfer: at most Number times Size bytes.
type Buffers struct {
	Size   int // bytes of each
	Number int
}

// chunk is a part of the bytes on their way to all sinks.
type chunk struct {
	buf   []byte
	users atomic.Int32
}

// fanOut is FanOut with the buffers that suit an image.
func fanOut(ctx context.Context, r io.Reader, sinks ...func([]byte) error) (int64, error) {
	return FanOut(ctx, r, Buffers{Size: chunkSize, Number: chunksInFlight}, sinks...)
}

// FanOut reads r to its end once and gives every byte to every sink, each on
// its own goroutine, so that a transfer is as slow as its slowest part and not
// as the sum of all. Sinks get full buffers but for the last one. FanOut returns
// the number of bytes read. All goroutines have ended when it returns; the first
// error of reader or sinks ends all, and then not every sink has had all that was
// read. When ctx is done it returns as soon as r does.
func FanOut(ctx context.Context, r io.Reader, buffers Buffers, sinks ...func([]byte) error) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group errgroup.Group

	// There are never more chunks than these channels hold, so sending to one of
	// them never blocks. Small images need no more than one or two.
	free, made := make(chan *chunk, buffers.Number), 0
	release := func(c *chunk) {
		if c.users.Add(-1) == 0 {
			free <- c
		}
	}
	next := func() (*chunk, error) {
		if made < buffers.Number && len(free) == 0 {
			made++
			free <- &chunk{buf: make([]byte, buffers.Size)}
		}
		select {
		case c := <-free:
			return c, context.Cause(ctx)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	type portion struct {
		*chunk
		n int
	}
	inputs := make([]chan portion, len(sinks))
	for i, sink := range sinks {
		inputs[i] = make(chan portion, buffers.Number)
		group.Go(func() error {
			for p := range inputs[i] {
				if ctx.Err() == nil {
					if err := sink(p.buf[:p.n]); err != nil {
						cancel(err)
					}
				}
				release(p.chunk)
			}
			return nil
		})
	}

	total, err := func() (int64, error) {
		var total int64
		for {
			c, err := next()
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
			release(c)
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
