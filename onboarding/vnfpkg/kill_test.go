package vnfpkg_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// The environment of a process that the tests start: its home, and at which step
// it kills itself, if at any.
const (
	childHome = "VNFPKG_TEST_HOME"
	childStep = "VNFPKG_TEST_STEP"
	// quickExit keeps the race detector from waiting a second at the end of
	// each process.
	quickExit = "GORACE=atexit_sleep_ms=0"
)

func TestMain(m *testing.M) {
	if home := os.Getenv(childHome); home != "" {
		at, _ := strconv.ParseInt(os.Getenv(childStep), 10, 64)
		steps := &steps{at: at}
		if err := work(context.Background(), home, steps); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("steps", steps.taken.Load())
		os.Exit(0)
	}
	os.Exit(withTemplate(m.Run))
}

// template is an empty home, which is quicker to copy than to make.
var template string

func withTemplate(run func() int) int {
	home, err := os.MkdirTemp("", "vnfpkg")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	s, err := openServer(context.Background(), home, options{idle: true})
	if err == nil {
		err = s.close()
	}
	if err != nil {
		panic(err)
	}
	template = home
	return run()
}

// newHome returns a temporary folder with an empty home.
func newHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := os.CopyFS(home, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	return home
}

// quick makes the jobs of a process be taken over soon after it was killed. Who
// takes them over has the time of a real server: on a busy disk a claim may have to
// wait longer than these hold.
var quick = job.Options{Lease: 600 * time.Millisecond, Beat: 100 * time.Millisecond, Poll: 50 * time.Millisecond}

// work goes through all that a server does with packages, tells what it has
// accepted on standard output, and dies at a step.
func work(ctx context.Context, home string, steps *steps) error {
	s, err := openServer(ctx, home, options{
		Config: vnfpkg.Config{Keep: true, Followers: 1}, job: quick,
		store:   func(s vnfpkg.Store) vnfpkg.Store { return &mortalStore{s, steps} },
		jobs:    func(s job.Store) job.Store { return &mortalJobs{s, steps} },
		catalog: func(c imagerepo.Catalog) imagerepo.Catalog { return &mortalCatalog{c, steps} },
	})
	if err != nil {
		return err
	}
	one := func(name string, container onboardingtest.Container, n vnfpkg.NewResource, send func(id string, data []byte) (vnfpkg.Receipt, error)) (string, error) {
		data := archive(container, name, 1)
		n.Project = project
		r, err := s.Create(ctx, n)
		if err != nil {
			return "", err
		}
		receipt, err := send(r.ID, data)
		if err != nil {
			return "", err
		}
		steps.step()
		fmt.Println("accepted", r.ID, name, digest(data))
		_, err = s.queue.Wait(ctx, receipt.Job.ID)
		return r.ID, err
	}
	receive := func(id string, data []byte) (vnfpkg.Receipt, error) {
		return s.Receive(ctx, project, id, steps.body(data), vnfpkg.ReceiveOptions{Size: int64(len(data))})
	}
	first, err := one("zip", onboardingtest.Zip, vnfpkg.NewResource{}, receive)
	if err != nil {
		return err
	}
	if _, err := one("tar", onboardingtest.Tar, vnfpkg.NewResource{Unique: true}, receive); err != nil {
		return err
	}
	if _, err := one("zip", onboardingtest.Zip, vnfpkg.NewResource{OneShot: true}, receive); err != nil {
		return err
	}
	if _, err := one("resumed", onboardingtest.TarGzip, vnfpkg.NewResource{}, func(id string, data []byte) (vnfpkg.Receipt, error) {
		if _, err := s.Begin(ctx, project, id, vnfpkg.BeginOptions{Size: int64(len(data)), SHA256: digest(data)}); err != nil {
			return vnfpkg.Receipt{}, err
		}
		for at, half := int64(0), len(data)/2; at < int64(len(data)); {
			var err error
			if at, err = s.Append(ctx, project, id, at, steps.body(data[at:min(int(at)+half, len(data))]), vnfpkg.AppendOptions{}); err != nil {
				return vnfpkg.Receipt{}, err
			}
		}
		return s.Complete(ctx, project, id, "")
	}); err != nil {
		return err
	}
	if _, err := one("refused", onboardingtest.Tar, vnfpkg.NewResource{}, func(id string, data []byte) (vnfpkg.Receipt, error) {
		return receive(id, data[:len(data)-2048])
	}); err != nil {
		return err
	}
	fmt.Println("deleting", first)
	if _, _, err := s.Delete(ctx, project, first, vnfpkg.DeleteOptions{}); err != nil {
		return err
	}
	return s.close()
}

