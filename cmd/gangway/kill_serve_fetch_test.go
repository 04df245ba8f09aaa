package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// fetching is a server that fetches from an origin which holds answers back.
type fetching struct {
	t      *testing.T
	origin *origintest.Origin
	home   *home
	server *process
	at     *served
	admin  string

	holding int32        // answers that are to be held back
	held    atomic.Int32 // those that are

	jobs     []string
	images   map[string]string // that there are to be: SHA-256 by name
	archives map[string]string // of packages: SHA-256 by ID
	lost     string            // the ID of the job that cannot go on
}

func newFetching(t *testing.T, binary string, origin *origintest.Origin) *fetching {
	f := &fetching{t: t, origin: origin, home: newHome(t, binary),
		images: make(map[string]string), archives: make(map[string]string)}
	f.server, f.at, f.admin = f.home.serve("--jobs", "4") // as many as are fetched at once
	return f
}

// fetchedSize is the size in bytes of images.
const fetchedSize = 1 << 20

// disk returns an image that there is to be in the end.
func (f *fetching) disk(name string, seed uint64) onboardingtest.Image {
	image := onboardingtest.QCOW2(fetchedSize, fetchedSize, seed)
	f.images[name] = image.SHA256()
	return image
}

// never holds no answer back.
const never = 1

// serve returns the URL of a file. The first answer is held back when a share of
// it was sent or, if that is negative, before its first line.
func (f *fetching) serve(name string, content []byte, share float64) string {
	file := origintest.Plain(content)
	hold := func(r *http.Request) {
		f.held.Add(1)
		<-r.Context().Done()
	}
	switch {
	case share < 0:
		file.Faults = []origintest.Fault{func(_ http.ResponseWriter, r *http.Request, _ origintest.File) {
			hold(r)
			panic(http.ErrAbortHandler)
		}}
	case share < 1:
		file.Faults = []origintest.Fault{origintest.DoAfter(int(share*float64(len(content))), hold)}
	}
	if share != never {
		f.holding++
	}
	return f.origin.Serve("/"+name, file)
}

// ask has the server fetch something.
func (f *fetching) ask(what, format string, args ...any) job.Job {
	f.t.Helper()
	status, text := f.at.send(f.t, http.MethodPost, "/api/v1/"+what, f.admin, strings.NewReader(fmt.Sprintf(format, args...)), "Content-Type: application/json")
	if status != http.StatusAccepted {
		f.t.Fatalf("%s: %d %s", what, status, text)

	}
	j := decode[job.Job](f.t, text)
	f.jobs = append(f.jobs, j.ID)
	return j
}

// image has an image fetched.
func (f *fetching) image(seed uint64, share float64) {
	f.t.Helper()
	name := fmt.Sprint("image-", seed)
	content, err := io.ReadAll(f.disk(name, seed).Reader())
	if err != nil {
		f.t.Fatal(err)
	}
	f.ask("images", `{"name": %q, "url": %q}`, name, f.serve(name, content, share))
}

// pkg has a package fetched that has an image of its own and one behind a URL.
func (f *fetching) pkg(seed uint64, share, imageShare float64) {
	f.t.Helper()
	name := fmt.Sprint("vnf-", seed)
	content, err := io.ReadAll(f.disk(name+"-far", 1000+seed).Reader())
	if err != nil {
		f.t.Fatal(err)
	}
	archive := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{
		Name: name, Images: []onboardingtest.SoftwareImage{
			onboardingtest.Embed(name+"-near", f.disk(name+"-near", seed)),
			onboardingtest.Link(name+"-far", f.serve(name+"-far", content, imageShare)),
		}}))
	j := f.ask("packages", `{"url": %q}`, f.serve(name, archive, share))
	f.archives[j.Subject] = fmt.Sprintf("%x", sha256.Sum256(archive))
}

// ended reports whether all jobs have ended.
func (f *fetching) ended() bool {
	_, text := f.at.get(f.t, "/api/v1/jobs?state=queued,running", f.admin)
	return len(decode[[]job.Job](f.t, text)) == 0
}

// kill kills the server when all answers are held back that are to be.
func (f *fetching) kill() *aftermath {
	f.t.Helper()
	await(f.t, "answers are held back", func() bool { return f.held.Load() == f.holding })
	return f.home.killServer(f.server, f.jobs)
}

// check checks that everything that was accepted is there once, or was reported.
func (f *fetching) check(t *testing.T, a *aftermath) {
	a.home.t, a.server.t = t, t
	for _, id := range f.jobs {
		j := a.ended(t, id)
		want := job.Succeeded
		if id == f.lost {
			want = job.Failed
		}
		if j.State != want {
			t.Errorf("job of kind %s is %s: %s", j.Kind, j.State, j.Error)
		}
		if j.Kind == "image" {
			continue
		}
		_, text := a.get(t, "/api/v1/packages/"+j.Subject, a.admin)
		r := decode[view.Resource](t, text)
		switch {
		case id == f.lost:
			if r.State != "ERROR" || r.Failure == nil || !strings.Contains(r.Failure.Detail, "restarted") {
				t.Errorf("the package that cannot be fetched again: %s", text)
			}
		case r.State != "ONBOARDED" || len(r.Images) != 2 || r.Archive == nil || r.Archive.SHA256 != f.archives[r.ID]:
			t.Errorf("package: %s", text)
		}
	}
	var archives []string
	for id := range f.archives {
		archives = append(archives, id)
	}
	a.leaves(t, f.images, archives)
}

// The server is killed while it fetches packages and images, while it fetches the
// images of packages that have come, and when so many files of one have appeared.
func fetchKilledInServe(t *testing.T, binary string) {
	origin := origintest.New()
	t.Cleanup(origin.Close)
	// Second processes wait together for the claims of the first to run out.
	checks := make(map[string]func(*testing.T))
	kill := func(name string, f *fetching) {
		a := f.kill()
		checks[name] = func(t *testing.T) { f.check(t, a) }
	}

	packages := newFetching(t, binary, origin)
	for i, share := range []float64{-1, 0, 0.3, 0.999999} {
		packages.image(uint64(20+i), share)
		if share != 0 { // which leaves a place for the one with a password
			packages.pkg(uint64(10+i), share, never)
		}
	}
	// A password is not stored.
	packages.lost = packages.ask("packages", `{"url": %q, "user": "somebody", "password": "secret"}`, packages.serve("secret", make([]byte, 1000), 0.5)).ID
	kill("packages", packages)

	images := newFetching(t, binary, origin)
	for i, share := range []float64{-1, 0, 0.6, 0.999999} {
		images.pkg(uint64(30+i), never, share)
		images.image(uint64(40+i), share)
	}
	kill("images of packages", images)

	for n := 1; n <= 4; n++ {
		f := newFetching(t, binary, origin)
		f.pkg(uint64(50+n), never, never)
		await(t, "files", func() bool { return len(f.home.files()) >= n || f.ended() })
		kill(fmt.Sprint("a package after files: ", n), f)
	}

	for name, check := range checks {
		t.Run(name, check)
	}
}
