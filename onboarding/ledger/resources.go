package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Resources is the ledger's store of package resources. It looks into the
// catalogue's tables for what counts towards a project's limits.
type Resources struct{ l *Ledger }

var _ vnfpkg.Store = Resources{}

// Resources returns the store of package resources.
func (l *Ledger) Resources() Resources { return Resources{l} }

const resourceColumns = `id, project, state, operational, user_data, is_unique, one_shot, options, size, received, sha256, job,
	COALESCE(failure, ''), kept, resumable, expected, filename, hash, boot, unproven, expires_at, created_at, updated_at, version, identity`

// scanResource reads a row of resourceColumns.
func scanResource(row scanner) (vnfpkg.Row, error) {
	var r vnfpkg.Row
	var userData, options, failure, identity []byte
	var expires, created, updated int64
	if err := row.Scan(&r.ID, &r.Project, &r.State, &r.Operational, &userData, &r.Unique, &r.OneShot, &options, &r.Size, &r.Received,
		&r.SHA256, &r.Job, &failure, &r.Kept, &r.Resumable, &r.Expected, &r.Filename, &r.Hash, &r.Boot, &r.Unproven,
		&expires, &created, &updated, &r.Version, &identity); err != nil {
		return vnfpkg.Row{}, err
	}
	r.ExpiresAt, r.CreatedAt, r.UpdatedAt = fromMicro(expires), fromMicro(created), fromMicro(updated)
	err := errors.Join(json.Unmarshal(userData, &r.UserData), json.Unmarshal(options, &r.Options), json.Unmarshal(identity, &r.Identity))
	if len(failure) > 0 {
		r.Failure = new(vnfpkg.Failure)
		err = errors.Join(err, json.Unmarshal(failure, r.Failure))
	}
	return r, err
}

// resourceValues returns the values of resourceColumns.
func resourceValues(r vnfpkg.Row) ([]any, error) {
	userData, err := json.Marshal(r.UserData)
	if err != nil {
		return nil, err
	}
	options, err := json.Marshal(r.Options)
	if err != nil {
		return nil, err
	}
	identity, err := json.Marshal(r.Identity)
	if err != nil {
		return nil, err
	}
	var failure sql.NullString
	if r.Failure != nil {
		text, err := json.Marshal(r.Failure)
		if err != nil {
			return nil, err
		}
		failure = sql.NullString{String: string(text), Valid: true}
	}
	return []any{r.ID, r.Project, r.State, r.Operational, string(userData), r.Unique, r.OneShot, string(options), r.Size, r.Received,
		r.SHA256, r.Job, failure, r.Kept, r.Resumable, r.Expected, r.Filename, r.Hash, r.Boot, r.Unproven,
		micro(r.ExpiresAt), micro(r.CreatedAt), micro(r.UpdatedAt), r.Version, string(identity)}, nil
}

// resourceError gives an error of the database its context.
func resourceError(id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ledger: package %s: %w", id, err)
}

// Insert implements [vnfpkg.Store].
func (s Resources) Insert(ctx context.Context, row vnfpkg.Row, packages int) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if packages > 0 {
			if err := checkPackages(ctx, tx, row.Project, packages); err != nil {
				return err
			}
		}
		if row.State == vnfpkg.Onboarded {
			var there bool
			err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM packages WHERE id = $1)`, row.ID).Scan(&there)
			if err == nil && !there {
				err = imagerepo.ErrNotFound
			}
			if err != nil {
				return resourceError(row.ID, err)
			}
		}
		values, err := resourceValues(row)
		if err != nil {
			return resourceError(row.ID, err)
		}
		result, err := tx.ExecContext(ctx, `INSERT INTO package_resources (id, project, state, operational, user_data, is_unique, one_shot,
			options, size, received, sha256, job, failure, kept, resumable, expected, filename, hash, boot, unproven, expires_at, created_at,
			updated_at, version, identity)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25) ON CONFLICT (id) DO NOTHING`,
			values...)
		if err != nil {
			return resourceError(row.ID, err)
		}
		return changedOne(row.ID, result, imagerepo.ErrExists)
	})
}

// changedOne returns an error that wraps otherwise unless a statement changed a
// row.
func changedOne(id string, result sql.Result, otherwise error) error {
	n, err := result.RowsAffected()
	if err != nil {
		return resourceError(id, err)
	}
	if n == 0 {
		return fmt.Errorf("package %s: %w", id, otherwise)
	}
	return nil
}

// Row implements [vnfpkg.Store].
func (s Resources) Row(ctx context.Context, id string) (vnfpkg.Row, error) {
	return oneResource(ctx, s.l.db, id)
}

func oneResource(ctx context.Context, q querier, id string) (vnfpkg.Row, error) {
	row, err := scanResource(q.QueryRowContext(ctx, `SELECT `+resourceColumns+` FROM package_resources WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return vnfpkg.Row{}, fmt.Errorf("package %s: %w", id, imagerepo.ErrNotFound)
	}
	return row, resourceError(id, err)
}

// Rows implements [vnfpkg.Store].
func (s Resources) Rows(ctx context.Context, filter vnfpkg.Filter) iter.Seq2[vnfpkg.Row, error] {
	where, args := `id > $1`, []any{filter.After}
	if filter.Project != "" {
		where, args = `project = $2 AND id > $1`, append(args, filter.Project)
	}
	return catalog.Rows(func() (*sql.Rows, error) {
		return s.l.db.QueryContext(ctx, `SELECT `+resourceColumns+` FROM package_resources WHERE `+where+` ORDER BY id`, args...)
	}, scanResource)
}

