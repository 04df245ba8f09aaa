package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

// queueOf returns the queue in the home of a script, which is made if it is not
// there. The caller calls done.
func queueOf(ts *testscript.TestScript) (q *job.Queue, done func()) {
	c, err := catalog.Open(context.Background(), filepath.Join(ts.Getenv("GANGWAY_HOME"), "gangway.db"))
	ts.Check(err)
	l, err := ledger.Open(context.Background(), c)
	ts.Check(err)
	return job.NewQueue(l.Jobs(), job.Options{Poll: 100 * time.Millisecond}), func() { ts.Check(c.Close()) }
}

// scriptJob adds a job and sets the variable NAME to its ID.
func scriptJob(ts *testscript.TestScript, _ bool, args []string) {
	q, done := queueOf(ts)
	defer done()
	j, err := q.Add(context.Background(), job.New{Project: args[1], Kind: job.Kind(args[2]), Subject: args[3], By: "token ci", Key: args[0], Payload: "secret"})
	ts.Check(err)
	ts.Setenv(args[0], j.ID)
}

// scriptWork runs jobs until the script ends: "good" ones succeed, "bad" ones
// fail, and "long" ones go on until they are cancelled.
func scriptWork(ts *testscript.TestScript, _ bool, _ []string) {
	q, done := queueOf(ts)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- q.Run(ctx, map[job.Kind]job.KindOptions{
			"good": {Handler: func(ctx context.Context, t *job.Task) (any, error) {
				t.Report(job.Progress{Step: "disk", Done: 1 << 20, Total: 3 << 20})
				for told := (job.Job{}); told.Progress.Done == 0; time.Sleep(time.Millisecond) {
					var err error
					if told, err = q.Get(ctx, t.Job.ID); err != nil {
						return nil, err
					}
				}
				return map[string]string{"package": "firewall"}, nil
			}},
			"bad": {Handler: func(context.Context, *job.Task) (any, error) {
				return nil, job.Permanent(errors.New("no\n\x1b[31mpackage"))
			}},
			"long": {Handler: func(ctx context.Context, _ *job.Task) (any, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}},
		})
	}()
	ts.Defer(func() {
		stop()
		ts.Check(<-ended)
		done()
	})
}
