package vnfpkg_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestWhatKindOfReasonEndsAJob(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want onboarding.Cause
	}{
		"nothing":                     {nil, ""},
		"an origin that has no such":  {&fetch.StatusError{Code: 404}, ""},
		"an origin that is away":      {syscall.ECONNREFUSED, ""},
		"a disk that is full":         {&fs.PathError{Op: "write", Path: "/var/lib/x", Err: syscall.ENOSPC}, onboarding.CauseSpace},
		"a quota of the file system":  {errors.Join(errors.New("x"), syscall.EDQUOT), onboarding.CauseSpace},
		"no room that was told":       {vnfpkg.ErrNoSpace, onboarding.CauseSpace},
		"a file that cannot be read":  {&fs.PathError{Op: "read", Path: "/var/lib/x", Err: syscall.EIO}, onboarding.CauseInternal},
		"bytes that are lost":         {vnfpkg.ErrDamaged, onboarding.CauseInternal},
		"a package that is too large": {&vnfpkg.TooLargeError{Limit: 1}, onboarding.CauseLimit},
		"a project that is full":      {&vnfpkg.QuotaError{Quota: vnfpkg.QuotaBytes}, onboarding.CauseLimit},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.err
			if err != nil {
				err = fmt.Errorf("onboard x: %w", err)
			}
			if got := vnfpkg.CauseOf(err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// broken is a catalogue whose file cannot be written.
type broken struct{ imagerepo.Catalog }

func (broken) Publish(context.Context, imagerepo.Publication, func(imagerepo.Image, []string) error) error {
	return fmt.Errorf("%w: %w", vnfpkg.ErrDamaged, &fs.PathError{Op: "write", Path: "/var/lib/x", Err: syscall.EIO}) // for good
}

func TestWhereTheServersFilesAreIsForItsLogOnly(t *testing.T) {
	var log bytes.Buffer
	o := options{Config: vnfpkg.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	o.store, o.jobs = func(s vnfpkg.Store) vnfpkg.Store { return s }, func(s job.Store) job.Store { return s }
	o.catalog = func(c imagerepo.Catalog) imagerepo.Catalog { return broken{c} }
	s := newServer(t, o)
	j, r := s.finish(t, s.receive(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "web", 1)))
	wantState(t, r, vnfpkg.Error)
	report := outcome(t, j).Report
	if report.Cause != onboarding.CauseInternal {
		t.Errorf("cause is %q", report.Cause)
	}
	for _, told := range []string{j.Error, report.Error, r.Failure.Detail} {
		if !strings.Contains(told, "under the job's ID, "+j.ID) || strings.Contains(told, "/var/lib") {
			t.Errorf("it is told %q", told)
		}
	}
	s.stop(t)
	if !strings.Contains(log.String(), "/var/lib/x") || !strings.Contains(log.String(), j.ID) {
		t.Errorf("the log has %q", log.String())
	}
}
