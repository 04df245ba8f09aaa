package vnfpkg_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// published returns a resource whose package was published by a process that died
// before it could say so.
func (s *server) published(t *testing.T) vnfpkg.Receipt {
	t.Helper()
	receipt := s.receive(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "web", 1))
	id := receipt.Resource.ID
	report, err := s.Pipeline.Onboard(t.Context(), onboarding.FileSource(filepath.Join(s.Folder, id)), onboarding.Options{Project: project, PackageID: id})
	if err != nil || report.Status != onboarding.Onboarded {
		t.Fatal(report, err)
	}
	return receipt
}

func (s *server) inCatalogue(t *testing.T, id string) bool {
	t.Helper()
	_, err := s.Pipeline.Repository.Catalog().Package(t.Context(), id)
	if err != nil && !errors.Is(err, imagerepo.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAPackageThatWasPublishedByAJobThatWasCancelledThenGoes(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*server, vnfpkg.Receipt) error
	}{
		{"it is looked at", func(s *server, r vnfpkg.Receipt) error {
			_, err := s.queue.Cancel(t.Context(), r.Job.ID)
			return err
		}},
		{"it is deleted", func(s *server, r vnfpkg.Receipt) error {
			_, _, err := s.Delete(t.Context(), project, r.Resource.ID, vnfpkg.DeleteOptions{})
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, options{idle: true})
			receipt := s.published(t)
			if err := test.end(s, receipt); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Get(t.Context(), project, receipt.Resource.ID); err == nil {
				wantState(t, r, vnfpkg.Error)
			}
			if s.inCatalogue(t, receipt.Resource.ID) {
				t.Error("the package is in the catalogue")
			}
			s.wantTidy(t)
		})
	}
}

func TestAPackageThatWasPublishedByAJobThatWasGivenUpIsOnboarded(t *testing.T) {
	s := newServer(t, options{idle: true})
	receipt := s.published(t)
	claims, err := s.ledger.Jobs().Claim(t.Context(), map[job.Kind]int{vnfpkg.KindOnboard: 1}, nil, time.Now(), time.Now().Add(time.Minute))
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	if _, err := s.ledger.Jobs().Finish(t.Context(), claims[0], job.Outcome{State: job.Failed, Error: "the database is away"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := s.get(t, receipt.Resource.ID)
	wantState(t, r, vnfpkg.Onboarded)
	if !s.inCatalogue(t, r.ID) || r.Operational != vnfpkg.Enabled {
		t.Errorf("package is %+v", r)
	}
	s.wantArchives(t)
}
