package catalog_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
)

// numbers is a catalogue with a table of numbers beside its own.
type numbers struct {
	*catalog.Catalog
	path string
}

func newNumbers(t *testing.T) numbers {
	t.Helper()
	n := numbers{path: filepath.Join(t.TempDir(), "gangway.db")}
	var err error
	if n.Catalog, err = catalog.Open(t.Context(), n.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := n.DB().ExecContext(t.Context(), `CREATE TABLE numbers (number BIGINT NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(ctx context.Context, tx *sql.Tx, number int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO numbers (number) VALUES ($1)`, number)
	return err
}

// has fails unless the table has these numbers, in the order of their insertion.
func (n numbers) has(t *testing.T, want ...int) {
	t.Helper()
	rows, err := n.DB().QueryContext(t.Context(), `SELECT number FROM numbers ORDER BY rowid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []int
	for rows.Next() {
		var number int
		if err := rows.Scan(&number); err != nil {
			t.Fatal(err)
		}
		got = append(got, number)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

// together begins updates while another holds the turn, so that they wait for it in
// their order, and returns how they ended, that one first.
func (n numbers) together(t *testing.T, updates ...func() error) []error {
	t.Helper()
	errs := make([]error, 1+len(updates))
	var waiting sync.WaitGroup
	errs[0] = n.Update(t.Context(), func(context.Context, *sql.Tx) error {
		for i, update := range updates {
			waiting.Go(func() { errs[i+1] = update() })
			n.AwaitWaiting(i + 1)
		}
		return nil
	})
	waiting.Wait()
	return errs
}

func TestUpdatesThatWaitAtTheSameTimeAreWrittenTogetherInTheirOrder(t *testing.T) {
	n := newNumbers(t)
	written := func() int64 {
		info, err := os.Stat(n.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := written()
	const many = 50
	var updates []func() error
	var want []int
	for i := range many {
		want = append(want, i)
		updates = append(updates, func() error {
			return n.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, i) })
		})
	}
	if err := errors.Join(n.together(t, updates...)...); err != nil {
		t.Error(err)
	}
	n.has(t, want...)
	// Each transaction would write a page of 4 KiB at least.
	if grown := written() - before; grown > many*4096/2 {
		t.Errorf("%d updates have written %d bytes", many, grown)
	}
}

func TestAnUpdateThatFailsIsUndoneAlone(t *testing.T) {
	broken := errors.New("broken")
	n := newNumbers(t)
	cancelled, cancel := context.WithCancel(t.Context())
	fill := func(ctx context.Context, number int, result error) func() error {
		return func() error {
			return n.Update(ctx, func(ctx context.Context, tx *sql.Tx) error { return errors.Join(insert(ctx, tx, number), result) })
		}
	}
	panicked := make(chan any, 1)
	errs := n.together(t,
		fill(t.Context(), 1, nil),
		fill(t.Context(), 2, broken),
		fill(t.Context(), 3, nil),
		func() error {
			return n.Update(cancelled, func(ctx context.Context, tx *sql.Tx) error {
				cancel()
				return insert(ctx, tx, 4)
			})
		},
		func() error {
			defer func() { panicked <- recover() }()
			return n.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error { panic(insert(ctx, tx, 5)) })
		},
		fill(t.Context(), 6, nil))
	for i, want := range []error{nil, nil, broken, nil, context.Canceled, nil, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("update %d: got %v, want %v", i, errs[i], want)
		}
	}
	if <-panicked == nil {
		t.Error("the panic was swallowed")
	}
	n.has(t, 1, 3, 6)
}

func TestAnUpdateThatIsGivenUpWhileItWaitsHoldsNobodyUp(t *testing.T) {
	n := newNumbers(t)
	ctx, cancel := context.WithCancel(t.Context())
	given := make(chan error, 1)
	errs := n.together(t,
		func() error {
			return n.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				cancel()
				if err := <-given; !errors.Is(err, context.Canceled) {
					return fmt.Errorf("the one that was given up: %w", err)
				}
				return insert(ctx, tx, 1)
			})
		},
		func() error {
			given <- n.Update(ctx, func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, 2) })
			return nil
		},
		func() error {
			return n.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, 3) })
		})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	n.has(t, 1, 3)
}

func TestATransactionThatIsLostFailsAllUpdatesInIt(t *testing.T) {
	n := newNumbers(t)
	update := func(number int, also string) func() error {
		return func() error {
			return n.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				err := insert(ctx, tx, number)
				if also != "" {
					_, err = tx.ExecContext(ctx, also)
				}
				return err
			})
		}
	}
	// As SQLite itself does when the disk is full.
	errs := n.together(t, update(1, ""), update(2, "ROLLBACK"), update(3, ""))
	for i, failed := range []bool{true, true, true, false} {
		if (errs[i] != nil) != failed {
			t.Errorf("update %d: %v", i, errs[i])
		}
	}
	n.has(t, 3)
}

func TestADatabaseWithoutRoomIsAFullDisk(t *testing.T) {
	n := newNumbers(t)
	err := n.Update(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		// It is as large as it may become.
		if _, err := tx.ExecContext(ctx, "PRAGMA max_page_count = 1"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "CREATE TABLE large AS SELECT randomblob(1000000)")
		return err
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
}
