package job_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// BenchmarkJobs measures jobs that do nothing, from their addition to their end,
// and a look for jobs when there are none:
//
//	go test -run - -bench Jobs ./onboarding/job
func BenchmarkJobs(b *testing.B) {
	for _, ended := range []int{0, 100_000} {
		store := benchStore(b, ended)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("run/ended=%d/workers=%d", ended, workers), func(b *testing.B) {
				q := job.NewQueue(store, job.Options{})
				defer run(b, q, kinds{"onboard": {Handler: succeed, Workers: workers}})()
				const jobs = 200
				for b.Loop() {
					var last []job.Job
					for range jobs {
						last = append(last, add(b, q, anOnboarding))
					}
					for _, j := range last {
						wait(b, q, j.ID)
					}
				}
				b.ReportMetric(float64(jobs*b.N)/b.Elapsed().Seconds(), "jobs/s")
			})
		}
		b.Run(fmt.Sprintf("idle/ended=%d", ended), func(b *testing.B) {
			for b.Loop() {
				claims, err := store.Claim(b.Context(), map[job.Kind]int{"onboard": 4, "launch": 4, "notify": 4}, nil, time.Now(), time.Now())
				if err != nil || len(claims) > 0 {
					b.Fatal(len(claims), err)
				}
			}
		})
	}
}

// benchStore returns a store with jobs that have ended.
func benchStore(b *testing.B, ended int) job.Store {
	b.Helper()
	c, err := catalog.Open(b.Context(), filepath.Join(b.TempDir(), "gangway.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	l, err := ledger.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.DB().ExecContext(b.Context(), `INSERT INTO jobs (id, project, kind, subject, created_by, payload, state, attempt, failures,
		fence, due_at, cancelling, progress, error, events, created_at, started_at, ended_at)
		WITH RECURSIVE n (i) AS (SELECT 1 WHERE $1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		SELECT 'job-' || i, 'p', 'onboard', 'pkg', '', 'null', 'succeeded', 1, 0, 1, 0, FALSE, '{}', '', 2, $2 + i, $2 + i, $2 + i FROM n`,
		ended, time.Now().Add(-time.Hour).UnixMicro()); err != nil {
		b.Fatal(err)
	}
	return l.Jobs()
}
