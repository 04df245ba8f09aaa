package vnfpkg_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestNothingIsLeftOfAResourceThatCouldNotBeFilled(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Limits: vnfpkg.Limits{ProjectUploads: 1, PackageSize: 10}}})
	receive := func(size int64, body io.Reader) func(string) (vnfpkg.Receipt, error) {
		return func(id string) (vnfpkg.Receipt, error) {
			return s.Receive(t.Context(), project, id, body, vnfpkg.ReceiveOptions{Size: size})
		}
	}
	for name, fill := range map[string]func(id string) (vnfpkg.Receipt, error){
		"the body breaks off":        receive(5, bytes.NewReader(nil)),
		"the size is over the limit": receive(11, bytes.NewReader(make([]byte, 11))),
		"another upload is under way": func(id string) (receipt vnfpkg.Receipt, err error) {
			_, _ = s.Fill(t.Context(), vnfpkg.NewResource{Project: project}, func(first string) (vnfpkg.Receipt, error) {
				return s.Receive(t.Context(), project, first, readerFunc(func([]byte) (int, error) {
					receipt, err = receive(1, bytes.NewReader([]byte("x")))(id)
					return 0, io.ErrClosedPipe
				}), vnfpkg.ReceiveOptions{})
			})
			return receipt, err
		},
		"the URL is none": func(id string) (vnfpkg.Receipt, error) {
			return s.UploadFrom(t.Context(), project, id, vnfpkg.From{URL: "file:///x"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Fill(t.Context(), vnfpkg.NewResource{Project: project}, fill); err == nil {
				t.Error("no error")
			}
			for r, err := range s.List(t.Context(), vnfpkg.Filter{}) {
				t.Errorf("left: %+v, error %v", r, err)
			}
			s.wantArchives(t)
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestTheOutcomeOfAJob(t *testing.T) {
	s := newServer(t, options{})
	fill := func(n vnfpkg.NewResource, data []byte) (string, vnfpkg.Outcome, error) {
		n.Project = project
		receipt, err := s.Fill(t.Context(), n, func(id string) (vnfpkg.Receipt, error) {
			return s.Receive(t.Context(), project, id, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
		})
		if err != nil {
			t.Fatal(err)
		}
		ended, err := s.queue.Wait(t.Context(), receipt.Job.ID)
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := vnfpkg.OutcomeOf(ended)
		return receipt.Resource.ID, outcome, err
	}
	data := archive(onboardingtest.Tar, "firewall", 1)
	first, outcome, err := fill(vnfpkg.NewResource{}, data)
	if err != nil || outcome.Package != first || outcome.Existing || outcome.Report.Status != onboarding.Onboarded {
		t.Errorf("a new package: %+v, error %v", outcome, err)
	}
	_, outcome, err = fill(vnfpkg.NewResource{}, data)
	if err != nil || outcome.Package != first || !outcome.Existing {
		t.Errorf("the same package: %+v, error %v", outcome, err)
	}
	_, outcome, err = fill(vnfpkg.NewResource{Unique: true}, data)
	no, is := errors.AsType[*vnfpkg.NoPackageError](err)
	if !is || no.Error() == "" || len(no.Failure.Findings) != 1 || cmp.Diff(no.Failure.Findings, outcome.Report.Findings) != "" {
		t.Errorf("a package that had to be the only one: %+v, error %v", outcome, err)
	}

	_, err = vnfpkg.OutcomeOf(job.Job{State: job.Cancelled, Error: "context cancelled"})
	if fmt.Sprint(err) != "the onboarding was cancelled" {
		t.Errorf("a job that was cancelled: %v", err)
	}
}