// steps counts what a process does, and kills it at one of them.
type steps struct {
	at    int64
	taken atomic.Int64
}

func (s *steps) step() {
	if s.taken.Add(1) == s.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}

// body is data of which every read is a step.
func (s *steps) body(data []byte) io.Reader {
	r := bytes.NewReader(data)
	return readerFunc(func(p []byte) (int, error) {
		s.step()
		return r.Read(p[:min(len(p), 150<<10)])
	})
}

// around counts one step before and one after.
func (s *steps) around(do func() error) error {
	s.step()
	defer s.step()
	return do()
}

type mortalStore struct {
	vnfpkg.Store
	*steps
}

func (m *mortalStore) Insert(ctx context.Context, row vnfpkg.Row, packages int) error {
	return m.around(func() error { return m.Store.Insert(ctx, row, packages) })
}

func (m *mortalStore) Edit(ctx context.Context, id string, edit func(*vnfpkg.Edit) error) (row vnfpkg.Row, err error) {
	err = m.around(func() error { row, err = m.Store.Edit(ctx, id, edit); return err })
	return row, err
}

func (m *mortalStore) Checkpoint(ctx context.Context, id string, at vnfpkg.Checkpoint) error {
	return m.around(func() error { return m.Store.Checkpoint(ctx, id, at) })
}

type mortalJobs struct {
	job.Store
	*steps
}

func (m *mortalJobs) Finish(ctx context.Context, c job.Claim, o job.Outcome, now time.Time) (j job.Job, err error) {
	err = m.around(func() error { j, err = m.Store.Finish(ctx, c, o, now); return err })
	return j, err
}

type mortalCatalog struct {
	imagerepo.Catalog
	*steps
}

func (m *mortalCatalog) Publish(ctx context.Context, pub imagerepo.Publication, place func(imagerepo.Image, []string) error) error {
	return m.around(func() error { return m.Catalog.Publish(ctx, pub, place) })
}

func (m *mortalCatalog) DeletePackage(ctx context.Context, id string, keepImages bool) (pkg imagerepo.Package, gone []imagerepo.Image, err error) {
	err = m.around(func() error { pkg, gone, err = m.Catalog.DeletePackage(ctx, id, keepImages); return err })
	return pkg, gone, err
}

// told is what a process has told before it ended.
type told struct {
	accepted map[string][2]string // name and digest by ID
	deleting string
	steps    int // 0 if it was killed
}

// run starts a process that works on a home. It is killed at a step, or, if that
// is negative, after a time.
func run(t *testing.T, home string, at int, after time.Duration) told {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childHome+"="+home, childStep+"="+strconv.Itoa(at), quickExit)
	var stderr strings.Builder
	child.Stderr = &stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		defer time.AfterFunc(after, func() { _ = child.Process.Kill() }).Stop()
	}
	said := told{accepted: map[string][2]string{}}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		switch word := strings.Fields(lines.Text()); word[0] {
		case "accepted":
			said.accepted[word[1]] = [2]string{word[2], word[3]}
		case "deleting":
			said.deleting = word[1]
		case "steps":
			said.steps, _ = strconv.Atoi(word[1])
		}
	}
	err = child.Wait()
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return said
	}
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("step %d: %v: %s", at, err, stderr.String())
	}
	return said
}

