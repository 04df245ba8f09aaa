package client_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestTheEventsOfAJobComeOnceEachWhateverBreaks(t *testing.T) {
	f := start(t, nil)
	content := archive("fw", mib)
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, content)), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	jobs, err := f.client(nil).Jobs(t.Context(), job.Filter{Project: "red", Subject: report.Package.ID})
	resttest.NoError(t, err)
	if len(jobs) != 1 {
		t.Fatalf("jobs: %+v", jobs)
	}
	numbers := func(after int64) (got []int64) {
		for e, err := range f.client(nil).WatchJob(t.Context(), jobs[0].ID, after) {
			resttest.NoError(t, err)
			got = append(got, e.Number)
			if e.At.Before(jobs[0].CreatedAt) || e.At.After(jobs[0].EndedAt) {
				t.Errorf("event %d is of %v, and the job of %v to %v", e.Number, e.At, jobs[0].CreatedAt, jobs[0].EndedAt)
			}
		}
		return got
	}
	all := numbers(0)
	if len(all) < 2 || all[0] != 1 || int64(len(all)) != jobs[0].Events {
		t.Fatalf("the events are %v of %d", all, jobs[0].Events)
	}
	for down := int64(100); down < 900; down += 50 { // somewhere in the header, and in an event
		f.way.plan(fault{down: down})
		if diff := cmp.Diff(all, numbers(0)); diff != "" {
			t.Errorf("cut after %d bytes: (-want +got)\n%s", down, diff)
		}
	}
	if diff := cmp.Diff(all[1:], numbers(1)); diff != "" {
		t.Errorf("after the first: (-want +got)\n%s", diff)
	}
	if got := numbers(int64(len(all))); len(got) != 0 {
		t.Errorf("after the last there is %v", got)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.requests, "GET /api/v1/jobs/"+jobs[0].ID+"/events "+strconv.Itoa(1)) {
		t.Errorf("the last event was not told: %q", f.requests)
	}
}

func TestWatchingEndsWhenNoMoreIsWanted(t *testing.T) {
	f := start(t, func(s *setting) { s.idle = true })
	receipt := f.accept()
	for e, err := range f.client(nil).WatchJob(t.Context(), receipt.Job.ID, 0) {
		resttest.NoError(t, err)
		if e.Type == "" {
			t.Errorf("the event is %+v", e)
		}
		break
	}
}

// accept gives red a package whose job waits.
func (f *fixture) accept() vnfpkg.Receipt {
	f.t.Helper()
	r, err := f.Packages.Create(f.t.Context(), vnfpkg.NewResource{Project: "red"})
	resttest.NoError(f.t, err)
	receipt, err := f.Packages.Receive(f.t.Context(), "red", r.ID, http.NoBody, vnfpkg.ReceiveOptions{})
	resttest.NoError(f.t, err)
	return receipt
}

func TestJobsAreListedAndCancelled(t *testing.T) {
	f := start(t, func(s *setting) { s.idle = true })
	var ids []string
	for range 5 {
		ids = append([]string{f.accept().Job.ID}, ids...)
	}
	root := f.client(func(o *client.Options) { o.Token, o.Project = "root", access.AllProjects })
	list := func(c *client.Client, filter job.Filter) (got []string) {
		t.Helper()
		jobs, err := c.Jobs(t.Context(), filter)
		resttest.NoError(t, err)
		for _, j := range jobs {
			got = append(got, j.ID)
		}
		return got
	}
	cancelled, err := f.client(nil).CancelJob(t.Context(), ids[1])
	resttest.NoError(t, err)
	if cancelled.State != job.Cancelled {
		t.Errorf("the job is %+v", cancelled)
	}
	for _, test := range []struct {
		name   string
		filter job.Filter
		want   []string
	}{
		{"all of them", job.Filter{Project: "red"}, ids},
		{"those of all projects", job.Filter{}, ids},
		{"those of another project", job.Filter{Project: "blue"}, nil},
		{"so many", job.Filter{Project: "red", Limit: 3}, ids[:3]},
		{"those before one", job.Filter{Project: "red", Before: ids[2]}, ids[3:]},
		{"by their states", job.Filter{Project: "red", States: []job.State{job.Cancelled, job.Failed}}, ids[1:2]},
		{"by their kind", job.Filter{Project: "red", Kind: "launch"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, list(root, test.filter)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAServerThatHasStoppedIsWaitedFor(t *testing.T) {
	var once sync.Once
	var restart sync.WaitGroup
	defer restart.Wait()
	f := start(t, func(s *setting) { s.idle = true })
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			once.Do(func() {
				restart.Go(func() {
					f.stop()
					f.idle = false
					f.open()
				})
			})
		}
		return false
	}
	report, err := f.client(nil).Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", mib))), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
}

// Somebody who answers everything with a page is no server whose events may come yet.
func TestWatchingWhatIsNoServerEnds(t *testing.T) {
	watchGoroutines(t)
	for name, kind := range map[string]string{"a page": "text/html", "streams without events": "text/event-stream"} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				if kind == "text/html" {
					_, _ = w.Write([]byte("<html>\n<p>Welcome</p>\n</html>\n"))
				}
			}))
			defer web.Close()
			c, err := client.New(client.Options{Server: web.URL, BackoffMin: time.Millisecond, BackoffMax: time.Millisecond, Patience: 50 * time.Millisecond})
			resttest.NoError(t, err)
			defer c.Close()
			for e, err := range c.WatchJob(t.Context(), "one", 0) {
				if err == nil || !strings.Contains(err.Error(), "given up") {
					t.Errorf("%+v, %v", e, err)
				}
			}
		})
	}
}