// Edit implements [vnfpkg.Store].
func (s Resources) Edit(ctx context.Context, id string, edit func(*vnfpkg.Edit) error) (vnfpkg.Row, error) {
	var e vnfpkg.Edit
	err := s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		row, err := oneResource(ctx, tx, id)
		if err != nil {
			return err
		}
		e = vnfpkg.Edit{Row: row}
		if err := edit(&e); err != nil {
			return err
		}
		e.Version++
		if e.Delete {
			_, err = tx.ExecContext(ctx, `DELETE FROM package_resources WHERE id = $1`, id)
			err = resourceError(id, err)
		} else {
			err = updateResource(ctx, tx, e.Row)
		}
		if err == nil && e.Sole && e.Identity.DescriptorID != "" {
			err = checkDescriptor(ctx, tx, e.Row)
		}
		if err == nil {
			err = checkBytes(ctx, tx, e.Project, e.Room)
		}
		if err == nil && e.NewJob != nil {
			_, _, err = insertJob(ctx, tx, *e.NewJob)
		}
		if err == nil && e.Unpublish != nil {
			err = unpublish(ctx, tx, e)
		}
		if err == nil && e.Event != nil {
			err = tell(ctx, tx, *e.Event)
		}
		return err
	})
	return e.Row, err
}

// unpublish deletes the package of an edit from the catalogue.
func unpublish(ctx context.Context, tx *sql.Tx, e vnfpkg.Edit) (err error) {
	if e.Unpublish.Unused {
		var used bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND subject = $2 AND state IN ('queued', 'running'))`,
			vnfpkg.KindLaunch, e.ID).Scan(&used); err != nil {
			return resourceError(e.ID, err)
		}
		if used {
			return &vnfpkg.StateError{ID: e.ID, State: e.State, Operational: e.Operational, InUse: true, Problem: vnfpkg.InUse}
		}
	}
	e.Unpublish.Package, e.Unpublish.Images, err = catalog.DeletePackage(ctx, tx, e.ID, e.Unpublish.KeepImages)
	return err
}

func updateResource(ctx context.Context, tx *sql.Tx, row vnfpkg.Row) error {
	values, err := resourceValues(row)
	if err != nil {
		return resourceError(row.ID, err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE package_resources SET project = $2, state = $3, operational = $4, user_data = $5, is_unique = $6,
		one_shot = $7, options = $8, size = $9, received = $10, sha256 = $11, job = $12, failure = $13, kept = $14, resumable = $15,
		expected = $16, filename = $17, hash = $18, boot = $19, unproven = $20, expires_at = $21, created_at = $22, updated_at = $23,
		version = $24, identity = $25 WHERE id = $1`, values...)
	return resourceError(row.ID, err)
}

// Checkpoint implements [vnfpkg.Store].
func (s Resources) Checkpoint(ctx context.Context, id string, at vnfpkg.Checkpoint) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE package_resources SET received = $2, hash = $3, boot = $4, unproven = $5, expires_at = $6
			WHERE id = $1 AND state = $7`, id, at.Offset, at.Hash, at.Boot, at.Unproven, micro(at.ExpiresAt), vnfpkg.Uploading)
		if err != nil {
			return resourceError(id, err)
		}
		if err := changedOne(id, result, imagerepo.ErrNotFound); err != nil || at.Room.Limit == 0 {
			return err
		}
		var project string
		if err := tx.QueryRowContext(ctx, `SELECT project FROM package_resources WHERE id = $1`, id).Scan(&project); err != nil {
			return resourceError(id, err)
		}
		return checkBytes(ctx, tx, project, at.Room)
	})
}

// checkPackages fails with a *vnfpkg.QuotaError if a project has as many packages
// as it may have.
func checkPackages(ctx context.Context, tx *sql.Tx, project string, limit int) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM package_resources WHERE project = $1) + (SELECT COUNT(*) FROM packages p
		WHERE p.project = $1 AND NOT EXISTS (SELECT 1 FROM package_resources r WHERE r.id = p.id))`, project).Scan(&n)
	switch {
	case err != nil:
		return fmt.Errorf("ledger: packages of project %q: %w", project, err)
	case n >= limit:
		return &vnfpkg.QuotaError{Project: project, Quota: vnfpkg.QuotaPackages, Limit: int64(limit)}
	}
	return nil
}

// checkDescriptor fails with a *vnfpkg.DescriptorError if another onboarded package of
// the project has the descriptor ID of a row's.
func checkDescriptor(ctx context.Context, tx *sql.Tx, row vnfpkg.Row) error {
	var existing string
	err := tx.QueryRowContext(ctx, `SELECT p.id FROM packages p LEFT JOIN package_resources r ON r.id = p.id
		WHERE p.project = $1 AND p.descriptor_id = $2 AND p.id <> $3 AND (r.id IS NULL OR r.state = $4) ORDER BY p.id LIMIT 1`,
		row.Project, row.Identity.DescriptorID, row.ID, vnfpkg.Onboarded).Scan(&existing)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return resourceError(row.ID, err)
	}
	return &vnfpkg.DescriptorError{DescriptorID: row.Identity.DescriptorID, Existing: existing}
}
