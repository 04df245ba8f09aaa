package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// browse sends a request as a browser does for a page of the server.
func (f *fixture) browse(t *testing.T, method, path string, body any, cookie string, header ...string) resttest.Answer {
	t.Helper()
	header = append([]string{"X-Auth-Token: ", "Sec-Fetch-Site: same-origin", "Cookie: " + cookie}, header...)
	return f.Do(t, method, path, body, header...)
}

// kept returns the cookie that a browser sends after an answer.
func kept(t *testing.T, a resttest.Answer) *http.Cookie {
	t.Helper()
	cookies := a.Cookies()
	if len(cookies) != 1 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the answer sets %v, and may be kept: %q", cookies, a.Header.Get("Cache-Control"))
	}
	return cookies[0]
}

func TestSessionOfAToken(t *testing.T) {
	f := start(t)
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	_, secret, err := f.tokens.Create(t.Context(), access.NewToken{Name: "ci", Project: "red", Role: access.Writer, ExpiresAt: ends})
	resttest.NoError(t, err)
	begun := f.browse(t, "POST", "/api/v1/session", map[string]any{"token": secret}, "").Want(t, 200)
	cookie := kept(t, begun)
	if cookie.Name != "gangway-session" || cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure ||
		cookie.MaxAge < 3590 || cookie.MaxAge > 3600 {
		t.Errorf("the cookie is %+v", cookie)
	}
	want := view.Session{Subject: "token ci", Projects: []view.Grant{{Name: "red", Role: access.Writer}}, ExpiresAt: &ends, Version: "1.2.3"}
	if d := cmp.Diff(want, resttest.Into[view.Session](t, begun)); d != "" {
		t.Errorf("begun (-want +got):\n%s", d)
	}
	sent := cookie.Name + "=" + cookie.Value
	shown := f.browse(t, "GET", "/api/v1/session", nil, sent).Want(t, 200)
	if d := cmp.Diff(want, resttest.Into[view.Session](t, shown)); d != "" || len(shown.Cookies()) != 0 || strings.Contains(shown.Text, "gw_") {
		t.Errorf("shown with %v (-want +got):\n%s", shown.Cookies(), d)
	}
	f.browse(t, "PUT", "/api/v1/images/disk", disk(t, 1), sent).Want(t, 201)
	f.browse(t, "DELETE", "/api/v1/images/disk", nil, sent, "Sec-Fetch-Site: cross-site").Want(t, 403)
	f.browse(t, "DELETE", "/api/v1/session", nil, sent, "Sec-Fetch-Site: same-site").Want(t, 403)

	f.Audit.Take()
	ended := f.browse(t, "DELETE", "/api/v1/session", nil, sent).Want(t, 204)
	if gone := ended.Cookies(); len(gone) != 1 || gone[0].Name != cookie.Name || gone[0].Value != "" || gone[0].MaxAge >= 0 || gone[0].Path != "/" {
		t.Errorf("after the end the cookie is %+v", gone)
	}
	f.Do(t, "GET", "/api/v1/session", nil, "X-Auth-Token: "+secret).Want(t, 200) // somebody made it
	for _, dead := range []string{"", "gangway-session=gw_x", "gangway-session=red-writer"} {
		f.browse(t, "DELETE", "/api/v1/session", nil, dead).Want(t, 204)
	}
	if told := told(f.Audit.Take()); len(told) != 0 {
		t.Errorf("audited is %q, and nothing changed", told)
	}
}

