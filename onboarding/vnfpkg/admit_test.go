package vnfpkg_test

import (
	"errors"
	"testing"

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
	refused(unknown.Spend(1))
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
