package catalog

import (
	"context"
	"time"
)

// Summary is what a project has, in numbers.
type Summary struct {
	Project string
	Images  int64
	// Bytes are those of the images, each content once.
	Bytes          int64
	Oldest, Newest time.Time // of the images
}

// Summaries returns the summary of every project that has images.
func (c *Catalog) Summaries(ctx context.Context) ([]Summary, error) {
	return Collect(rows(ctx, c.db, func(row Row) (s Summary, err error) {
		var oldest, newest int64
		err = row.Scan(&s.Project, &s.Images, &oldest, &newest, &s.Bytes)
		s.Oldest, s.Newest = time.UnixMicro(oldest).UTC(), time.UnixMicro(newest).UTC()
		return s, err
	}, `SELECT i.project, COUNT(*), MIN(i.created_at), MAX(i.created_at),
		(SELECT COALESCE(SUM(o.size), 0) FROM (SELECT DISTINCT sha256, size FROM images WHERE project = i.project AND sha256 <> '') o)
		FROM images i GROUP BY i.project ORDER BY i.project`))
}
