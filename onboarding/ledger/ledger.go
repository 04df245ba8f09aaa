package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Ledger is the server's records. It is safe for concurrent use by goroutines
// and processes.
type Ledger struct {
	db *sql.DB
}

// Open brings the ledger's tables to their newest form in the catalogue's
// database, which stays the caller's to close.
func Open(ctx context.Context, c *catalog.Catalog) (*Ledger, error) {
	if err := c.Migrate(ctx, "ledger_version", migrations); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return &Ledger{db: c.DB()}, nil
}

// update runs fn in a transaction that holds the write lock from its beginning.
func (l *Ledger) update(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if err := fn(tx); err != nil {
		if undone := tx.Rollback(); undone != nil && !errors.Is(undone, sql.ErrTxDone) {
			err = errors.Join(err, undone)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}
