package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// aftermath is a home whose server was killed in the middle of jobs and started
// again.
type aftermath struct {
	*home
	server *process
	*served
	admin  string
	killed time.Time
	jobs   []string // IDs, of all that were accepted
}

// killServer kills the server of a home and starts another.
func (h *home) killServer(server *process, jobs []string, args ...string) *aftermath {
	h.t.Helper()
	server.kill()
	a := &aftermath{home: h, killed: time.Now(), jobs: jobs}
	a.server, a.served, a.admin = h.serve(args...)
	return a
}

// takenOver is how soon another process works at the jobs of one that was killed:
// when their claims have run out.
const takenOver = 15 * time.Second

// ended waits for the end of a job and checks what its events tell: that the
// process which was killed began it, that another soon began it again, unless it
// had ended before, and one end.
func (a *aftermath) ended(t *testing.T, id string) job.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	resp, err := a.do(ctx, http.MethodGet, "/api/v1/jobs/"+id+"/events", a.admin, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("events of job %s: %v, after %s", id, err, text)
	}
	numbers := 0
	var story []string
	for event := range strings.SplitSeq(string(text), "\n\n") {
		var number int
		var kind, at, data string
		if _, err := fmt.Sscanf(event, "id: %d\nevent: %s\nat: %s\ndata: ", &number, &kind, &at); err != nil {
			continue // a comment, or for how long to wait
		}
		if numbers++; number != numbers {
			t.Errorf("job %s: event %d has the number %d", id, numbers, number)
		}
		if _, data, _ = strings.Cut(event, "data: "); kind == job.StateEvent {
			change := decode[job.Change](t, data)
			story = append(story, fmt.Sprintf("%s %d", change.State, change.Attempt))
		}
	}
	_, shown := a.get(t, "/api/v1/jobs/"+id, a.admin)
	j := decode[job.Job](t, shown)
	if len(story) > 0 && story[0] == "queued 0" { // others were begun where they were added
		story = story[1:]
	}
	want := []string{"running 1", "running 2", string(j.State) + " 2"}
	if j.EndedAt.Before(a.killed) {
		want = []string{"running 1", string(j.State) + " 1"}
	}
	if d := cmp.Diff(want, story); d != "" || !j.State.Ended() {
		t.Errorf("job of kind %s, what it went through (-want +got):\n%s%s", j.Kind, d, j.Error)
	}
	if took := j.StartedAt.Sub(a.killed); took > takenOver {
		t.Errorf("job of kind %s was taken over after %v", j.Kind, took)
	}
	return j
}

// leaves stops the server and checks that the home has the images, by name with
// their SHA-256, and the original packages, and nothing else.
func (a *aftermath) leaves(t *testing.T, images map[string]string, packages []string) {
	t.Helper()
	_, text := a.get(t, "/api/v1/jobs?limit=1000", a.admin)
	var jobs []string
	for _, j := range decode[[]job.Job](t, text) {
		jobs = append(jobs, j.ID)
	}
	slices.Sort(jobs)
	slices.Sort(a.jobs)
	if d := cmp.Diff(a.jobs, jobs); d != "" {
		t.Errorf("jobs (-accepted +listed):\n%s", d)
	}
	got, files := make(map[string]string), []string{}
	_, text = a.get(t, "/api/v1/images?limit=1000", a.admin)
	for _, img := range decode[[]view.Image](t, text) {
		got[img.Name] = img.Digests["sha256"]
		files = append(files, img.ID)
	}
	if d := cmp.Diff(images, got); d != "" {
		t.Errorf("images (-want +got):\n%s", d)
	}
	a.server.interrupt()
	if code := a.server.exited(); code != exitOK {
		t.Errorf("exit code %d: %s", code, &a.server.stderr)
	}
	if d := cmp.Diff(files, a.files(), cmpSets); d != "" {
		t.Errorf("files (-images +files):\n%s", d)
	}
	entries, err := os.ReadDir(filepath.Join(a.folder, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	archives := []string{}
	for _, entry := range entries {
		archives = append(archives, entry.Name())
	}
	if d := cmp.Diff(packages, archives, cmpSets); d != "" {
		t.Errorf("original packages (-want +got):\n%s", d)
	}
	a.run("doctor")
}
