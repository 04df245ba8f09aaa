package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func TestTokensAreMadeListedAndRevoked(t *testing.T) {
	f := start(t)
	admin := "X-Auth-Token: red-admin"
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	answer := f.Do(t, "POST", "/api/v1/tokens", map[string]any{"name": "ci", "role": "writer", "expiresAt": ends}, admin).Want(t, 201)
	made := resttest.Into[view.Token](t, answer)
	if made.Name != "ci" || made.Project != "red" || made.Role != access.Writer || made.ExpiresAt == nil || !made.ExpiresAt.Equal(ends) ||
		answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("made %+v with %v", made, answer.Header)
	}
	id, err := f.tokens.Authenticate(t.Context(), made.Token)
	if err != nil || id.Role("red") != access.Writer {
		t.Errorf("it lets in %+v, %v", id, err)
	}
	other := resttest.Into[view.Token](t, f.Do(t, "POST", "/api/v1/tokens", map[string]any{"role": "reader"}, admin).Want(t, 201))
	everywhere := resttest.Into[view.Token](t, f.Do(t, "POST", "/api/v1/tokens", map[string]any{"name": "metrics", "role": "reader", "project": "*"}, "X-Auth-Token: root").Want(t, 201))
	for path, want := range map[string]struct {
		token string
		names []string
	}{
		"/api/v1/tokens":          {"red-admin", []string{"ci", other.Name}},
		"/api/v1/tokens?all=true": {"root", []string{"ci", "metrics", other.Name}},
	} {
		listed := f.Do(t, "GET", path, nil, "X-Auth-Token: "+want.token).Want(t, 200)
		var names []string
		for _, token := range resttest.Into[[]view.Token](t, listed) {
			names = append(names, token.Name)
		}
		if d := cmp.Diff(want.names, names); d != "" || strings.Contains(listed.Text, "gw_") {
			t.Errorf("%s lists %s (-want +got):\n%s", path, listed.Text, d)
		}
	}
	if got := f.Do(t, "GET", "/api/v1/tokens", nil, "X-Auth-Token: blue-admin").Want(t, 200); got.Text != "[]\n" {
		t.Errorf("another project has %s", got.Text)
	}

	for name, test := range map[string]struct {
		method, path, token string
		body                any
		status              int
	}{
		"a list by a writer":                   {"GET", "", "red-writer", nil, 403},
		"a list of all by an admin of one":     {"GET", "?all=true", "red-admin", nil, 403},
		"one made by a writer":                 {"POST", "", "red-writer", map[string]any{"role": "reader"}, 403},
		"one for another project":              {"POST", "", "red-admin", map[string]any{"role": "reader", "project": "blue"}, 403},
		"one for all projects":                 {"POST", "", "red-admin", map[string]any{"role": "reader", "project": "*"}, 403},
		"one for a project that cannot be":     {"POST", "", "red-admin", map[string]any{"role": "reader", "project": "a\nb"}, 422},
		"a role that there is not":             {"POST", "", "red-admin", map[string]any{"role": "root"}, 422},
		"no role":                              {"POST", "", "red-admin", map[string]any{"name": "x"}, 422},
		"a name that cannot be":                {"POST", "", "red-admin", map[string]any{"name": "a b", "role": "reader"}, 422},
		"one that has expired":                 {"POST", "", "red-admin", map[string]any{"role": "reader", "expiresAt": time.Now().Add(-time.Hour)}, 422},
		"a misspelt member":                    {"POST", "", "red-admin", map[string]any{"role": "reader", "expires": "2099-01-01"}, 422},
		"a name that is taken":                 {"POST", "", "red-admin", map[string]any{"role": "reader", "name": "ci"}, 409},
		"one of another project, by name":      {"DELETE", "/ci", "blue-admin", nil, 404},
		"one of another project, by ID":        {"DELETE", "/" + made.ID, "blue-admin", nil, 404},
		"one that holds in all projects":       {"DELETE", "/metrics", "red-admin", nil, 404},
		"one that there is not":                {"DELETE", "/nobody", "red-admin", nil, 404},
		"one of the project, by a mere writer": {"DELETE", "/ci", "red-writer", nil, 403},
		"a parameter that there is not":        {"DELETE", "/ci?force=true", "red-admin", nil, 422},
	} {
		t.Run(name, func(t *testing.T) {
			f.Do(t, test.method, "/api/v1/tokens"+test.path, test.body, "X-Auth-Token: "+test.token).Want(t, test.status)
		})
	}

	f.Audit.Take()
	gone := resttest.Into[view.Token](t, f.Do(t, "DELETE", "/api/v1/tokens/"+made.ID, nil, admin).Want(t, 200))
	if gone.ID != made.ID || gone.Token != "" {
		t.Errorf("revoked is %+v", gone)
	}
	if _, err := f.tokens.Authenticate(t.Context(), made.Token); err == nil {
		t.Error("a revoked token lets in")
	}
	f.Do(t, "DELETE", "/api/v1/tokens/ci", nil, admin).Want(t, 404)
	f.Do(t, "DELETE", "/api/v1/tokens/"+everywhere.Name, nil, "X-Auth-Token: root").Want(t, 200)
	f.Do(t, "POST", "/api/v1/tokens", map[string]any{"name": "made", "role": "reader", "project": "blue"}, "X-Auth-Token: root").Want(t, 201)
	events := f.Audit.Take()
	if d := cmp.Diff([]string{"token.revoke ci done", "token.revoke /api/v1/tokens/ci refused", "token.revoke metrics done", "token.create made done"}, told(events)); d != "" {
		t.Errorf("audit log (-want +got):\n%s", d)
	}
	for i, project := range []string{"red", "red", "*", "blue"} {
		if got := events[i].Project; got != project {
			t.Errorf("the audit log has event %d in project %q, want %q", i, got, project)
		}
	}
}
