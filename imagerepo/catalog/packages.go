package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

const packageColumns = `p.id, p.project, p.vendor, p.name, p.version, p.dialect, p.fingerprint, p.created_at,
	(SELECT json_group_array(json_object('id', i.id, 'name', i.name))
	 FROM package_images u JOIN images i ON i.id = u.image_id WHERE u.package_id = p.id)`

// Package implements [imagerepo.Catalog].
func (c *Catalog) Package(ctx context.Context, id string) (imagerepo.Package, error) {
	return onePackage(ctx, c.db, id)
}

func onePackage(ctx context.Context, q querier, id string) (imagerepo.Package, error) {
	for pkg, err := range packages(ctx, q, ", p.record", "WHERE p.id = $1", id) {
		return pkg, err
	}
	return imagerepo.Package{}, fmt.Errorf("package %q: %w", id, imagerepo.ErrNotFound)
}

// Packages implements [imagerepo.Catalog].
func (c *Catalog) Packages(ctx context.Context, filter imagerepo.PackageFilter) iter.Seq2[imagerepo.Package, error] {
	where := newConditions("p.")
	where.equal("project", filter.Project)
	where.equal("vendor", filter.Vendor)
	where.equal("name", filter.Name)
	where.equal("version", filter.Version)
	where.equal("fingerprint", filter.Fingerprint)
	return packages(ctx, c.db, ", ''", where.String()+" ORDER BY p.project, p.vendor, p.name, p.created_at", where.args...)
}

func packages(ctx context.Context, q querier, record, tail string, args ...any) iter.Seq2[imagerepo.Package, error] {
	return func(yield func(imagerepo.Package, error) bool) {
		rows, err := q.QueryContext(ctx, `SELECT `+packageColumns+record+` FROM packages p `+tail, args...)
		if err != nil {
			yield(imagerepo.Package{}, fmt.Errorf("catalogue: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			pkg, err := scanPackage(rows)
			if err != nil {
				yield(imagerepo.Package{}, fmt.Errorf("catalogue: %w", err))
				return
			}
			if !yield(pkg, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(imagerepo.Package{}, fmt.Errorf("catalogue: %w", err))
		}
	}
}

func scanPackage(rows *sql.Rows) (imagerepo.Package, error) {
	var pkg imagerepo.Package
	var created int64
	var images, record []byte
	if err := rows.Scan(&pkg.ID, &pkg.Project, &pkg.Vendor, &pkg.Name, &pkg.Version, &pkg.Dialect,
		&pkg.Fingerprint, &created, &images, &record); err != nil {
		return pkg, err
	}
	pkg.CreatedAt = time.UnixMicro(created).UTC()
	if len(record) > 0 {
		pkg.Record = record
	}
	return pkg, json.Unmarshal(images, &pkg.Images)
}

// PackageFiles implements [imagerepo.Catalog].
func (c *Catalog) PackageFiles(ctx context.Context, id string) ([]imagerepo.PackageFile, error) {
	rows, err := c.db.QueryContext(ctx, `SELECT path, role, size, sha256, content FROM package_files WHERE package_id = $1 ORDER BY path`, id)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	defer rows.Close()
	var files []imagerepo.PackageFile
	for rows.Next() {
		var file imagerepo.PackageFile
		if err := rows.Scan(&file.Path, &file.Role, &file.Size, &file.SHA256, &file.Content); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		files = append(files, file)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return files, nil
}

// Publish implements [imagerepo.Catalog].
func (c *Catalog) Publish(ctx context.Context, pub imagerepo.Publication, place func(imagerepo.Image, string) error) error {
	return c.update(ctx, func(tx *sql.Tx) error {
		if pub.Package != nil {
			if err := insertPackage(ctx, tx, *pub.Package, pub.Files); err != nil {
				return err
			}
		}
		uses := pub.Uses
		for _, img := range pub.Images {
			twin, err := twinOf(ctx, tx, img)
			if err != nil {
				return err
			}
			if err := insertImage(ctx, tx, img); isUnique(err) {
				existing, err := oneImage(ctx, tx, img.Name, "WHERE i.project = $1 AND i.name = $2", img.Project, img.Name)
				if err != nil {
					return err
				}
				return &imagerepo.NameTakenError{Existing: existing}
			} else if err != nil {
				return fmt.Errorf("catalogue: %w", err)
			}
			if err := place(img, twin); err != nil {
				return err
			}
			uses = append(uses, img.ID)
		}
		if pub.Package == nil {
			return nil
		}
		return insertUses(ctx, tx, pub.Package.ID, uses)
	})
}

// twinOf returns the ID of an image with the same content, or nothing.
func twinOf(ctx context.Context, tx *sql.Tx, img imagerepo.Image) (string, error) {
	var twin string
	if !img.Stored() {
		return "", nil
	}
	err := tx.QueryRowContext(ctx, `SELECT id FROM images WHERE sha256 = $1 AND sha256 <> '' LIMIT 1`, img.SHA256()).Scan(&twin)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("catalogue: %w", err)
	}
	return twin, nil
}

func insertPackage(ctx context.Context, tx *sql.Tx, pkg imagerepo.Package, files []imagerepo.PackageFile) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO packages (id, project, vendor, name, version, dialect, fingerprint, record, created_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
		pkg.ID, pkg.Project, pkg.Vendor, pkg.Name, pkg.Version, pkg.Dialect, pkg.Fingerprint, string(pkg.Record), pkg.CreatedAt.UnixMicro())
	if isUnique(err) {
		for existing, err := range packages(ctx, tx, ", ''", "WHERE p.project = $1 AND p.vendor = $2 AND p.name = $3 AND p.version = $4",
			pkg.Project, pkg.Vendor, pkg.Name, pkg.Version) {
			if err != nil {
				return err
			}
			return &imagerepo.PackageExistsError{Existing: existing}
		}
	}
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	for _, file := range files {
		if _, err := tx.ExecContext(ctx, `INSERT INTO package_files (package_id, path, role, size, sha256, content) VALUES ($1,$2,$3,$4,$5,$6)`,
			pkg.ID, file.Path, file.Role, file.Size, file.SHA256, file.Content); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	return nil
}

func insertUses(ctx context.Context, tx *sql.Tx, pkg string, images []string) error {
	for _, image := range images {
		_, err := tx.ExecContext(ctx, `INSERT INTO package_images (package_id, image_id) VALUES ($1,$2)
			ON CONFLICT (package_id, image_id) DO NOTHING`, pkg, image)
		if isReference(err) {
			return fmt.Errorf("image %s: %w", image, imagerepo.ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	return nil
}

// DeletePackage implements [imagerepo.Catalog].
func (c *Catalog) DeletePackage(ctx context.Context, id string, keepImages bool) (imagerepo.Package, []imagerepo.Image, error) {
	var pkg imagerepo.Package
	var gone []imagerepo.Image
	err := c.update(ctx, func(tx *sql.Tx) (err error) {
		pkg, err = onePackage(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM packages WHERE id = $1`, id); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		for _, ref := range pkg.Images {
			img, err := oneImage(ctx, tx, ref.ID, "WHERE i.id = $1", ref.ID)
			switch {
			case err != nil:
				return err
			case img.Manual || len(img.Packages) > 0:
			case keepImages:
				if _, err := tx.ExecContext(ctx, `UPDATE images SET manual = $2 WHERE id = $1`, img.ID, true); err != nil {
					return fmt.Errorf("catalogue: %w", err)
				}
			default:
				if err := deleteImage(ctx, tx, img); err != nil {
					return err
				}
				gone = append(gone, img)
			}
		}
		return nil
	})
	return pkg, gone, err
}
