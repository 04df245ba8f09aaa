package operation_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestAnImageJobThatFailsSaysWhyInItsReport(t *testing.T) {
	for name, test := range map[string]struct {
		before func(t *testing.T, s *resttest.Server) // the job begins
		want   onboarding.Cause
		text   string
	}{
		"its project was filled while it waited": {func(t *testing.T, s *resttest.Server) {
			held, err := s.Packages.Reserve(t.Context(), "red", 1<<20)
			resttest.NoError(t, err)
			t.Cleanup(held.Close)
		}, onboarding.CauseLimit, "1048576 bytes"},
		"the server's files are not there": {func(t *testing.T, s *resttest.Server) {
			resttest.NoError(t, os.RemoveAll(filepath.Join(s.Home, "images")))
		}, onboarding.CauseInternal, "under the job's ID"},
	} {
		t.Run(name, func(t *testing.T) {
			origin := origintest.New()
			defer origin.Close()
			s := resttest.New(t, resttest.Config{Packages: vnfpkg.Config{Limits: vnfpkg.Limits{ProjectBytes: 1 << 20}}})
			once := s.Kinds[operation.KindImage]
			once.Attempts = 1
			s.Kinds[operation.KindImage] = once
			j, err := s.Operations.AddImage(t.Context(), operation.Asked{Project: "red"},
				operation.Image{Name: "image", URL: origin.Serve("/image.raw", origintest.Plain(make([]byte, 1000)))})
			resttest.NoError(t, err)
			test.before(t, s)
			resttest.NoError(t, s.Serve(rest.Options{}))
			j, err = s.Queue.Wait(t.Context(), j.ID)
			resttest.NoError(t, err)
			report := operation.ReportOf(j)
			if j.State != job.Failed || report.Status != onboarding.Failed || report.Cause != test.want || report.Findings == nil || report.Images == nil {
				t.Errorf("job is %s, its report %+v", j.State, report)
			}
			for _, told := range []string{j.Error, report.Error} {
				if !strings.Contains(told, test.text) || strings.Contains(told, s.Home) {
					t.Errorf("it is told %q", told)
				}
			}
		})
	}
}
