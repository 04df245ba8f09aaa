package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

func TestWhatErrorsMean(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		detail string // part of it
	}{
		"a problem of a handler":           {fmt.Errorf("upload: %w", Errorf(418, "a teapot")), 418, "a teapot"},
		"an image that is not there":       {fmt.Errorf("image x: %w", imagerepo.ErrNotFound), 404, "image x"},
		"a name that is taken":             {&imagerepo.NameTakenError{Existing: imagerepo.Image{Name: "cirros"}}, 409, "cirros"},
		"a package that is there":          {&imagerepo.PackageExistsError{}, 409, "package"},
		"an image in use":                  {&imagerepo.InUseError{Image: imagerepo.Image{Packages: make([]imagerepo.PackageRef, 2)}}, 409, "2 package(s)"},
		"a source that is blocked":         {fmt.Errorf("fetch: %w", &fetch.BlockedError{Address: "127.0.0.1", Kind: "loopback"}), 422, "loopback"},
		"a full disk":                      {&os.PathError{Op: "write", Path: "/secret", Err: syscall.ENOSPC}, 507, "disk is full"},
		"a full disk behind a name":        {errors.Join(&imagerepo.NameTakenError{}, syscall.EDQUOT), 507, "disk is full"},
		"a body that is too large":         {&http.MaxBytesError{Limit: 5}, 413, ""},
		"a job that is not there":          {job.ErrNotFound, 404, "job"},
		"a queue that is full":             {fmt.Errorf("package x: %w", &job.FullError{Project: "p", Limit: 3}), 429, "has 3 jobs"},
		"a key that came with other words": {job.ErrKeyReused, 422, "idempotency"},
		"an issuer that is down":           {fmt.Errorf("oidc: %w: dial secret", access.ErrUnavailable), 503, "credentials cannot be checked"},
		"something nobody expected":        {errors.New("pq: secret"), 500, "log"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ProblemOf(test.err)
			if got.Status != test.status || !strings.Contains(got.Error(), test.detail) || strings.Contains(got.Detail, "secret") {
				t.Errorf("problem %+v", got)
			}
		})
	}
}

func TestAnAnswerThatNobodyWaitedForIsNoFaultOfTheServer(t *testing.T) {
	a := newAnswer(httptest.NewRecorder(), time.Minute)
	WriteProblem(a, nil, ProblemOf(context.Canceled))
	a.end(true)
	if a.status != 499 {
		t.Errorf("status %d", a.status)
	}
}

func TestALabelThatIsNoTextIsNoMetric(t *testing.T) {
	m := NewMetrics()
	m.Look("projects", "Projects.", []string{"project"}, func(context.Context) ([]Sample, error) {
		return []Sample{{[]string{"good"}, 1}, {[]string{"\xff"}, 2}}, nil
	})
	families, err := m.registry.Gather()
	if err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("error %v", err)
	}
	for _, family := range families {
		if family.GetName() == "projects" && len(family.GetMetric()) == 1 {
			return
		}
	}
	t.Error("the good one is missing")
}

func TestProblemsHaveTheirOwnMembers(t *testing.T) {
	w := httptest.NewRecorder()
	WriteProblem(w, nil, Problem{Status: 422, More: map[string]any{"findings": []string{"<a>"}}, Header: http.Header{"Retry-After": {"3"}}})
	const want = `{"title":"Unprocessable Entity","status":422,"detail":"Unprocessable Entity","findings":["<a>"]}` + "\n"
	if got := w.Body.String(); got != want || w.Header().Get("Retry-After") != "3" {
		t.Errorf("answer %s with %v", got, w.Header())
	}
}

func TestReadJSON(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		status int
		detail string // that of the problem, or empty for any
	}{
		"one value":                {`{"name": "a", "more": 1}`, 0, ""},
		"nothing":                  {"", 400, "the request has no body"},
		"something else":           {"name=a", 400, ""},
		"two values":               {`{} {}`, 400, ""},
		"a value cut short":        {`{"name": `, 400, ""},
		"a value of another kind":  {`"{}"`, 400, "the request body cannot be a JSON string"},
		"a member of another kind": {`{"name": {"x": 1}}`, 400, "name cannot be a JSON object"},
		"a value of a MiB":         {`{"name": "` + strings.Repeat("a", maxJSON-12) + `"}`, 0, ""},
		"a byte more":              {`{"name": "` + strings.Repeat("a", maxJSON-11) + `"}`, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var value struct {
				Name string `json:"name"`
			}
			err := ReadJSON(httptest.NewRequest("POST", "/", strings.NewReader(test.body)), &value)
			if (err != nil) != (test.status != 0) || err != nil && ProblemOf(err).Status != test.status {
				t.Errorf("error %v", err)
			}
			if err != nil && test.detail != "" && err.Error() != test.detail {
				t.Errorf("got %q, want %q", err, test.detail)
			}
		})
	}
}

func TestServeContent(t *testing.T) {
	f := start(t, route("GET", func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Content-Type", "application/octet-stream")
		ServeContent(w, r, time.Time{}, bytes.NewReader([]byte("0123456789")))
		return nil
	}))
	for name, test := range map[string]struct {
		header string
		status int
		body   string
	}{
		"all of it":                     {"Accept: x/y", 200, "0123456789"},
		"a range":                       {"Range: bytes=2-4", 206, "234"},
		"the end":                       {"Range: bytes=-2", 206, "89"},
		"a range behind the end":        {"Range: bytes=10-", 416, ""},
		"what the client has":           {`If-None-Match: "v1"`, 304, ""},
		"another than the client wants": {`If-Match: "v2"`, 412, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp, text := f.do(t, "GET", "/x", test.header)
			if resp.StatusCode != test.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, test.status)
			}
			if test.status >= 400 {
				problemIn(t, resp, text)
			} else if text != test.body {
				t.Errorf("body %q", text)
			}
			if test.status == 416 && resp.Header.Get("Content-Range") != "bytes */10" {
				t.Errorf("Content-Range %q", resp.Header.Get("Content-Range"))
			}
		})
	}
}
