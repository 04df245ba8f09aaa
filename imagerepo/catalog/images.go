package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

const imageColumns = `i.id, i.project, i.name, i.sha256, i.size, i.disk_format, i.container_format,
	i.min_disk, i.min_ram, i.min_cpu, i.is_public, i.properties, i.url, i.etag, i.last_modified, i.manual, i.created_at`

// Image implements [imagerepo.Catalog].
func (c *Catalog) Image(ctx context.Context, id string) (imagerepo.Image, error) {
	return oneImage(ctx, c.db, id, "WHERE i.id = $1", id)
}

// ImageByName implements [imagerepo.Catalog].
func (c *Catalog) ImageByName(ctx context.Context, project, name string) (imagerepo.Image, error) {
	return one(name, Rows(func() (*sql.Rows, error) { return c.byName.QueryContext(ctx, project, name) }, scanImage))
}

func oneImage(ctx context.Context, q querier, called, where string, args ...any) (imagerepo.Image, error) {
	return one(called, images(ctx, q, where, args...))
}

func one(called string, found iter.Seq2[imagerepo.Image, error]) (imagerepo.Image, error) {
	for img, err := range found {
		return img, err
	}
	return imagerepo.Image{}, fmt.Errorf("image %q: %w", called, imagerepo.ErrNotFound)
}

// Images implements [imagerepo.Catalog].
func (c *Catalog) Images(ctx context.Context, filter imagerepo.ImageFilter) iter.Seq2[imagerepo.Image, error] {
	where := newConditions("i.")
	where.equal("project", filter.Project)
	where.equal("name", filter.Name)
	where.equal("url", filter.URL)
	where.equal("sha256", filter.SHA256)
	where.equal("disk_format", filter.DiskFormat)
	if filter.Package != "" {
		where.add("EXISTS (SELECT 1 FROM package_images u WHERE u.image_id = i.id AND u.package_id = $%d)", filter.Package)
	}
	if filter.Search != "" {
		where.add("instr(lower(i.name), lower($%d)) > 0", filter.Search)
	}
	project, name := "i.project", "i.name"
	column, beyond, direction := sortColumns[filter.Sort], ">", ""
	if filter.Size > 0 || filter.SHA256 != "" || filter.URL != "" {
		// An expression has no index: else SQLite would walk all names for the order.
		project, name = "+"+project, "+"+name
	}
	if filter.Descending {
		beyond, direction = "<", " DESC"
	}
	switch {
	case filter.After == "":
	case column == "":
		where.add(name+" "+beyond+" $%d", filter.After)
	default:
		where.add(column+" "+beyond+"= $%d", filter.AfterValue)
		n := len(where.args)
		where.add(fmt.Sprintf("(%s %s $%d OR %s %s ", column, beyond, n, name, beyond)+"$%d)", filter.After)
	}
	if filter.Size > 0 {
		where.add("i.size = $%d AND i.sha256 <> ''", filter.Size)
	}
	tail := where.String() + " ORDER BY " + project + direction
	if column != "" {
		tail += ", " + column + direction
	}
	tail += ", " + name + direction
	if filter.Limit > 0 {
		tail += fmt.Sprintf(" LIMIT %d", filter.Limit)
	}
	return images(ctx, c.db, tail, where.args...)
}

// sortColumns are those of the orders that are not by name alone. It is never written
// to.
var sortColumns = map[imagerepo.ImageSort]string{imagerepo.BySize: "i.size", imagerepo.ByCreation: "i.created_at"}

// images yields images with their digests and packages.
func images(ctx context.Context, q querier, tail string, args ...any) iter.Seq2[imagerepo.Image, error] {
	return rows(ctx, q, scanImage, selectImages+tail, args...)
}

const selectImages = `SELECT ` + imageColumns + `,
	(SELECT json_group_object(d.algorithm, d.digest) FROM digests d WHERE d.sha256 = i.sha256),
	(SELECT json_group_array(json_object('id', p.id, 'vendor', p.vendor, 'name', p.name, 'version', p.version)
	  ORDER BY p.created_at, p.id) FROM package_images u JOIN packages p ON p.id = u.package_id WHERE u.image_id = i.id)
	FROM images i `

func scanImage(row Row) (imagerepo.Image, error) {
	var img imagerepo.Image
	var sha256 string
	var created int64
	var properties, digests, packages []byte
	if err := row.Scan(&img.ID, &img.Project, &img.Name, &sha256, &img.Size, &img.DiskFormat, &img.ContainerFormat,
		&img.MinDisk, &img.MinRAM, &img.MinCPU, &img.IsPublic, &properties, &img.Source.URL, &img.Source.ETag,
		&img.Source.LastModified, &img.Manual, &created, &digests, &packages); err != nil {
		return img, err
	}
	img.CreatedAt = time.UnixMicro(created).UTC()
	if err := json.Unmarshal(digests, &img.Digests); err != nil {
		return img, err
	}
	if sha256 != "" {
		img.Digests[imagerepo.SHA256] = sha256
	}
	return img, errors.Join(json.Unmarshal(properties, &img.Properties), json.Unmarshal(packages, &img.Packages))
}

