package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// What the store of jobs does is tested through the queue, in package job.

func TestAPurgeIsDoneInBatchesThatEndSoon(t *testing.T) {
	c, err := catalog.Open(t.Context(), filepath.Join(t.TempDir(), "gangway.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	store, now := l.Jobs(), time.Now()
	// Of four jobs that end one after the other the second has many events.
	for i := range 4 {
		q := job.NewQueue(store, job.Options{})
		if _, err := q.Add(t.Context(), job.New{Kind: "onboard"}); err != nil {
			t.Fatal(err)
		}
		claims, err := store.Claim(t.Context(), map[job.Kind]int{"onboard": 1}, nil, time.Now(), now)
		if err != nil || len(claims) != 1 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		if i == 1 {
			if _, err := c.DB().ExecContext(t.Context(), `UPDATE jobs SET events = 10000 WHERE id = $1`, claims[0].Job.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.Finish(t.Context(), claims[0], job.Outcome{State: job.Succeeded}, now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	var got []int64
	for len(got) == 0 || got[len(got)-1] > 0 {
		n, err := store.Purge(t.Context(), now.Add(2500*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	if diff := cmp.Diff([]int64{2, 1, 0}, got); diff != "" {
		t.Errorf("jobs purged at once (-want +got):\n%s", diff)
	}
	if left, err := store.Jobs(t.Context(), job.Filter{}); err != nil || len(left) != 1 {
		t.Errorf("%d jobs are left, %v", len(left), err)
	}
}
