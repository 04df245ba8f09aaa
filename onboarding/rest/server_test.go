package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

func things() Door {
	told := http.HandlerFunc(telling)
	return Door{Name: "things", Basic: true, Routes: []Route{
		{Method: "GET", Pattern: "/things", Need: access.Reader, Handler: told},
		{Method: "POST", Pattern: "/things", Need: access.Writer, Action: "thing.create", Handler: HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			Target(r.Context(), "new-thing")
			w.WriteHeader(http.StatusCreated)
			return nil
		})},
		{Method: "GET", Pattern: "/things/{id}", Need: access.Reader, Handler: HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, r.PathValue("id"))
			return err
		})},
		{Method: "GET", Pattern: "/file", Need: access.Reader, ByLink: true, Handler: told},
		{Method: "DELETE", Pattern: "/things/{id}", Need: access.Writer, Action: "thing.delete", Handler: told},
		{Method: "GET", Pattern: "/open", Need: Public, Handler: told},
		{Method: "GET", Pattern: "/whoami", Need: Known, Handler: told},
		{Method: "GET", Pattern: "/all", Need: access.Reader, Everywhere: true, Handler: told},
	}}
}

func TestAdmission(t *testing.T) {
	f := start(t, things())
	for name, test := range map[string]struct {
		request string
		header  []string
		status  int
		body    string // of a 200
		answer  string // a header line that the answer has
	}{
		"a public route takes no token":              {"GET /open", nil, 200, " ", ""},
		"a public route looks at no token":           {"GET /open", []string{"Authorization: Bear x"}, 200, " ", ""},
		"without a token":                            {"GET /things", nil, 401, "", `Www-Authenticate: Bearer realm="gangway"`},
		"with another scheme":                        {"GET /things", []string{"Authorization: Bear reader"}, 400, "", `Www-Authenticate: Bearer realm="gangway", error="invalid_request"`},
		"with a scheme alone":                        {"GET /things", []string{"Authorization: Bearer"}, 400, "", `Www-Authenticate: Bearer realm="gangway", error="invalid_request"`},
		"with broken Basic":                          {"GET /things", []string{"Authorization: Basic %%%"}, 400, "", `Www-Authenticate: Bearer realm="gangway", error="invalid_request"`},
		"with a token that is unknown":               {"GET /things", []string{"Authorization: Bearer stale"}, 401, "", `Www-Authenticate: Bearer realm="gangway", error="invalid_token"`},
		"while tokens cannot be checked":             {"GET /things", []string{"Authorization: Bearer down"}, 503, "", "Retry-After: 5"},
		"after too many guesses":                     {"GET /things", []string{"Authorization: Bearer guesser"}, 429, "", "Retry-After: 2"},
		"with a bearer token":                        {"GET /things", []string{"Authorization: bearer reader"}, 200, "red token reader", ""},
		"with X-Auth-Token":                          {"GET /things", []string{"X-Auth-Token: reader"}, 200, "red token reader", ""},
		"with the token as a password":               {"GET /things", []string{"Authorization: Basic dXNlcjpyZWFkZXI="}, 200, "red token reader", ""},
		"HEAD of what has GET":                       {"HEAD /things", []string{"X-Auth-Token: reader"}, 200, "", ""},
		"one role too little":                        {"POST /things", []string{"X-Auth-Token: reader"}, 403, "", ""},
		"a role that includes another":               {"POST /things", []string{"X-Auth-Token: admin"}, 201, "", ""},
		"in a project of others":                     {"GET /things", []string{"X-Auth-Token: reader", "Gangway-Project: blue"}, 404, "", ""},
		"in the named one of two projects":           {"GET /things", []string{"X-Auth-Token: both", "Project-Id: blue"}, 200, "blue token both", ""},
		"in the project of a link":                   {"GET /file?project=blue", []string{"X-Auth-Token: both"}, 200, "blue token both", ""},
		"a header wins over a link":                  {"GET /file?project=blue", []string{"X-Auth-Token: both", "Gangway-Project: red"}, 200, "red token both", ""},
		"a link to a project of others":              {"GET /file?project=blue", []string{"X-Auth-Token: reader"}, 404, "", ""},
		"what no link leads to":                      {"GET /things?project=blue", []string{"X-Auth-Token: reader"}, 200, "red token reader", ""},
		"in two projects and none named":             {"GET /things", []string{"X-Auth-Token: both"}, 404, "", ""},
		"in all projects and none named":             {"GET /things", []string{"X-Auth-Token: root"}, 200, "default token root", ""},
		"in all projects and one named":              {"GET /things", []string{"X-Auth-Token: root", "Gangway-Project: red"}, 200, "red token root", ""},
		"in a project called all":                    {"GET /things", []string{"X-Auth-Token: root", "Gangway-Project: *"}, 404, "", ""},
		"known, whatever the projects":               {"GET /whoami", []string{"X-Auth-Token: both"}, 200, " token both", ""},
		"not known":                                  {"GET /whoami", nil, 401, "", ""},
		"everywhere with a role in one project":      {"GET /all", []string{"X-Auth-Token: admin"}, 403, "", ""},
		"everywhere with a role in all projects":     {"GET /all", []string{"X-Auth-Token: auditor"}, 200, " token auditor", ""},
		"a method that the path does not have":       {"PUT /things", []string{"X-Auth-Token: reader"}, 405, "", "Allow: GET, HEAD, POST"},
		"... is told to nobody without a token":      {"PUT /things", nil, 401, "", ""},
		"... whatever the project":                   {"PUT /things/1", []string{"X-Auth-Token: reader", "Project-Id: blue"}, 405, "", "Allow: DELETE, GET, HEAD"},
		"... of a public path is told to everybody":  {"PUT /open", nil, 405, "", "Allow: GET, HEAD"},
		"a path that is not there":                   {"GET /thing", []string{"X-Auth-Token: reader"}, 404, "", ""},
		"a path with doubled slashes and one behind": {"GET //things//7/", []string{"X-Auth-Token: reader"}, 200, "7", ""},
		"a slash within a segment":                   {"GET /things/a%2Fb", []string{"X-Auth-Token: reader"}, 200, "a/b", ""},
		"a doubled slash before it":                  {"GET //things/a%2Fb%20c", []string{"X-Auth-Token: reader"}, 200, "a/b c", ""},
		"a path that climbs":                         {"GET /things/../things", []string{"X-Auth-Token: reader"}, 404, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			method, path, _ := strings.Cut(test.request, " ")
			resp, text := f.do(t, method, path, test.header...)
			if resp.StatusCode != test.status {
				t.Fatalf("status %d %s, want %d", resp.StatusCode, text, test.status)
			}
			if test.status >= 400 {
				problemIn(t, resp, text)
			} else if text != test.body {
				t.Errorf("body %q, want %q", text, test.body)
			}
			if name, value, _ := strings.Cut(test.answer, ": "); name != "" && resp.Header.Get(name) != value {
				t.Errorf("%s: %q, want %q", name, resp.Header.Get(name), value)
			}
		})
	}
}

