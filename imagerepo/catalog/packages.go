package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// The images of a package are told by left join, so that those are seen, too,
// that are gone.
const packageColumns = `p.id, p.project, p.vendor, p.name, p.version, p.dialect, p.fingerprint, p.descriptor_id, p.created_at,
	(SELECT json_group_array(json_object('id', i.id, 'name', u.image_name) ORDER BY u.image_name)
	 FROM package_images u LEFT JOIN images i ON i.id = u.image_id WHERE u.package_id = p.id)`

// Package implements [imagerepo.Catalog].
func (c *Catalog) Package(ctx context.Context, id string) (imagerepo.Package, error) {
	return onePackage(ctx, c.db, id, "WHERE p.id = $1", id)
}

func onePackage(ctx context.Context, q querier, called, where string, args ...any) (imagerepo.Package, error) {
	for pkg, err := range packages(ctx, q, ", p.record", where, args...) {
		return pkg, err
	}
	return imagerepo.Package{}, fmt.Errorf("package %q: %w", called, imagerepo.ErrNotFound)
}

// Packages implements [imagerepo.Catalog].
func (c *Catalog) Packages(ctx context.Context, filter imagerepo.PackageFilter) iter.Seq2[imagerepo.Package, error] {
	where := newConditions("p.")
	where.equal("project", filter.Project)
	where.equal("vendor", filter.Vendor)
	where.equal("name", filter.Name)
	where.equal("version", filter.Version)
	where.equal("fingerprint", filter.Fingerprint)
	where.equal("descriptor_id", filter.DescriptorID)
	record, order := ", ''", " ORDER BY p.project, p.vendor, p.name, p.created_at"
	if filter.Records {
		record = ", p.record"
	}
	if filter.ByID {
		where.add("p.id > $%d", filter.After)
		order = " ORDER BY p.id"
	}
	return packages(ctx, c.db, record, where.String()+order, where.args...)
}

func packages(ctx context.Context, q querier, record, tail string, args ...any) iter.Seq2[imagerepo.Package, error] {
	return rows(ctx, q, scanPackage, `SELECT `+packageColumns+record+` FROM packages p `+tail, args...)
}

func scanPackage(row Row) (imagerepo.Package, error) {
	var pkg imagerepo.Package
	var created int64
	var images, record []byte
	if err := row.Scan(&pkg.ID, &pkg.Project, &pkg.Vendor, &pkg.Name, &pkg.Version, &pkg.Dialect,
		&pkg.Fingerprint, &pkg.DescriptorID, &created, &images, &record); err != nil {
		return pkg, err
	}
	pkg.CreatedAt = time.UnixMicro(created).UTC()
	if len(record) > 0 {
		pkg.Record = record
	}
	var refs []imagerepo.ImageRef
	if err := json.Unmarshal(images, &refs); err != nil {
		return pkg, err
	}
	for _, ref := range refs {
		if ref.ID == "" {
			pkg.Missing = append(pkg.Missing, ref.Name)
		} else {
			pkg.Images = append(pkg.Images, ref)
		}
	}
	return pkg, nil
}

// PackageFiles implements [imagerepo.Catalog].
func (c *Catalog) PackageFiles(ctx context.Context, id string) ([]imagerepo.PackageFile, error) {
	return Collect(rows(ctx, c.db, func(row Row) (file imagerepo.PackageFile, err error) {
		err = row.Scan(&file.Path, &file.Role, &file.Size, &file.SHA256, &file.Content)
		return file, err
	}, `SELECT path, role, size, sha256, content FROM package_files WHERE package_id = $1 ORDER BY path`, id))
}

// Publish implements [imagerepo.Catalog].
func (c *Catalog) Publish(ctx context.Context, pub imagerepo.Publication, place func(imagerepo.Image, []string) error) error {
	return c.Update(ctx, func(ctx context.Context, tx *sql.Tx) error { return Publish(ctx, tx, pub, place) })
}

// Publish is [Catalog.Publish] as a part of an update. When place is called, all of
// the publication can be seen in its transaction.
func Publish(ctx context.Context, tx *sql.Tx, pub imagerepo.Publication, place func(imagerepo.Image, []string) error) error {
	if pub.Package != nil {
		if err := insertPackage(ctx, tx, *pub.Package, pub.Files); err != nil {
			return err
		}
	}
	uses := slices.Clone(pub.Uses)
	for _, img := range pub.Images {
		if err := insertImage(ctx, tx, img); err != nil {
			return err
		}
		uses = append(uses, img.ID)
	}
	if pub.Package == nil {
		for _, image := range pub.Uses {
			if err := setManual(ctx, tx, image); err != nil {
				return err
			}
		}
	} else if err := insertUses(ctx, tx, pub.Package.ID, uses); err != nil {
		return err
	}
	for _, packing := range pub.Packings {
		if err := insertPacking(ctx, tx, packing); err != nil {
			return err
		}
	}
	for _, img := range pub.Images {
		if !img.Stored() {
			continue
		}
		twins, err := texts(ctx, tx, `SELECT id FROM images WHERE sha256 = $1 AND sha256 <> '' AND id <> $2`, img.SHA256(), img.ID)
		if err != nil {
			return err
		}
		if err := place(img, twins); err != nil {
			return err
		}
	}
	return nil
}

