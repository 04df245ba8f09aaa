package ledger

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Ledger is the server's records. It is safe for concurrent use by goroutines
// and processes.
type Ledger struct {
	db      *sql.DB // for reading
	catalog *catalog.Catalog
}

// Open brings the ledger's tables to their newest form in the catalogue's
// database, which stays the caller's to close.
func Open(ctx context.Context, c *catalog.Catalog) (*Ledger, error) {
	if err := c.Migrate(ctx, "ledger_version", migrations); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return &Ledger{db: c.DB(), catalog: c}, nil
}

// update runs fn in a transaction that holds the write lock from its beginning.
func (l *Ledger) update(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return l.catalog.Update(ctx, fn)
}

// querier is a database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanner is a row.
type scanner = catalog.Row

// collect returns the rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	return catalog.Collect(catalog.Rows(func() (*sql.Rows, error) { return q.QueryContext(ctx, query, args...) }, scan))
}

// micro returns a time as the tables have it: microseconds since 1970, 0 for the
// zero time.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