func TestChangesAreAudited(t *testing.T) {
	f := start(t, things())
	f.do(t, "POST", "/things", "X-Auth-Token: writer")
	f.do(t, "DELETE", "/things/7", "X-Auth-Token: reader")
	f.do(t, "GET", "/things", "X-Auth-Token: writer")
	f.do(t, "POST", "/things")
	here := netip.MustParseAddr("127.0.0.1")
	want := []access.Event{
		{Subject: "token writer", Project: "red", Action: "thing.create", Target: "new-thing", From: here, Outcome: access.Done},
		{Subject: "token reader", Project: "red", Action: "thing.delete", Target: "/things/7", From: here, Outcome: access.Refused},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := cmp.Diff(want, f.events, cmpopts.EquateComparable(netip.Addr{})); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestAPanicIsAProblem(t *testing.T) {
	f := start(t, Door{Name: "broken", Routes: []Route{
		{Method: "GET", Pattern: "/before", Need: Public, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") })},
		{Method: "GET", Pattern: "/after", Need: Public, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			panic("secret")
		})},
	}})
	resp, text := f.do(t, "GET", "/before")
	if p := problemIn(t, resp, text); p.Status != 500 || strings.Contains(text, "secret") {
		t.Errorf("problem %+v", p)
	}
	resp, err := f.Client().Get(f.URL + "/after")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("an answer that a panic cut looks whole")
	}
}

// torn is a file that can be read up to its middle.
type torn struct{ io.ReadSeeker }

func (f torn) Read(p []byte) (int, error) {
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at >= 1<<20 {
		return 0, errors.Join(err, errors.New("bad sector"))
	}
	return f.ReadSeeker.Read(p[:min(len(p), 1024)])
}

func TestWhyAFileBreaksOffIsInTheLog(t *testing.T) {
	var log bytes.Buffer
	f := &fixture{}
	options := f.options()
	options.Log = slog.New(slog.NewTextHandler(&log, nil))
	serve(t, f, options, Door{Name: "files", Routes: []Route{{Method: "GET", Pattern: "/file", Need: Public,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ServeContent(w, r, time.Time{}, torn{strings.NewReader(strings.Repeat("x", 2<<20))})
		})}}})
	resp, err := f.Client().Get(f.URL + "/file")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half a file looks whole")
	}
	f.Close()
	if line := log.String(); !strings.Contains(line, "level=WARN") || !strings.Contains(line, "bad sector") {
		t.Errorf("the log has %s", line)
	}
}

