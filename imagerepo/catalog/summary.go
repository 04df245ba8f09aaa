package catalog

import (
	"context"
	"fmt"
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
	rows, err := c.db.QueryContext(ctx, `SELECT i.project, COUNT(*), MIN(i.created_at), MAX(i.created_at),
		(SELECT COALESCE(SUM(o.size), 0) FROM (SELECT DISTINCT sha256, size FROM images WHERE project = i.project AND sha256 <> '') o)
		FROM images i GROUP BY i.project ORDER BY i.project`)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	defer rows.Close()
	var all []Summary
	for rows.Next() {
		var s Summary
		var oldest, newest int64
		if err := rows.Scan(&s.Project, &s.Images, &oldest, &newest, &s.Bytes); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		s.Oldest, s.Newest = time.UnixMicro(oldest).UTC(), time.UnixMicro(newest).UTC()
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return all, nil
}
