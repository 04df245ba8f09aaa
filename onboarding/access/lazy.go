package access

import (
	"context"
	"time"
)

// retryPause is how long after a failure nobody tries to connect again.
const retryPause = 5 * time.Second

// Lazy is a connection to somebody who judges credentials. It is made when it is
// first wanted, so that a server starts also while they are down. It is safe for
// concurrent use.
type Lazy[T any] struct {
	connect func(context.Context) (*T, error)

	turn  chan struct{} // is full while somebody has the fields below
	value *T            // nil until connected
	err   error
	retry time.Time // not before
}

// NewLazy returns a Lazy that connects by a function, whose context is not
// cancelled with that of the request that waits first.
func NewLazy[T any](connect func(context.Context) (*T, error)) *Lazy[T] {
	return &Lazy[T]{connect: connect, turn: make(chan struct{}, 1)}
}

// Get returns the connection, or why there is none. A failure is repeated for
// some seconds before anybody connects again.
func (l *Lazy[T]) Get(ctx context.Context) (*T, error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-l.turn }()
	if l.value == nil && !time.Now().Before(l.retry) {
		if l.value, l.err = l.connect(context.WithoutCancel(ctx)); l.err != nil {
			l.value, l.retry = nil, time.Now().Add(retryPause)
		}
	}
	if l.value == nil {
		return nil, l.err
	}
	return l.value, nil
}

// Drop makes the next Get connect again, unless that was done already.
func (l *Lazy[T]) Drop(value *T) {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if l.value == value {
		l.value = nil
	}
}