func TestADoorTellsErrorsInItsForm(t *testing.T) {
	f := start(t, Door{Name: "plain", Fail: func(w http.ResponseWriter, _ *http.Request, p Problem) {
		w.WriteHeader(p.Status)
		fmt.Fprintf(w, "error %d", p.Status)
	}, Routes: []Route{{Method: "GET", Pattern: "/plain", Need: access.Reader, Handler: http.HandlerFunc(telling)}}})
	if _, text := f.do(t, "GET", "/plain"); text != "error 401" {
		t.Errorf("answer %q", text)
	}
}

func TestRoutesThatSayTooLittleAreRefused(t *testing.T) {
	handler := http.HandlerFunc(telling)
	for name, routes := range map[string][]Route{
		"no need":                  {{Method: "GET", Pattern: "/a", Handler: handler}},
		"an unknown need":          {{Method: "GET", Pattern: "/a", Need: "owner", Handler: handler}},
		"no handler":               {{Method: "GET", Pattern: "/a", Need: Public}},
		"a slash at the end":       {{Method: "GET", Pattern: "/a/", Need: Public, Handler: handler}},
		"the same twice":           {{Method: "GET", Pattern: "/a", Need: Public, Handler: handler}, {Method: "GET", Pattern: "/a", Need: Public, Handler: handler}},
		"patterns in conflict":     {{Method: "GET", Pattern: "/a/{b}", Need: Public, Handler: handler}, {Method: "GET", Pattern: "/{a}/b", Need: Public, Handler: handler}},
		"a public one, everywhere": {{Method: "GET", Pattern: "/a", Need: Public, Everywhere: true, Handler: handler}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New([]Door{{Name: "x", Routes: routes}}, Options{}); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	f := &fixture{}
	options := f.options()
	f.metrics.Worked("launch", "done", 20*time.Millisecond)
	f.metrics.Look("gangway_jobs", "Jobs.", []string{"state"}, func(context.Context) ([]Sample, error) {
		return []Sample{{[]string{"queued"}, 3}}, nil
	})
	f.metrics.Look("gangway_broken", "Fails.", nil, func(context.Context) ([]Sample, error) { return nil, errors.New("no") })
	serve(t, f, options, things(), f.metrics.Door())
	f.do(t, "GET", "/things/7", "X-Auth-Token: reader")
	f.do(t, "BREW", "/nothing")
	resp, text := f.do(t, "GET", "/metrics", "Authorization: Bearer auditor")
	for _, line := range []string{
		`gangway_http_requests_total{door="things",method="GET",route="/things/{id}",status="200"} 1`,
		`gangway_http_requests_total{door="none",method="other",route="none",status="404"} 1`,
		`gangway_http_sent_bytes_total{door="things"} 1`,
		`gangway_work_duration_seconds_count{outcome="done",work="launch"} 1`,
		`gangway_jobs{state="queued"} 3`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("status %d, metrics without %s", resp.StatusCode, line)
		}
	}
	if resp, _ := f.do(t, "GET", "/metrics", "Authorization: Bearer admin"); resp.StatusCode != 403 {
		t.Errorf("the admin of one project sees the metrics of all: %d", resp.StatusCode)
	}
}

func TestProxiesTellWhereARequestCameFrom(t *testing.T) {
	f := &fixture{}
	options := f.options()
	options.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	serve(t, f, options, Door{Name: "x", Routes: []Route{{Method: "GET", Pattern: "/from", Need: Public, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, CallerOf(r.Context()).Address.String())
	})}}})
	for header, want := range map[string]string{
		"":                                    "127.0.0.1",
		"203.0.113.7":                         "203.0.113.7",
		"198.51.100.1, 203.0.113.7":           "203.0.113.7",
		"198.51.100.1, 203.0.113.7, 10.1.1.1": "203.0.113.7",
		"forged":                              "127.0.0.1",
	} {
		if _, got := f.do(t, "GET", "/from", "X-Forwarded-For: "+header); got != want {
			t.Errorf("X-Forwarded-For %q: from %s, want %s", header, got, want)
		}
	}
}

func TestARequestHasAnID(t *testing.T) {
	f := start(t, Health())
	for sent, kept := range map[string]bool{"build-17.3": true, "": false, "two words": false, strings.Repeat("x", 65): false, `"><script>`: false} {
		resp, _ := f.do(t, "GET", "/healthz", "X-Request-Id: "+sent)
		if got := resp.Header.Get("X-Request-Id"); got == "" || (got == sent) != kept {
			t.Errorf("of %q came %q", sent, got)
		}
	}
}

func TestHealth(t *testing.T) {
	var failing error
	f := start(t, Health(Check{"database", func(context.Context) error { return failing }}))
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp, text := f.do(t, "GET", path); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	failing = errors.New("disk on fire")
	if resp, _ := f.do(t, "GET", "/healthz"); resp.StatusCode != 200 {
		t.Errorf("/healthz: %d", resp.StatusCode)
	}
	resp, text := f.do(t, "GET", "/readyz")
	if p := problemIn(t, resp, text); p.Status != 503 || p.Detail != "not ready: database" {
		t.Errorf("/readyz: %+v", p)
	}
}
