package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// mostShared is how many updates share a transaction, so that other processes come
// to write, too.
const mostShared = 64

// Update runs fn in a transaction that holds the write lock from its beginning, and
// returns when that has ended: without an error, what fn wrote is durable. An update
// must not be made inside another.
//
// Updates of this process are made in the order in which they were asked for: SQLite
// itself lets writers try again and again, so that some wait for seconds while
// others overtake them. Those that wait at the same time share a transaction, so
// that the medium is waited for once for all of them. One whose fn fails is undone
// alone; when the transaction cannot be committed, all in it fail.
//
// The end of ctx ends the waiting for the turn, and undoes what fn wrote if it comes
// before fn returns. The context of fn does not end: to interrupt a statement would
// undo what others have written.
func (c *Catalog) Update(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	s, err := c.writers.enter(ctx)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	whole := context.WithoutCancel(ctx)
	if s == nil {
		tx, err := c.db.BeginTx(whole, nil)
		if err != nil {
			c.writers.leave(nil)
			return fmt.Errorf("catalogue: %w", err)
		}
		s = &shared{tx: tx, ended: make(chan struct{})}
	}
	err = c.writers.update(whole, s, func(whole context.Context, tx *sql.Tx) error {
		if err := fn(whole, tx); err != nil {
			return err
		}
		return ctx.Err()
	})
	<-s.ended // what fn saw of others may not have lasted
	if s.err != nil {
		return fmt.Errorf("catalogue: %w", full(s.err))
	}
	return full(err)
}

// full makes the error of a database that has no room one that wraps
// [syscall.ENOSPC], as that of any other file does.
func full(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_FULL && !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", err, syscall.ENOSPC)
	}
	return err
}

// shared is a transaction of several updates. It is for who has the turn.
type shared struct {
	tx      *sql.Tx
	updates int
	err     error         // why nothing of it lasts
	ended   chan struct{} // closed when err does not change any more
}

// writers are the updates of a process. One of them has the turn.
type writers struct {
	mu      sync.Mutex
	busy    bool
	waiting []chan *shared // for the turn, which comes with a transaction to join or nil
}

// enter waits for the turn.
func (w *writers) enter(ctx context.Context) (*shared, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	if !w.busy {
		w.busy = true
		w.mu.Unlock()
		return nil, nil
	}
	turn := make(chan *shared, 1)
	w.waiting = append(w.waiting, turn)
	w.mu.Unlock()
	select {
	case s := <-turn:
		return s, nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	at := slices.Index(w.waiting, turn)
	if at >= 0 {
		w.waiting = slices.Delete(w.waiting, at, at+1)
	}
	w.mu.Unlock()
	if at < 0 {
		w.leave(<-turn) // it came at the last moment
	}
	return nil, ctx.Err()
}

// update runs fn as a part of a transaction, and gives the turn away, also when fn
// panics.
func (w *writers) update(ctx context.Context, s *shared, fn func(context.Context, *sql.Tx) error) (err error) {
	s.updates++
	end := "ROLLBACK TO part; RELEASE part"
	defer func() {
		// What is wrong with the transaction as a whole, such as a full disk, has
		// undone all of it, so that the part is not there any more.
		if _, broken := s.tx.ExecContext(ctx, end); broken != nil {
			s.err = broken
			if why := full(err); errors.Is(why, syscall.ENOSPC) {
				s.err = why
			}
		}
		w.leave(s)
	}()
	if _, err := s.tx.ExecContext(ctx, "SAVEPOINT part"); err != nil {
		return err
	}
	err = fn(ctx, s.tx)
	if err == nil {
		end = "RELEASE part"
	}
	return err
}

// leave gives the turn to the next update, with a transaction that it can join;
// else that is ended before.
func (w *writers) leave(s *shared) {
	if s != nil {
		if s.err == nil && s.updates < mostShared && w.next(s) {
			return
		}
		if s.err == nil {
			s.err = s.tx.Commit()
		} else {
			_ = s.tx.Rollback() // of what is gone
		}
		close(s.ended)
	}
	w.next(nil)
}

// next gives the turn, with what there is to join, to the update that waits for it
// longest. It reports whether there is one; without, and with nothing to join, nobody
// has the turn.
func (w *writers) next(s *shared) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.busy = s != nil
		return false
	}
	w.waiting[0] <- s
	w.waiting = w.waiting[1:]
	return true
}
