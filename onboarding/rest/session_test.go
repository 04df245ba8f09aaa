package rest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTheCookieOfABrowser(t *testing.T) {
	f := &fixture{}
	options := f.options()
	options.BaseURL = "https://gangway.example/vnf"
	var log bytes.Buffer
	options.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	serve(t, f, options, things())
	writer := "Cookie: other=x; gangway-session=writer"
	for name, test := range map[string]struct {
		request string
		header  []string
		status  int
		body    string // of a 200
	}{
		"it logs in":                              {"GET /things", []string{writer}, 200, "red token writer"},
		"X-Auth-Token wins":                       {"GET /things", []string{writer, "X-Auth-Token: reader"}, 200, "red token reader"},
		"a bearer's token wins":                   {"GET /things", []string{writer, "Authorization: Bearer reader"}, 200, "red token reader"},
		"a bearer's token wins that is not valid": {"GET /things", []string{writer, "Authorization: Bearer stale"}, 401, ""},
		"one that is not valid":                   {"GET /things", []string{"Cookie: gangway-session=stale"}, 401, ""},
		"an empty one":                            {"GET /things", []string{"Cookie: gangway-session="}, 401, ""},
		"another":                                 {"GET /things", []string{"Cookie: session=writer"}, 401, ""},
		"a change by the server's page":           {"POST /things", []string{writer, "Sec-Fetch-Site: same-origin", "Origin: https://gangway.example"}, 201, ""},
		"a change by the page behind a proxy":     {"POST /things", []string{writer, "Origin: https://gangway.example"}, 201, ""},
		"a change by no page":                     {"POST /things", []string{writer}, 201, ""},
		"a change by the page of another site":    {"POST /things", []string{writer, "Sec-Fetch-Site: cross-site"}, 403, ""},
		"a change by a page on another port":      {"POST /things", []string{writer, "Sec-Fetch-Site: same-site", "Origin: https://gangway.example:8443"}, 403, ""},
		"a change by a page of an old browser":    {"POST /things", []string{writer, "Origin: http://evil.example"}, 403, ""},
		"... also of a method that is not there":  {"BREW /things", []string{writer, "Sec-Fetch-Site: cross-site"}, 403, ""},
		"reading by the page of another site":     {"GET /things", []string{writer, "Sec-Fetch-Site: cross-site"}, 200, "red token writer"},
		"a token of another site's page":          {"POST /things", []string{writer, "X-Auth-Token: writer", "Sec-Fetch-Site: cross-site"}, 201, ""},
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
		})
	}
	if strings.Contains(log.String(), "gangway-session") || strings.Contains(log.String(), "stale") {
		t.Errorf("the log tells of cookies:\n%s", log.String())
	}
}

func TestTheCookieIsSecureWhereItCanBe(t *testing.T) {
	begin := Door{Name: "x", Routes: []Route{{Method: "GET", Pattern: "/begin", Need: Public, Handler: HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		cookie, err := BeginSession(r.Context(), "secret", time.Now().Add(90*time.Second))
		w.Header().Set("Set-Cookie", cookie)
		return err
	})}}}
	for name, test := range map[string]struct {
		external string
		tls      bool
		secure   bool
	}{
		"without TLS":                     {"", false, false},
		"with TLS":                        {"", true, true},
		"behind a proxy that has TLS":     {"https://gangway.example", false, true},
		"behind a proxy that has not any": {"http://gangway.example", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			options := (&fixture{}).options()
			options.BaseURL = test.external
			s, err := New([]Door{begin}, options)
			if err != nil {
				t.Fatal(err)
			}
			listen := httptest.NewServer
			if test.tls {
				listen = httptest.NewTLSServer
			}
			server := listen(s)
			defer server.Close()
			resp, _ := do(t, server.Client(), "GET", server.URL+"/begin")
			cookies := resp.Cookies()
			if len(cookies) != 1 || cookies[0].Secure != test.secure || cookies[0].Value != "secret" || cookies[0].MaxAge < 80 || cookies[0].MaxAge > 90 {
				t.Errorf("cookies are %v", cookies)
			}
		})
	}
}