func TestSessionOfAUser(t *testing.T) {
	f := start(t)
	_, secret, err := f.tokens.Create(t.Context(), access.NewToken{Name: "ci", Project: "red", Role: access.Writer})
	resttest.NoError(t, err)
	begun := f.browse(t, "POST", "/api/v1/session", map[string]any{"user": "ci", "password": secret}, "").Want(t, 200)
	cookie := kept(t, begun)
	if cookie.Value == secret || cookie.MaxAge < 11*3600 || cookie.MaxAge > 12*3600 {
		t.Errorf("the cookie is %+v", cookie)
	}
	if got := resttest.Into[view.Session](t, begun); got.Subject != "token ci" || got.ExpiresAt == nil {
		t.Errorf("begun is %+v", got)
	}
	sent := cookie.Name + "=" + cookie.Value
	f.browse(t, "GET", "/api/v1/images", nil, sent).Want(t, 200)
	f.browse(t, "DELETE", "/api/v1/session", nil, sent).Want(t, 204)
	f.browse(t, "GET", "/api/v1/images", nil, sent).Want(t, 401)
	f.Do(t, "GET", "/api/v1/images", nil, "X-Auth-Token: "+secret).Want(t, 200)
	events := f.Audit.Take()
	if d := cmp.Diff([]string{"token.grant /api/v1/session done", "token.revoke /api/v1/session done"}, told(events)); d != "" {
		t.Errorf("audit log (-want +got):\n%s", d)
	}
	for i, e := range events {
		if e.Subject != "token ci" || e.Project != "red" {
			t.Errorf("event %d is %+v", i, e)
		}
	}
}

func TestTheSessionTellsAllProjectsToWhoHasARoleInAll(t *testing.T) {
	f := start(t)
	f.onboard(t, "firewall", onboardingtest.Embed("image", onboardingtest.QCOW2(384<<10, 1<<20, 1)))
	got := resttest.Into[view.Session](t, f.Do(t, "GET", "/api/v1/session", nil, "X-Auth-Token: root").Want(t, 200))
	want := view.Session{Subject: "token root", Everywhere: access.Admin, Version: "1.2.3",
		Projects: []view.Grant{{Name: "default", Role: access.Admin}, {Name: "red", Role: access.Admin}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("session (-want +got):\n%s", d)
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	f := start(t)
	_, secret, err := f.tokens.Create(t.Context(), access.NewToken{Name: "ci", Project: "red", Role: access.Writer})
	resttest.NoError(t, err)
	for name, test := range map[string]struct {
		body   any
		header string
		status int
		detail string
	}{
		"an unknown token":              {map[string]any{"token": "gw_" + strings.Repeat("A", 43)}, "", 401, "ask an admin"},
		"another token's name":          {map[string]any{"user": "cd", "password": secret}, "", 401, "the user is the name of a token"},
		"a user without a password":     {map[string]any{"user": "ci"}, "", 422, "user and password"},
		"a token and a user":            {map[string]any{"token": secret, "user": "ci", "password": secret}, "", 422, "not both"},
		"nothing":                       {map[string]any{}, "", 422, "user and password"},
		"a misspelt member":             {map[string]any{"tokne": secret}, "", 422, ""},
		"a token too long for a cookie": {map[string]any{"token": "issued " + strings.Repeat("x", 4096)}, "", 422, "more than a browser keeps"},
		"a token that no cookie holds":  {map[string]any{"token": "issued \u00e4"}, "", 422, "does not keep"},
		"a page of another site":        {map[string]any{"token": secret}, "Sec-Fetch-Site: cross-site", 403, "another site"},
		"a form of another site":        {map[string]any{"token": secret}, "Origin: https://evil.example", 403, "another site"},
	} {
		t.Run(name, func(t *testing.T) {
			header := []string{"X-Auth-Token: "}
			if test.header != "" {
				header = append(header, test.header)
			}
			got := f.Do(t, "POST", "/api/v1/session", test.body, header...).Want(t, test.status)
			if !strings.Contains(resttest.Into[struct{ Detail string }](t, got).Detail, test.detail) || len(got.Cookies()) != 0 || strings.Contains(got.Text, "gw_") {
				t.Errorf("answer %s sets %v", got.Text, got.Cookies())
			}
		})
	}
	if told := told(f.Audit.Take()); len(told) != 0 {
		t.Errorf("audited is %q", told)
	}
	for i := range 12 {
		got := f.Do(t, "POST", "/api/v1/session", map[string]any{"user": "ci", "password": strings.Repeat("x", i+1)}, "X-Auth-Token: ")
		if got.StatusCode == 429 && got.Header.Get("Retry-After") != "" {
			return
		}
	}
	t.Error("guesses are not counted")
}