// checkAfter starts a server on the home of a process that was killed, and checks
// that it makes good what that one had promised.
func checkAfter(t *testing.T, home string, said told) {
	t.Helper()
	s := startServer(t, home, options{Config: vnfpkg.Config{Keep: true, Followers: 1}, job: job.Options{Poll: quick.Poll}})
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	jobs, err := s.queue.List(t.Context(), job.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if _, err := s.queue.Wait(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		}
	}
	for id, state := range s.states(t) {
		if state == vnfpkg.Uploading { // only what can go on still is
			s.resume(t, id)
			said.accepted[id] = [2]string{"resumed", digest(archive(onboardingtest.TarGzip, "resumed", 1))}
		}
	}
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	zips := 0
	for id, is := range said.accepted {
		r, err := s.Get(t.Context(), project, id)
		switch {
		case is[0] == "zip" && errors.Is(err, imagerepo.ErrNotFound):
			zips++ // it was deleted, or gave way to the one that was there
		case err != nil:
			t.Errorf("accepted %s: %v", is[0], err)
		case is[0] == "refused":
			wantState(t, r, vnfpkg.Error)
		default:
			wantState(t, r, vnfpkg.Onboarded)
			if r.SHA256 != is[1] {
				t.Errorf("accepted %s: archive is %s, not %s", is[0], r.SHA256, is[1])
			}
		}
	}
	if zips > 0 && said.deleting == "" && s.states(t)["zip"] != vnfpkg.Onboarded {
		t.Error("the accepted package is lost")
	}
	var kept []string
	names := map[string]bool{}
	for r, err := range s.List(t.Context(), vnfpkg.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.State == vnfpkg.Onboarded {
			kept = append(kept, r.ID)
			if names[r.Package.Name] {
				t.Errorf("package %s is there twice", r.Package.Name)
			}
			names[r.Package.Name] = true
			content, err := s.Content(t.Context(), project, r.ID)
			if err != nil {
				t.Error(err)
				continue
			}
			data, err := io.ReadAll(content)
			if err != nil || digest(data) != r.SHA256 {
				t.Errorf("kept archive of %s is damaged: %v", r.Package.Name, err)
			}
			if err := content.Close(); err != nil {
				t.Error(err)
			}
		}
		if r.State == vnfpkg.Uploading || r.State == vnfpkg.Processing {
			t.Errorf("package %s is still %s", r.ID, r.State)
		}
	}
	s.wantArchives(t, kept...)
	s.wantTidy(t)
	s.stop(t)
}

// resume completes the resumable upload that a killed process had begun.
func (s *server) resume(t *testing.T, id string) {
	t.Helper()
	data := archive(onboardingtest.TarGzip, "resumed", 1)
	at, err := s.Offset(t.Context(), project, id)
	if err != nil {
		t.Fatal(err)
	}
	if at, err = s.Append(t.Context(), project, id, at, bytes.NewReader(data[at:]), vnfpkg.AppendOptions{}); err != nil || at != int64(len(data)) {
		t.Fatalf("it went on to %d of %d: %v", at, len(data), err)
	}
	receipt, err := s.Complete(t.Context(), project, id, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.queue.Wait(t.Context(), receipt.Job.ID); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatIsKilledAtAnyStepLosesNothingThatItAccepted(t *testing.T) {
	home := newHome(t)
	said := run(t, home, 0, 0)
	if said.steps < 60 || len(said.accepted) != 5 {
		t.Fatalf("the work has %d steps and %d uploads only", said.steps, len(said.accepted))
	}
	checkAfter(t, home, said)
	// A quarter of the steps, another one each time, as a process takes a while.
	for at := 1 + rand.IntN(4); at <= said.steps; at += 4 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			home := newHome(t)
			said := run(t, home, at, 0)
			if said.steps > 0 {
				t.Skipf("it took only %d steps this time", said.steps)
			}
			checkAfter(t, home, said)
		})
	}
}

func TestAProcessThatIsKilledAtAnyTimeLosesNothingThatItAccepted(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			home := newHome(t)
			checkAfter(t, home, run(t, home, 0, time.Duration(rand.Int64N(int64(time.Second)))))
		})
	}
}
