package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Limited returns the catalogue for a server whose projects may take so many bytes:
// to publish or to pin images fails with a *vnfpkg.QuotaError, in the transaction
// that would make them visible, when a project would take more with them than
// before, and more than it may. Content that it has already takes nothing. Keep says
// that the archive of a package is kept; else it does not count beside the images that
// are published with it.
func (l *Ledger) Limited(bytes int64, keep bool) imagerepo.Catalog {
	if bytes == 0 {
		return l.catalog
	}
	return limited{l.catalog, bytes, keep}
}

type limited struct {
	*catalog.Catalog
	bytes int64
	keep  bool
}

// Publish implements [imagerepo.Catalog].
func (c limited) Publish(ctx context.Context, pub imagerepo.Publication, place func(imagerepo.Image, []string) error) error {
	if len(pub.Images) == 0 {
		return c.Catalog.Publish(ctx, pub, place)
	}
	project, passing := pub.Images[0].Project, ""
	if pub.Package != nil && !c.keep {
		passing = pub.Package.ID
	}
	return c.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		grown, err := c.watch(ctx, tx, project, passing)
		if err != nil {
			return err
		}
		return catalog.Publish(ctx, tx, pub, func(img imagerepo.Image, twins []string) error {
			if err := grown(); err != nil {
				return err
			}
			return place(img, twins)
		})
	})
}

// Pin implements [imagerepo.Catalog]. It does not know which package brings the
// content, so that the archive of that one counts until it is gone, kept or not.
func (c limited) Pin(ctx context.Context, id string, content imagerepo.Content, source imagerepo.Source, place func() error) error {
	img, err := c.Image(ctx, id)
	if err != nil {
		return err
	}
	return c.Update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		grown, err := c.watch(ctx, tx, img.Project, "")
		if err != nil {
			return err
		}
		return catalog.Pin(ctx, tx, id, content, source, func() error {
			if err := grown(); err != nil {
				return err
			}
			return place()
		})
	})
}

// watch returns what fails with a *vnfpkg.QuotaError if a project has come to take
// more bytes since, and more than it may. It looks once. The archive of the package
// passing does not count.
func (c limited) watch(ctx context.Context, tx *sql.Tx, project, passing string) (grown func() error, err error) {
	before, err := usedBytes(ctx, tx, project, passing)
	return sync.OnceValue(func() error {
		after, err := usedBytes(ctx, tx, project, passing)
		if err == nil && after > before && after > c.bytes {
			err = &vnfpkg.QuotaError{Project: project, Quota: vnfpkg.QuotaBytes, Limit: c.bytes}
		}
		return err
	}), err
}

// checkBytes fails with a *vnfpkg.QuotaError if a project takes more bytes than it
// may take.
func checkBytes(ctx context.Context, q querier, project string, room vnfpkg.Room) error {
	if room.Limit == 0 {
		return nil
	}
	n, err := usedBytes(ctx, q, project, "")
	if err == nil && n+room.Held > room.Limit {
		err = &vnfpkg.QuotaError{Project: project, Quota: vnfpkg.QuotaBytes, Limit: room.Limit}
	}
	return err
}

// usedBytes returns how many bytes a project takes: its images, each content once,
// and its archives that are kept or on their way, with their full size where that is
// known, but for that of the package passing.
func usedBytes(ctx context.Context, q querier, project, passing string) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT COALESCE((SELECT SUM(size) FROM (SELECT DISTINCT sha256, size FROM images
			WHERE project = $1 AND sha256 <> '') contents), 0)
		+ COALESCE((SELECT SUM(CASE WHEN size > received THEN size ELSE received END) FROM package_resources
			WHERE project = $1 AND id <> $4 AND (kept OR state IN ($2, $3))), 0)`,
		project, vnfpkg.Uploading, vnfpkg.Processing, passing).Scan(&n)
	if err != nil {
		err = fmt.Errorf("ledger: bytes of project %q: %w", project, err)
	}
	return n, err
}

// Used implements [vnfpkg.Store].
func (s Resources) Used(ctx context.Context, project string) (int64, error) {
	return usedBytes(ctx, s.l.db, project, "")
}