// insertImage inserts an image, or fails with *NameTakenError.
func insertImage(ctx context.Context, tx *sql.Tx, img imagerepo.Image) error {
	properties, err := json.Marshal(img.Properties)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO images (id, project, name, sha256, size, disk_format, container_format,
		min_disk, min_ram, min_cpu, is_public, properties, url, etag, last_modified, manual, created_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17) ON CONFLICT (project, name) DO NOTHING`,
		img.ID, img.Project, img.Name, img.SHA256(), img.Size, img.DiskFormat, img.ContainerFormat,
		img.MinDisk, img.MinRAM, img.MinCPU, img.IsPublic, string(properties), img.Source.URL, img.Source.ETag,
		img.Source.LastModified, img.Manual, img.CreatedAt.UnixMicro())
	inserted, err := changed(result, err)
	if err != nil {
		return err
	}
	if !inserted {
		existing, err := oneImage(ctx, tx, img.Name, "WHERE i.project = $1 AND i.name = $2", img.Project, img.Name)
		if err != nil {
			return err
		}
		return &imagerepo.NameTakenError{Existing: existing}
	}
	return learn(ctx, tx, img.Content)
}

// learn keeps all digests of a content but the one that identifies it.
func learn(ctx context.Context, q querier, content imagerepo.Content) error {
	for algorithm, digest := range content.Digests {
		if algorithm == imagerepo.SHA256 {
			continue
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO digests (sha256, algorithm, digest)
			SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM images WHERE sha256 = $1 AND sha256 <> '')
			ON CONFLICT (sha256, algorithm) DO NOTHING`, content.SHA256(), algorithm, digest); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	return nil
}

// Learn implements [imagerepo.Catalog].
func (c *Catalog) Learn(ctx context.Context, sha256, algorithm, digest string) error {
	return learn(ctx, c.db, imagerepo.Content{Digests: imagerepo.Digests{imagerepo.SHA256: sha256, algorithm: digest}})
}

// Contents implements [imagerepo.Catalog].
func (c *Catalog) Contents(ctx context.Context, after string, limit int) ([]string, error) {
	return texts(ctx, c.db, `SELECT DISTINCT sha256 FROM images WHERE sha256 <> '' AND sha256 > $1
		ORDER BY sha256 LIMIT $2`, after, limit)
}

// Pin implements [imagerepo.Catalog].
func (c *Catalog) Pin(ctx context.Context, id string, content imagerepo.Content, source imagerepo.Source, place func() error) error {
	return c.Update(ctx, func(ctx context.Context, tx *sql.Tx) error { return Pin(ctx, tx, id, content, source, place) })
}

// Pin is [Catalog.Pin] as a part of an update. When place is called, the content can
// be seen in its transaction.
func Pin(ctx context.Context, tx *sql.Tx, id string, content imagerepo.Content, source imagerepo.Source, place func() error) error {
	img, err := oneImage(ctx, tx, id, "WHERE i.id = $1", id)
	if err != nil {
		return err
	}
	if img.Stored() && img.SHA256() != content.SHA256() {
		return fmt.Errorf("image %q has content of sha256 %s, which %w", img.Name, img.SHA256(), imagerepo.ErrExists)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE images SET sha256 = $2, size = $3, url = $4, etag = $5, last_modified = $6 WHERE id = $1`,
		id, content.SHA256(), content.Size, source.URL, source.ETag, source.LastModified); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if err := learn(ctx, tx, content); err != nil {
		return err
	}
	return place()
}

// IfUnclaimed implements [imagerepo.Catalog]: the transaction holds the write
// lock, which Publish and Pin need. Mostly a look without it is enough.
func (c *Catalog) IfUnclaimed(ctx context.Context, id string, remove func() error) error {
	if is, err := claimed(ctx, c.db, id); err != nil || is {
		return err
	}
	return c.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if is, err := claimed(ctx, tx, id); err != nil || is {
			return err
		}
		return remove()
	})
}

func claimed(ctx context.Context, q querier, id string) (bool, error) {
	found, err := texts(ctx, q, `SELECT id FROM images WHERE id = $1 AND sha256 <> ''`, id)
	return len(found) > 0, err
}

// DeleteImage implements [imagerepo.Catalog].
func (c *Catalog) DeleteImage(ctx context.Context, id string, force bool) (imagerepo.Image, error) {
	var img imagerepo.Image
	err := c.Update(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		img, err = oneImage(ctx, tx, id, "WHERE i.id = $1", id)
		if err != nil {
			return err
		}
		if len(img.Packages) > 0 && !force {
			return &imagerepo.InUseError{Image: img}
		}
		return deleteImage(ctx, tx, img)
	})
	return img, err
}

// deleteImage deletes an image, and with the last one of its content all that
// is known of that.
func deleteImage(ctx context.Context, tx *sql.Tx, img imagerepo.Image) error {
	for _, statement := range []struct{ text, arg string }{
		{`DELETE FROM images WHERE id = $1`, img.ID},
		{`DELETE FROM digests WHERE sha256 = $1 AND NOT EXISTS (SELECT 1 FROM images WHERE sha256 = $1 AND sha256 <> '')`, img.SHA256()},
		{`DELETE FROM packings WHERE sha256 = $1 AND NOT EXISTS (SELECT 1 FROM images WHERE sha256 = $1 AND sha256 <> '')`, img.SHA256()},
	} {
		if _, err := tx.ExecContext(ctx, statement.text, statement.arg); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	return nil
}

// conditions builds a WHERE clause with numbered parameters.
type conditions struct {
	table string
	terms []string
	args  []any
}

func newConditions(table string) *conditions { return &conditions{table: table} }

// equal adds a condition unless value is empty. The literal makes SQLite see
// that the partial indexes, which leave empty values out, apply.
func (c *conditions) equal(column, value string) {
	if value != "" {
		c.add(c.table+column+" = $%d AND "+c.table+column+" <> ''", value)
	}
}

func (c *conditions) add(term string, arg any) {
	c.args = append(c.args, arg)
	c.terms = append(c.terms, fmt.Sprintf(term, len(c.args)))
}

func (c *conditions) String() string {
	if len(c.terms) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(c.terms, " AND ")
}
