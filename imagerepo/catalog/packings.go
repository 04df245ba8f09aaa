package catalog

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// Packings implements [imagerepo.Catalog].
func (c *Catalog) Packings(ctx context.Context, like imagerepo.Packing) ([]imagerepo.Packing, error) {
	return Collect(rows(ctx, c.db, func(row Row) (imagerepo.Packing, error) {
		found := like
		err := row.Scan(&found.PackedSHA256, &found.SHA256)
		return found, err
	}, `SELECT packed_sha256, sha256 FROM packings
		WHERE method = $1 AND packed_size = $2 AND size = $3 AND crc32 = $4`, like.Method, like.PackedSize, like.Size, like.CRC32))
}

// insertPacking keeps a packing of content that is in the catalogue.
func insertPacking(ctx context.Context, tx *sql.Tx, p imagerepo.Packing) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO packings (method, packed_sha256, packed_size, sha256, size, crc32)
		SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM images WHERE sha256 = $4 AND sha256 <> '')
		ON CONFLICT (method, packed_sha256) DO NOTHING`,
		p.Method, p.PackedSHA256, p.PackedSize, p.SHA256, p.Size, p.CRC32); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}
