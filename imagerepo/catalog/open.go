package catalog

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver of database/sql

	"github.com/gangway-nfv/gangway/imagerepo"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Catalog is a catalogue in one SQLite file.
type Catalog struct {
	db     *sql.DB
	byName *sql.Stmt // ImageByName; a launch calls it for every VDU
	lock   string    // the path of the file that migrations take turns by

	writers writers
}

var _ imagerepo.Catalog = (*Catalog)(nil)

// busyTimeout is how long a writer waits for the others, in milliseconds.
const busyTimeout = 60_000

// idleConnections is how many connections are kept for the next ones who need one.
// To open one takes longer than most queries, and each may keep 2 MB of pages.
const idleConnections = 8

// Open opens the catalogue in a file, which is made if it is not there, and
// brings it to the newest form. The caller closes it.
func Open(ctx context.Context, path string) (*Catalog, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	pragmas := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", path, err)
	}
	db.SetMaxIdleConns(idleConnections)
	c := &Catalog{db: db, lock: path + ".lock"}
	if err := c.Migrate(ctx, goose.DefaultTablename, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("catalogue %s: %w", path, err), db.Close())
	}
	if c.byName, err = db.PrepareContext(ctx, selectImages+"WHERE i.project = $1 AND i.name = $2"); err != nil {
		return nil, errors.Join(fmt.Errorf("catalogue %s: %w", path, err), db.Close())
	}
	return c, nil
}

// DB returns the database, for tables of others that live beside the
// catalogue's: see Migrate and Update. It is closed with the catalogue. Every
// transaction on it holds the write lock from its beginning.
func (c *Catalog) DB() *sql.DB { return c.db }

// Migrate brings tables in the catalogue's database to their newest form. The
// folder "migrations" in files has the steps, and versionTable keeps those that
// were made. Processes that start together take turns by a lock file.
func (c *Catalog) Migrate(ctx context.Context, versionTable string, files fs.FS) error {
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	versions, err := database.NewStore(goose.DialectSQLite3, versionTable)
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(c.lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	provider, err := goose.NewProvider("", c.db, folder, goose.WithStore(versions))
	if err != nil {
		return err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return fmt.Errorf("form %d is newer than %d, which this program knows", current, newest)
	}
	_, err = provider.Up(ctx)
	return err
}

// Close implements [imagerepo.Catalog].
func (c *Catalog) Close() error { return c.db.Close() }

// Check implements [imagerepo.Catalog].
func (c *Catalog) Check(ctx context.Context) error {
	var verdict string
	if err := c.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("catalogue is damaged: %s", verdict)
	}
	rows, err := c.db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		return errors.New("catalogue is damaged: a reference leads nowhere")
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}

// changed reports whether a statement changed anything.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	return n > 0, nil
}
