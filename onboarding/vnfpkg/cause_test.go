package vnfpkg_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
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
