package vnfpkg_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

const project = "p"

// server is a service with all that it works with, in one process.
type server struct {
	*vnfpkg.Service
	home   string
	queue  *job.Queue
	ledger *ledger.Ledger
	close  func() error
}

// options are what tests change of a server.
type options struct {
	vnfpkg.Config
	idle  bool // its jobs are not run
	fetch fetch.Options
	job   job.Options
	// What stands before the real parts, if not nil.
	store   func(vnfpkg.Store) vnfpkg.Store
	jobs    func(job.Store) job.Store
	catalog func(imagerepo.Catalog) imagerepo.Catalog
}

// openServer starts a server on a home.
func openServer(ctx context.Context, home string, o options) (_ *server, err error) {
	names, err := catalog.Open(ctx, filepath.Join(home, "catalogue.db"))
	if err != nil {
		return nil, err
	}
	files, err := fsstore.Open(filepath.Join(home, "images"))
	if err != nil {
		return nil, err
	}
	records, err := ledger.Open(ctx, names)
	if err != nil {
		return nil, err
	}
	o.fetch.AllowPrivate, o.fetch.Attempts = true, 2
	o.fetch.Allow = []string{"127.0.0.1"}
	o.fetch.BackoffMin, o.fetch.BackoffMax = time.Millisecond, time.Millisecond
	client, err := fetch.New(o.fetch)
	if err != nil {
		return nil, err
	}
	store, jobs, known := vnfpkg.Store(records.Resources()), job.Store(records.Jobs()), records.Limited(o.Limits.ProjectBytes, o.Keep)
	if o.store != nil {
		store, jobs, known = o.store(store), o.jobs(jobs), o.catalog(known)
	}
	repository := imagerepo.New(known, files, slog.New(slog.DiscardHandler))
	if err := repository.Recover(ctx); err != nil {
		return nil, err
	}
	s := &server{home: home, ledger: records, queue: job.NewQueue(jobs, o.job)}
	o.Pipeline = &onboarding.Pipeline{Repository: repository, Fetch: client}
	o.Store, o.Queue, o.Folder = store, s.queue, filepath.Join(home, "packages")
	if s.Service, err = vnfpkg.New(o.Config); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	if !o.idle {
		running.Go(func() { _ = s.queue.Run(ctx, s.Kinds()) })
	}
	s.close = sync.OnceValue(func() error {
		cancel()
		running.Wait()
		err := s.Service.Close()
		client.Close()
		for _, c := range []io.Closer{files, names} {
			if closing := c.Close(); err == nil {
				err = closing
			}
		}
		return err
	})
	return s, nil
}

// newServer starts a server on a new home.
func newServer(t *testing.T, o options) *server {
	t.Helper()
	return startServer(t, newHome(t), o)
}

func startServer(t *testing.T, home string, o options) *server {
	t.Helper()
	s, err := openServer(t.Context(), home, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func (s *server) create(t *testing.T, n vnfpkg.NewResource) vnfpkg.Resource {
	t.Helper()
	n.Project = project
	r, err := s.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// receive sends an archive to a new resource and returns the receipt.
func (s *server) receive(t *testing.T, n vnfpkg.NewResource, archive []byte) vnfpkg.Receipt {
	t.Helper()
	r := s.create(t, n)
	receipt, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(archive), vnfpkg.ReceiveOptions{Size: int64(len(archive))})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// finish waits for a job and returns it with its resource.
func (s *server) finish(t *testing.T, receipt vnfpkg.Receipt) (job.Job, vnfpkg.Resource) {
	t.Helper()
	j, err := s.queue.Wait(t.Context(), receipt.Job.ID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(t.Context(), project, receipt.Resource.ID)
	if err != nil {
		t.Fatal(err)
	}
	return j, r
}

// onboard onboards an archive that is known to be good.
func (s *server) onboard(t *testing.T, n vnfpkg.NewResource, archive []byte) vnfpkg.Resource {
	t.Helper()
	_, r := s.finish(t, s.receive(t, n, archive))
	wantState(t, r, vnfpkg.Onboarded)
	return r
}

func (s *server) get(t *testing.T, id string) vnfpkg.Resource {
	t.Helper()
	r, err := s.Get(t.Context(), project, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantState(t *testing.T, r vnfpkg.Resource, want vnfpkg.State) {
	t.Helper()
	if r.State != want {
		t.Fatalf("package is %s, not %s: %+v", r.State, want, r.Failure)
	}
}

// archives returns the names of the files in the package folder.
func (s *server) archives(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.home, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// wantArchives fails unless exactly these archives are in the package folder.
func (s *server) wantArchives(t *testing.T, ids ...string) {
	t.Helper()
	slices.Sort(ids)
	if d := cmp.Diff(ids, s.archives(t)); d != "" {
		t.Errorf("files in the package folder (-want +got):\n%s", d)
	}
}

// wantTidy fails if the image repository has litter or is damaged.
func (s *server) wantTidy(t *testing.T) {
	t.Helper()
	diagnosis, err := s.Pipeline.Repository.Doctor(t.Context(), imagerepo.DoctorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !diagnosis.Healthy() {
		t.Errorf("the image repository is not healthy: %+v", diagnosis.Problems)
	}
}

// states returns the states of all resources by name or, without one, ID.
func (s *server) states(t *testing.T) map[string]vnfpkg.State {
	t.Helper()
	out := map[string]vnfpkg.State{}
	for r, err := range s.List(t.Context(), vnfpkg.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		name := r.ID
		if r.Package != nil {
			name = r.Package.Name
		}
		out[name] = r.State
	}
	return out
}

// archive returns a package with one image of about 384 KiB.
func archive(container onboardingtest.Container, name string, seed uint64) []byte {
	return onboardingtest.Bytes(container, members(name, seed))
}

func members(name string, seed uint64) []onboardingtest.Member {
	image := onboardingtest.Embed(name+"-image", onboardingtest.QCOW2(384<<10, 1<<30, seed))
	return onboardingtest.SOL004(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{image}})
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// outcome returns the result of a job that onboards.
func outcome(t *testing.T, j job.Job) vnfpkg.Outcome {
	t.Helper()
	var o vnfpkg.Outcome
	if err := json.Unmarshal(j.Result, &o); err != nil {
		t.Fatalf("result of a job that is %s (%s): %v", j.State, j.Error, err)
	}
	return o
}

// write puts a file into the package folder.
func (s *server) write(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Folder, name), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
}
