package client_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

func TestALaunchGivesAVIMWhatItLacks(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", mib))), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	names, err := c.VIMs(t.Context())
	resttest.NoError(t, err)
	if len(names) == 0 {
		t.Fatal("there are no VIMs")
	}
	check, err := c.CheckVIM(t.Context(), names[0], true)
	resttest.NoError(t, err)
	if check.VIM != names[0] || check.Roles[0] != "true" {
		t.Errorf("the check is %+v", check)
	}
	launch := operation.Launch{Package: "fw", VIMs: names[:1]}
	for _, action := range []vim.Action{vim.Uploaded, vim.Present} {
		launched, err := c.Launch(t.Context(), launch, nil)
		resttest.NoError(t, err)
		if got := launched.VIMs[0].VDUs[0].Image; got.Action != action || len(launched.VIMAssets.SoftwareImages) != 1 {
			t.Errorf("the image is %+v, want it %s", got, action)
		}
	}
	launched, err := c.Launch(t.Context(), operation.Launch{VDUs: []operation.VDU{{Name: "vdu", Images: []string{"none"}}}, VIMs: names[:1]}, nil)
	if told, ok := errors.AsType[*client.Error](err); !ok || told.Status != http.StatusUnprocessableEntity || launched.VIMs[0].VDUs[0].Image.Action != vim.Missing {
		t.Errorf("%v: %+v", err, launched)
	}
}

// A launch whose answer is lost is joined and not done twice.
func TestALaunchThatBreaksIsJoined(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", mib))), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	names, err := c.VIMs(t.Context())
	resttest.NoError(t, err)
	c.Close()
	f.way.plan(fault{down: 20})
	_, err = c.Launch(t.Context(), operation.Launch{Package: "fw", VIMs: names[:1]}, nil)
	resttest.NoError(t, err)
	if n := f.count("POST /api/v1/launches"); n != 2 {
		t.Errorf("it was asked for %d times", n)
	}
	jobs, err := c.Jobs(t.Context(), job.Filter{Project: "red", Kind: operation.KindLaunch})
	resttest.NoError(t, err)
	if n := f.cloud.Stats().UploadsFinished; len(jobs) != 1 || n != 1 {
		t.Errorf("there are %d jobs, and %d uploads have ended", len(jobs), n)
	}
}

func TestTheAuditLogIsListed(t *testing.T) {
	f := start(t, nil)
	add(t, f.client(nil), "disk", disk(t, 1))
	root := f.client(func(o *client.Options) { o.Token = "root" })
	events, err := root.Events(t.Context(), access.EventFilter{Project: "red", Since: time.Now().Add(-time.Hour)})
	resttest.NoError(t, err)
	if len(events) != 1 || events[0].Subject != "token red-writer" || events[0].Outcome != access.Done {
		t.Errorf("the audit log is %+v", events)
	}
}

func TestALongLaunchIsWatched(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", mib))), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	names, err := c.VIMs(t.Context())
	resttest.NoError(t, err)
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Prefer") != "" {
			r.Header.Set("Prefer", "wait=0")
		}
		return false
	}
	var most atomic.Int64
	launched, err := c.Launch(t.Context(), operation.Launch{Package: "fw", VIMs: names[:1]}, func(_ string, done, _ int64) { most.Store(done) })
	resttest.NoError(t, err)
	if launched.VIMs[0].VDUs[0].Image.Action != vim.Uploaded || f.count("GET /api/v1/jobs/") == 0 {
		t.Errorf("the report is %+v", launched)
	}
}

func TestTheRepositoryIsExamined(t *testing.T) {
	f := start(t, nil)
	add(t, f.client(nil), "disk", disk(t, 1))
	root := f.client(func(o *client.Options) { o.Token = "root" })
	found, err := root.Doctor(t.Context(), imagerepo.DoctorOptions{Progress: func(imagerepo.DoctorProgress) {}})
	resttest.NoError(t, err)
	if found.Images != 1 || found.Bytes != 384<<10 || !found.Healthy() {
		t.Errorf("the diagnosis is %+v", found)
	}
}

func TestTokensAreMadeListedAndRevoked(t *testing.T) {
	f := start(t, nil)
	admin := f.client(func(o *client.Options) { o.Token = "red-admin" })
	made, err := admin.CreateToken(t.Context(), access.NewToken{Name: "ci", Role: access.Writer, Project: "red", ExpiresAt: time.Now().Add(time.Hour)})
	resttest.NoError(t, err)
	if made.Token == "" || made.Project != "red" || made.Role != access.Writer || made.ExpiresAt == nil {
		t.Errorf("the token is %+v", made)
	}
	if _, err := admin.CreateToken(t.Context(), access.NewToken{Name: "ci", Role: access.Reader, Project: "red"}); !errors.Is(err, access.ErrNameTaken) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := admin.CreateToken(t.Context(), access.NewToken{Role: access.Reader, Project: "blue"}); !errors.Is(err, client.ErrForbidden) && !strings.Contains(err.Error(), "blue") {
		t.Errorf("a token for another project: %v", err)
	}
	root := f.client(func(o *client.Options) { o.Token, o.Project = "root", access.AllProjects })
	_, err = root.CreateToken(t.Context(), access.NewToken{Name: "all", Role: access.Reader, Project: access.AllProjects})
	resttest.NoError(t, err)
	_, err = root.CreateToken(t.Context(), access.NewToken{Name: "elsewhere", Role: access.Reader, Project: "blue"})
	resttest.NoError(t, err)
	for _, test := range []struct {
		name string
		c    *client.Client
		want []string
	}{
		{"those of a project", admin, []string{"ci"}},
		{"all of them", root, []string{"all", "ci", "elsewhere"}},
	} {
		tokens, err := test.c.Tokens(t.Context())
		resttest.NoError(t, err)
		var got []string
		for _, token := range tokens {
			if got = append(got, token.Name); token.Token != "" {
				t.Error("a secret is told")
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
	gone, err := admin.RevokeToken(t.Context(), "ci")
	resttest.NoError(t, err)
	if gone.ID != made.ID {
		t.Errorf("revoked was %+v", gone)
	}
	if _, err := admin.RevokeToken(t.Context(), "ci"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("a token that is gone: %v", err)
	}
}

// A launch is over when the server says so, and is not tried at a VIM again and again.
func TestALaunchThatFailsIsNotRepeated(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	report, err := c.Onboard(t.Context(), onboarding.FileSource(file(t, archive("fw", mib))), onboarding.Options{})
	is(t, report, err, onboarding.Onboarded)
	defer f.cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Times: -1, Status: http.StatusForbidden})()
	launched, err := c.Launch(t.Context(), operation.Launch{Package: "fw", VIMs: []string{"region-one"}}, nil)
	if told, ok := errors.AsType[*client.Error](err); !ok || told.Status != http.StatusBadGateway || len(launched.VIMs) != 1 {
		t.Errorf("%v: %+v", err, launched)
	}
	if n := f.count("POST /api/v1/launches"); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
}
