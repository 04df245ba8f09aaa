package ledger_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

func open(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	c, err := catalog.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAJobThatFailsIsTriedAgainUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := job.NewQueue(open(t, filepath.Join(t.TempDir(), "gangway.db")).Jobs(), job.Options{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- q.Run(ctx, map[job.Kind]job.KindOptions{"onboard": {Handler: func(_ context.Context, task *job.Task) (any, error) {
				if task.Job.Attempt < 3 {
					return nil, errors.New("not yet")
				}
				return "done", nil
			}}})
		}()
		j, err := q.Add(t.Context(), job.New{Project: "p", Kind: "onboard"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for e, err := range q.Watch(t.Context(), j.ID, 0) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(e.Data))
		}
		want := []string{
			`{"state":"queued","attempt":0}`,
			`{"state":"running","attempt":1}`,
			`{"state":"queued","attempt":1,"error":"not yet"}`,
			`{"state":"running","attempt":2}`,
			`{"state":"queued","attempt":2,"error":"not yet"}`,
			`{"state":"running","attempt":3}`,
			`{"state":"succeeded","attempt":3,"result":"done"}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
