package ledger_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

func TestJobsOfASubjectThatWaitAreFoundByTheirIndex(t *testing.T) {
	c, err := catalog.Open(t.Context(), filepath.Join(t.TempDir(), "gangway.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := ledger.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]string{
		"in use":  `WITH live AS MATERIALIZED (SELECT * FROM jobs WHERE state IN ('queued', 'running') AND kind = $1 AND subject = $2) SELECT id FROM live WHERE kind = $1 AND subject = $2 AND state IN ($3, $4) ORDER BY created_at DESC, id DESC LIMIT $5`,
		"first":   `SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND subject = $2 AND state IN ('queued', 'running') AND id < $3)`,
		"release": `SELECT MIN(id) FROM jobs WHERE kind = $1 AND subject = $2 AND state IN ('queued', 'running')`,
	} {
		rows, err := c.DB().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, "k", "s", "a", "b", 1)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(plan, "\n"); !strings.Contains(got, "jobs_waiting (subject=?") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}
