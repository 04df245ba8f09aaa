package onboarding_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// named yields sources of those names.
func named(names ...string) iter.Seq2[onboarding.Source, error] {
	return func(yield func(onboarding.Source, error) bool) {
		for _, name := range names {
			if !yield(onboarding.Source{Name: name}, nil) {
				return
			}
		}
	}
}

func TestABatchStopsAtTheFirstThatIsNotAccepted(t *testing.T) {
	for _, keepGoing := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep going: %t", keepGoing), func(t *testing.T) {
			var done []string
			err := onboarding.Batch(t.Context(), named("good", "bad", "failing", "late"), onboarding.BatchOptions{KeepGoing: keepGoing},
				func(_ context.Context, src onboarding.Source) (onboarding.Report, error) {
					switch src.Name {
					case "bad":
						return onboarding.Report{Source: src.Name, Status: onboarding.Rejected}, nil
					case "failing":
						return onboarding.Report{Source: src.Name, Status: onboarding.Failed}, errors.New("no disk")
					}
					return onboarding.Report{Source: src.Name, Status: onboarding.Onboarded}, nil
				}, func(report onboarding.Report) { done = append(done, report.Source) })
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"good", "bad"}
			if keepGoing {
				want = []string{"good", "bad", "failing", "late"}
			}
			if diff := cmp.Diff(want, done); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		})
	}
}

// A batch with fewer jobs than these packages wait for would deadlock, which
// synctest reports.
func TestABatchRunsAsManyAtOnceAsItHasJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jobs = 3
		var arrived [jobs]chan struct{}
		for i := range arrived {
			arrived[i] = make(chan struct{})
		}
		reports := 0
		err := onboarding.Batch(t.Context(), named("0", "1", "2", "3", "4"), onboarding.BatchOptions{Jobs: jobs},
			func(_ context.Context, src onboarding.Source) (onboarding.Report, error) {
				// The first three wait for each other.
				if i := int(src.Name[0] - '0'); i < jobs {
					close(arrived[i])
					for _, other := range arrived {
						<-other
					}
				}
				return onboarding.Report{Source: src.Name, Status: onboarding.Onboarded}, nil
			}, func(onboarding.Report) { reports++ })
		if err != nil || reports != 5 {
			t.Errorf("%d reports, error %v", reports, err)
		}
	})
}

func TestABatchEndsWithItsContextAndItsSources(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun := 0
	one := func(ctx context.Context, _ onboarding.Source) (onboarding.Report, error) {
		begun++
		cancel()
		return onboarding.Report{Status: onboarding.Failed}, ctx.Err()
	}
	ignore := func(onboarding.Report) {}
	if err := onboarding.Batch(ctx, named("1", "2"), onboarding.BatchOptions{KeepGoing: true}, one, ignore); !errors.Is(err, context.Canceled) || begun != 1 {
		t.Errorf("%d were begun, error %v", begun, err)
	}
	broken := errors.New("broken")
	err := onboarding.Batch(t.Context(), func(yield func(onboarding.Source, error) bool) { yield(onboarding.Source{}, broken) },
		onboarding.BatchOptions{}, one, ignore)
	if !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

func TestABatchOnboardsTheSameImageOfManyPackagesOnce(t *testing.T) {
	h := newHarness(t)
	folder := t.TempDir()
	for i := range 8 {
		path := filepath.Join(folder, fmt.Sprintf("package-%d", i))
		if err := onboardingtest.WriteFile(path, onboardingtest.Zip, packageOf(fmt.Sprintf("package-%d", i), onboardingtest.Embed("shared", diskImage(1)))); err != nil {
			t.Fatal(err)
		}
	}
	got := map[onboarding.Status]int{}
	err := onboarding.Batch(t.Context(), onboarding.FolderSources(folder), onboarding.BatchOptions{Jobs: 4},
		func(ctx context.Context, src onboarding.Source) (onboarding.Report, error) {
			return h.Onboard(ctx, src, onboarding.Options{})
		}, func(report onboarding.Report) { got[report.Status]++ })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[onboarding.Status]int{onboarding.Onboarded: 8}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if s := h.state(t); s.Files != 1 || len(s.Packages) != 8 || len(s.Litter) > 0 {
		t.Errorf("state is %+v", s)
	}
}

func TestAFolderYieldsThePackagesInIt(t *testing.T) {
	folder := t.TempDir()
	write := func(path string, data []byte) {
		t.Helper()
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	members := packageOf("firewall")
	write("b/router.csar", onboardingtest.Bytes(onboardingtest.Zip, members))
	write("a-package-without-an-extension", onboardingtest.Bytes(onboardingtest.TarXz, members))
	write("c.tar", onboardingtest.Bytes(onboardingtest.Tar, members))
	write("README.md", []byte("no package"))
	write("empty", nil)
	write(".git/pack.zip", onboardingtest.Bytes(onboardingtest.Zip, members))
	write(".hidden.tar", onboardingtest.Bytes(onboardingtest.Tar, members))
	if err := os.Symlink(filepath.Join(folder, "c.tar"), filepath.Join(folder, "link.tar")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for src, err := range onboarding.FolderSources(folder) {
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(folder, src.Name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, name)
	}
	if diff := cmp.Diff([]string{"a-package-without-an-extension", "b/router.csar", "c.tar"}, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	for range onboarding.FolderSources(folder) {
		break // is no error
	}
	for _, err := range onboarding.FolderSources(filepath.Join(folder, "nowhere")) {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestASourceThatCannotBeOpenedFails(t *testing.T) {
	h := newHarness(t)
	for name, path := range map[string]string{"a file that is not there": "/nowhere/package.tar", "a folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			report, err := h.Onboard(t.Context(), onboarding.FileSource(path), onboarding.Options{})
			if err == nil || report.Status != onboarding.Failed || report.Source != path {
				t.Errorf("report is %+v, error %v", report, err)
			}
		})
	}
}