// insertPackage inserts a package unless it is there already with the same ID,
// or fails with *PackageExistsError.
func insertPackage(ctx context.Context, tx *sql.Tx, pkg imagerepo.Package, files []imagerepo.PackageFile) error {
	result, err := tx.ExecContext(ctx, `INSERT INTO packages (id, project, vendor, name, version, dialect, fingerprint, descriptor_id, record, created_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) ON CONFLICT (project, vendor, name, version) DO NOTHING`,
		pkg.ID, pkg.Project, pkg.Vendor, pkg.Name, pkg.Version, pkg.Dialect, pkg.Fingerprint, pkg.DescriptorID, string(pkg.Record), pkg.CreatedAt.UnixMicro())
	inserted, err := changed(result, err)
	if err != nil {
		return err
	}
	if !inserted {
		existing, err := onePackage(ctx, tx, pkg.Name, "WHERE p.project = $1 AND p.vendor = $2 AND p.name = $3 AND p.version = $4",
			pkg.Project, pkg.Vendor, pkg.Name, pkg.Version)
		if err == nil && (existing.ID != pkg.ID || existing.Fingerprint != pkg.Fingerprint) {
			err = &imagerepo.PackageExistsError{Existing: existing}
		}
		return err
	}
	for _, file := range files {
		if _, err := tx.ExecContext(ctx, `INSERT INTO package_files (package_id, path, role, size, sha256, content) VALUES ($1,$2,$3,$4,$5,$6)`,
			pkg.ID, file.Path, file.Role, file.Size, file.SHA256, file.Content); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	return nil
}

// insertUses notes that a package uses images, under the names they have.
func insertUses(ctx context.Context, tx *sql.Tx, pkg string, images []string) error {
	for _, image := range images {
		result, err := tx.ExecContext(ctx, `INSERT INTO package_images (package_id, image_name, image_id)
			SELECT $1, name, id FROM images WHERE id = $2
			ON CONFLICT (package_id, image_name) DO UPDATE SET image_id = excluded.image_id`, pkg, image)
		found, err := changed(result, err)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("image %s: %w", image, imagerepo.ErrNotFound)
		}
	}
	return nil
}

// setManual makes an image one that a user added.
func setManual(ctx context.Context, tx *sql.Tx, image string) error {
	found, err := changed(tx.ExecContext(ctx, `UPDATE images SET manual = $2 WHERE id = $1`, image, true))
	if err == nil && !found {
		err = fmt.Errorf("image %s: %w", image, imagerepo.ErrNotFound)
	}
	return err
}

// DeletePackage implements [imagerepo.Catalog].
func (c *Catalog) DeletePackage(ctx context.Context, id string, keepImages bool) (pkg imagerepo.Package, gone []imagerepo.Image, err error) {
	err = c.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		pkg, gone, err = DeletePackage(ctx, tx, id, keepImages)
		return err
	})
	return pkg, gone, err
}

// DeletePackage is [Catalog.DeletePackage] as a part of an update.
func DeletePackage(ctx context.Context, tx *sql.Tx, id string, keepImages bool) (pkg imagerepo.Package, gone []imagerepo.Image, err error) {
	pkg, err = onePackage(ctx, tx, id, "WHERE p.id = $1", id)
	if err != nil {
		return pkg, nil, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM packages WHERE id = $1`, id); err != nil {
		return pkg, nil, fmt.Errorf("catalogue: %w", err)
	}
	for _, ref := range pkg.Images {
		img, err := oneImage(ctx, tx, ref.ID, "WHERE i.id = $1", ref.ID)
		switch {
		case err != nil:
			return pkg, nil, err
		case img.Manual || len(img.Packages) > 0:
		case keepImages:
			if err := setManual(ctx, tx, img.ID); err != nil {
				return pkg, nil, err
			}
		default:
			if err := deleteImage(ctx, tx, img); err != nil {
				return pkg, nil, err
			}
			gone = append(gone, img)
		}
	}
	return pkg, gone, nil
}
