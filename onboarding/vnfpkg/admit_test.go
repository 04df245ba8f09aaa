package vnfpkg_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestImagesThatComeAtTheSameTimeTakeNoMoreThanTheProjectHas(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Limits: vnfpkg.Limits{ProjectBytes: 100}}})
	admit := func(size int64) *vnfpkg.Admission {
		t.Helper()
		a, err := s.Admit(t.Context(), project, size)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	refused := func(err error) {
		t.Helper()
		if quota, ok := errors.AsType[*vnfpkg.QuotaError](err); !ok || quota.Quota != vnfpkg.QuotaBytes {
			t.Errorf("error is %v", err)
		}
	}
	known, unknown := admit(60), admit(-1)
	if err := known.Spend(60); err != nil {
		t.Error(err)
	}
	if err := unknown.Spend(40); err != nil {
		t.Error(err)
	}
	refused(unknown.Spend(41))
	for range 2 { // as one that begins again
		if err := unknown.Spend(40); err != nil {
			t.Error(err)
		}
	}
	_, err := s.Admit(t.Context(), project, 1)
	refused(err)
	if _, err := s.Reserve(t.Context(), "other", 100); err != nil {
		t.Error(err)
	}
	known.Close()
	known.Close()
	admit(60).Close()
	unknown.Close()
	admit(100).Close()
}

// limited is a configuration for a project that may take so many bytes.
func limited(bytes int64, keep bool) options {
	return options{Config: vnfpkg.Config{Keep: keep, Limits: vnfpkg.Limits{ProjectBytes: bytes}}}
}

// imagesOf returns how many images a server has.
func imagesOf(t *testing.T, s *server) (n int) {
	t.Helper()
	for _, err := range s.Pipeline.Repository.Catalog().Images(t.Context(), imagerepo.ImageFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestTheImagesOfAPackageCountForItsProject(t *testing.T) {
	image := onboardingtest.QCOW2(384<<10, 1<<30, 1).Size()
	for _, container := range []onboardingtest.Container{onboardingtest.Zip, onboardingtest.Tar} {
		data := archive(container, "web", 1)
		n := int64(len(data))
		for name, test := range map[string]struct {
			options
			want vnfpkg.State
		}{
			"as much as there is, with the archive":    {limited(n+image, true), vnfpkg.Onboarded},
			"a byte more, with the archive":            {limited(n+image-1, true), vnfpkg.Error},
			"as much as there is, without the archive": {limited(n, false), vnfpkg.Onboarded},
		} {
			t.Run(string(container)+" "+name, func(t *testing.T) {
				t.Parallel()
				test.Followers = 1
				s := newServer(t, test.options)
				j, r := s.finish(t, s.receive(t, vnfpkg.NewResource{}, data))
				wantState(t, r, test.want)
				if test.want == vnfpkg.Onboarded {
					return
				}
				if want := "delete packages or images"; !strings.Contains(r.Failure.Detail, want) {
					t.Errorf("failure is %q, without %q", r.Failure.Detail, want)
				}
				if o := outcome(t, j); o.Report.Cause != onboarding.CauseLimit {
					t.Errorf("cause is %q", o.Report.Cause)
				}
				if got := imagesOf(t, s); got != 0 || s.inCatalogue(t, r.ID) {
					t.Errorf("%d images are left", got)
				}
				s.wantArchives(t)
				s.wantTidy(t)
			})
		}
	}
}

func TestImagesThatAProjectHasAlreadyTakeNothingOfIt(t *testing.T) {
	data := archive(onboardingtest.Zip, "web", 1)
	s := newServer(t, limited(int64(len(data)), false))
	s.onboard(t, vnfpkg.NewResource{}, data)
	report, err := s.Pipeline.Onboard(t.Context(), onboarding.StreamSource("again", bytes.NewReader(archive(onboardingtest.Zip, "web-again", 1))),
		onboarding.Options{Project: project})
	if err != nil || report.Status != onboarding.Onboarded {
		t.Errorf("another package with the same image: %v, %v", report.Status, err)
	}
	_, err = s.Pipeline.Onboard(t.Context(), onboarding.StreamSource("other", bytes.NewReader(archive(onboardingtest.Zip, "other", 2))),
		onboarding.Options{Project: project})
	if _, full := errors.AsType[*vnfpkg.QuotaError](err); !full {
		t.Errorf("another image: %v", err)
	}
}

// meeting is a catalogue whose first publications begin together.
type meeting struct {
	imagerepo.Catalog
	all *sync.WaitGroup
}

func (m meeting) Publish(ctx context.Context, pub imagerepo.Publication, place func(imagerepo.Image, []string) error) error {
	m.all.Done()
	m.all.Wait()
	return m.Catalog.Publish(ctx, pub, place)
}

func TestOfTwoPackagesAtOnceOnlyThoseAreOnboardedForWhichThereIsRoom(t *testing.T) {
	one, two := archive(onboardingtest.Zip, "one", 1), archive(onboardingtest.Zip, "two", 2)
	image := onboardingtest.QCOW2(384<<10, 1<<30, 1).Size()
	o := limited(int64(len(one)+len(two))+image+image/2, true)
	var all sync.WaitGroup
	all.Add(2)
	o.store, o.jobs = func(s vnfpkg.Store) vnfpkg.Store { return s }, func(s job.Store) job.Store { return s }
	o.catalog = func(c imagerepo.Catalog) imagerepo.Catalog { return meeting{c, &all} }
	s := newServer(t, o)
	states := map[vnfpkg.State]int{}
	for _, receipt := range []vnfpkg.Receipt{s.receive(t, vnfpkg.NewResource{}, one), s.receive(t, vnfpkg.NewResource{}, two)} {
		_, r := s.finish(t, receipt)
		states[r.State]++
	}
	if d := cmp.Diff(map[vnfpkg.State]int{vnfpkg.Onboarded: 1, vnfpkg.Error: 1}, states); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	if got := imagesOf(t, s); got != 1 {
		t.Errorf("%d images are there", got)
	}
	s.wantTidy(t)
}

func TestAnArchiveTakesNoRoomThatAnImageOnItsWayHas(t *testing.T) {
	data := archive(onboardingtest.Zip, "web", 1)
	s := newServer(t, limited(int64(len(data))+10, true))
	coming, err := s.Admit(t.Context(), project, 11)
	if err != nil {
		t.Fatal(err)
	}
	r := s.create(t, vnfpkg.NewResource{})
	for _, size := range []int64{0, int64(len(data))} {
		_, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{Size: size})
		if quota, full := errors.AsType[*vnfpkg.QuotaError](err); !full || quota.Limit != int64(len(data))+10 {
			t.Errorf("of size %d: %v", size, err)
		}
	}
	coming.Close()
	if _, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{}); err != nil {
		t.Error(err)
	}
}
