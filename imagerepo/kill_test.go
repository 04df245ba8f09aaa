package imagerepo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

// The environment of a process that the tests start: the folder of its
// repository, and at which step it kills itself, if at any.
const (
	childFolder = "IMAGEREPO_TEST_FOLDER"
	childStep   = "IMAGEREPO_TEST_STEP"
	// quickExit keeps the race detector from waiting a second at the end of
	// each process.
	quickExit = "GORACE=atexit_sleep_ms=0"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		at, _ := strconv.ParseInt(os.Getenv(childStep), 10, 64)
		steps := &steps{at: at}
		if err := work(context.Background(), folder, steps); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(steps.taken.Load())
		os.Exit(0)
	}
	os.Exit(withTemplate(m.Run))
}

// template is the folder of an empty repository, which is quicker to copy than
// to make.
var template string

func withTemplate(run func() int) int {
	folder, err := os.MkdirTemp("", "imagerepo")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	names, err := catalog.Open(context.Background(), filepath.Join(folder, "catalog.db"))
	if err != nil {
		panic(err)
	}
	if err := names.Close(); err != nil {
		panic(err)
	}
	template = folder
	return run()
}

// newFolder returns a temporary folder with an empty repository.
func newFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	return folder
}

// work onboards two packages that share an image, pins a referenced one and
// deletes the first package. What is done already is left as it is, so that it
// can be run again.
func work(ctx context.Context, folder string, steps *steps) (err error) {
	names, err := catalog.Open(ctx, filepath.Join(folder, "catalog.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, names.Close()) }()
	store, err := fsstore.Open(filepath.Join(folder, "images"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	repo := imagerepo.New(names, &mortalBlobs{store, steps}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := repo.Recover(ctx); err != nil {
		return err
	}
	if _, err := repo.Find(ctx, "p", "done"); err == nil {
		return nil
	}
	if err := onboard(ctx, repo, "first", "shared", "own"); err != nil {
		return err
	}
	if err := onboard(ctx, repo, "second", "shared", "twin of shared", "referenced"); err != nil {
		return err
	}
	for pkg, err := range names.Packages(ctx, imagerepo.PackageFilter{Name: "first"}) {
		if err != nil {
			return err
		}
		if _, _, err := repo.DeletePackage(ctx, pkg.ID, false); err != nil {
			return err
		}
	}
	return onboard(ctx, repo, "third", "done")
}

// bytesOf are the bytes of an image of that name.
func bytesOf(name string) []byte {
	if strings.HasSuffix(name, "shared") {
		return data(1, 2*chunk)
	}
	return data(byte(len(name)), chunk)
}

func onboard(ctx context.Context, repo *imagerepo.Repository, pkg string, names ...string) (err error) {
	intake := repo.Intake("p")
	defer func() { err = errors.Join(err, intake.Close(ctx)) }()
	pub := imagerepo.Publication{Package: repotest.Package("p", pkg)}
	for _, name := range names {
		p := bytesOf(name)
		staged, err := intake.Stage(ctx, bytes.NewReader(p), imagerepo.StageOptions{SizeHint: int64(len(p))})
		if err != nil {
			return err
		}
		existing, err := repo.Find(ctx, "p", name)
		switch {
		case err == nil && existing.Stored():
			if err := intake.Heal(ctx, staged); err != nil {
				return err
			}
			pub.Uses = append(pub.Uses, existing.ID)
		case err == nil:
			pub.Uses = append(pub.Uses, existing.ID)
		case name == "referenced":
			pub.Images = append(pub.Images, repotest.Image("p", name, ""))
		default:
			pub.Images = append(pub.Images, image("p", name, staged))
		}
	}
	var exists *imagerepo.PackageExistsError
	if err := intake.Publish(ctx, pub); err != nil && !errors.As(err, &exists) {
		return err
	}
	for _, name := range names {
		if name != "referenced" {
			continue
		}
		img, err := repo.Find(ctx, "p", name)
		if err != nil {
			return err
		}
		p := bytesOf(name)
		staged, err := intake.Stage(ctx, bytes.NewReader(p), imagerepo.StageOptions{})
		if err != nil {
			return err
		}
		if err := intake.Pin(ctx, img, staged, imagerepo.Source{URL: "http://a/b"}); err != nil {
			return err
		}
	}
	return nil
}

// steps counts what a process does to its files, and kills it at one of them.
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

// around counts one step before and one after. What comes before other calls is
// what came after the ones before, unless the catalogue changed in between.
func (s *steps) around(do func() error) error {
	s.step()
	defer s.step()
	return do()
}

type mortalBlobs struct {
	imagerepo.Blobs
	*steps
}

func (m *mortalBlobs) Begin(ctx context.Context) (session imagerepo.Session, err error) {
	m.step()
	session, err = m.Blobs.Begin(ctx)
	return &mortalSession{session, m.steps}, err
}

type mortalSession struct {
	imagerepo.Session
	*steps
}

func (m *mortalSession) Create(ctx context.Context, id string, sizeHint int64) (w imagerepo.BlobWriter, err error) {
	m.step()
	w, err = m.Session.Create(ctx, id, sizeHint)
	return &mortalWriter{w, m.steps}, err
}

func (m *mortalSession) Hold(ctx context.Context, id, visible string) error {
	m.step()
	return m.Session.Hold(ctx, id, visible)
}

func (m *mortalSession) Place(ctx context.Context, staged, id string) error {
	return m.around(func() error { return m.Session.Place(ctx, staged, id) })
}

func (m *mortalSession) Replace(ctx context.Context, staged string, ids ...string) error {
	return m.around(func() error { return m.Session.Replace(ctx, staged, ids...) })
}

func (m *mortalSession) Note(ctx context.Context, ids ...string) error {
	m.step()
	return m.Session.Note(ctx, ids...)
}

func (m *mortalSession) Settle(ctx context.Context, ifUnclaimed imagerepo.IfUnclaimed) error {
	return m.around(func() error {
		return m.Session.Settle(ctx, func(ctx context.Context, id string, remove func() error) error {
			return ifUnclaimed(ctx, id, func() error { return m.around(remove) })
		})
	})
}

type mortalWriter struct {
	imagerepo.BlobWriter
	*steps
}

func (m *mortalWriter) Commit() error {
	m.step()
	return m.BlobWriter.Commit()
}

// run starts a process that works on the repository of a folder. It returns
// how many steps it took, or 0 when it was killed.
func run(t *testing.T, folder string, at int) int {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childFolder+"="+folder, childStep+"="+strconv.Itoa(at), quickExit)
	var stderr strings.Builder
	child.Stderr = &stderr
	output, err := child.Output()
	if child.ProcessState != nil {
		if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && at > 0 {
			return 0
		}
	}
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("step %d: %v: %s", at, err, stderr.String())
	}
	taken, err := strconv.Atoi(string(output))
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// finished checks that all is as work leaves it.
func (r *repository) finished(t *testing.T) {
	t.Helper()
	var names []string
	for img, err := range r.catalog.Images(t.Context(), imagerepo.ImageFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, img.Name)
		r.has(t, img, bytesOf(img.Name))
	}
	if d := cmp.Diff([]string{"done", "referenced", "shared", "twin of shared"}, names); d != "" {
		t.Errorf("images (-want +got):\n%s", d)
	}
	r.healthy(t)
	r.tidy(t, len(names))
}

func TestAProcessThatIsKilledAtAnyStepLeavesNothingHalfDone(t *testing.T) {
	folder := newFolder(t)
	total := run(t, folder, 0)
	openRepository(t, folder).finished(t)
	if total < 30 {
		t.Fatalf("the work has %d steps only", total)
	}
	for at := 1; at <= total; at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			folder := newFolder(t)
			if taken := run(t, folder, at); taken > 0 {
				t.Fatalf("it lived, and took %d steps", taken)
			}
			after := openRepository(t, folder)
			if err := after.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			after.healthy(t)
			for pkg, err := range after.catalog.Packages(t.Context(), imagerepo.PackageFilter{}) {
				if want := map[string]int{"first": 2, "second": 3, "third": 1}[pkg.Name]; err != nil || len(pkg.Images) != want {
					t.Errorf("package %s has %d images, want %d: %v", pkg.Name, len(pkg.Images), want, err)
				}
			}
			if at%8 > 0 {
				return // one in eight is enough to see that the work goes on
			}
			if err := work(t.Context(), folder, &steps{}); err != nil {
				t.Fatal(err)
			}
			after.finished(t)
		})
	}
}

func TestProcessesThatWorkAtOnceDoEverythingOnce(t *testing.T) {
	folder := newFolder(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childFolder+"="+folder, quickExit)
			// A name may be taken by another process between looking and publishing.
			if output, err := child.CombinedOutput(); err != nil && !strings.Contains(string(output), "is taken") && !strings.Contains(string(output), "not found") {
				t.Errorf("%v: %s", err, output)
			}
		})
	}
	group.Wait()
	if err := work(t.Context(), folder, &steps{}); err != nil {
		t.Fatal(err)
	}
	openRepository(t, folder).finished(t)
}
