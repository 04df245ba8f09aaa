package main

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readerFunc is a function that reads.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// until returns a reader of r that ends with the context.
func until(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

// interruptedWithin is how many milliseconds a wait for standard input may go on
// after an interruption.
const interruptedWithin = 100

// input returns standard input. Reading it ends with the context, also while
// the other end of a pipe, or who sits at the terminal, sends nothing.
func (a *app) input(ctx context.Context) io.Reader {
	file, ok := a.stdin.(*os.File)
	if !ok {
		return until(ctx, a.stdin)
	}
	return until(ctx, readerFunc(func(p []byte) (int, error) {
		for {
			ready, err := unix.Poll([]unix.PollFd{{Fd: int32(file.Fd()), Events: unix.POLLIN}}, interruptedWithin)
			if ready > 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
				return file.Read(p) // which tells an error better
			}
			if err := ctx.Err(); err != nil {
				return 0, err
			}
		}
	}))
}
