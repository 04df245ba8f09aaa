package main

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// launch is a launch that a server is asked for before it is killed.
type launch struct {
	glancetest.Fault        // where it is held
	region           string // where it goes
	async            bool
	job              string // its ID, once it is known
}

func (l *launch) String() string {
	return fmt.Sprintf("%s after %d bytes, effect %t, async %t", l.Route, l.AfterBytes, l.AfterEffect, l.async)
}

// ask has the server begin the launch, and returns the answer.
func (l *launch) ask(t *testing.T, at *served, token string) (*http.Response, error) {
	header := []string{"Content-Type: application/json", "Idempotency-Key: " + l.region}
	if l.async {
		header = append(header, "Prefer: respond-async")
	}
	body := fmt.Sprintf(`{"package": "firewall", "vims": [%q]}`, glancetest.CloudName("", l.region))
	return at.do(t.Context(), http.MethodPost, "/api/v1/launches", token, strings.NewReader(body), header...)
}

// The server is killed in launches, of which each is held in the middle of a
// request and every other one is waited for. All callers ask again, and join what
// they began.
func launchKilledInServe(t *testing.T, binary string) {
	var launches []*launch
	var regions []glancetest.Region
	for i, moment := range launchMoments() {
		if moment.Die {
			continue // that an upload has lost its uploader shows only after another while
		}
		l := &launch{Fault: moment, region: fmt.Sprint("region-", i), async: i%2 == 0}
		launches = append(launches, l)
		regions = append(regions, glancetest.Region{Name: l.region, NoChecksum: true})
	}
	s := newStage(t, binary, regions...)
	server, at, token := s.serve()
	release := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()
	var callers sync.WaitGroup
	for _, l := range launches {
		held := make(chan struct{})
		l.Do = func(*http.Request) { close(held); <-release }
		if l.Route != glancetest.Authenticate { // which all regions share
			l.Region = l.region
		}
		s.cloud.Inject(l.Fault)
		asked := func() {
			resp, err := l.ask(t, at, token)
			if err != nil {
				return
			}
			defer resp.Body.Close()
			l.job = path.Base(resp.Header.Get("Location"))
			if resp.StatusCode != http.StatusAccepted {
				t.Errorf("%s: status %d before the end", l, resp.StatusCode)
			}
		}
		if l.async {
			asked()
		} else {
			callers.Go(asked)
		}
		await(t, l.String(), func() bool {
			select {
			case <-held:
				return true
			default:
				return false
			}
		})
	}
	server.kill()
	goOn()
	callers.Wait()
	active := make(map[string]bool) // whose last byte had arrived
	await(t, "the cloud is done with what it was sent", func() bool {
		for _, l := range launches {
			for _, img := range s.cloud.Glance(l.region).Images() {
				if active[l.region] = img.Status == "active"; img.Status == "saving" {
					return false
				}
			}
		}
		return true
	})
	a := s.killServer(server, nil)
	for _, l := range launches {
		resp, err := l.ask(t, a.served, a.admin)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		id := path.Base(resp.Header.Get("Location"))
		if want := map[bool]int{true: http.StatusAccepted, false: http.StatusOK}[l.async]; resp.StatusCode != want || l.async && id != l.job {
			t.Errorf("%s: asked again, the status is %d and the job %s, not %s", l, resp.StatusCode, id, l.job)
		}
		a.jobs = append(a.jobs, id)
		j := a.ended(t, id)
		if j.State != job.Succeeded {
			t.Errorf("%s: %s: %s", l, j.State, j.Error)
			continue
		}
		want := vim.Uploaded
		if active[l.region] {
			want = vim.Present
		}
		if image := s.delivered(l.region, string(j.Result)); image.Action != want {
			t.Errorf("%s: the launch says %s, not %s", l, image.Action, want)
		}
		if finished := s.cloud.Glance(l.region).Stats().UploadsFinished; finished != 1 {
			t.Errorf("%s: %d uploads came to their end", l, finished)
		}
	}
	a.leaves(t, map[string]string{"disk": launchedImage().SHA256()}, nil)
}
