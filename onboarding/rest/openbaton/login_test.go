package openbaton_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

func (f *fixture) login(t *testing.T, secret, form string) resttest.Answer {
	t.Helper()
	form = strings.ReplaceAll(form, "SECRET", f.writer)
	req := []string{"Content-Type: application/x-www-form-urlencoded", "Authorization: " + secret}
	return f.Do(t, "POST", "/oauth/token", strings.NewReader(form), req...)
}

const cli = "Basic b3BlbmJhdG9uT1NDbGllbnQ6c2VjcmV0" // openbatonOSClient:secret

func TestLogins(t *testing.T) {
	f := start(t)
	for name, test := range map[string]struct {
		client, form string
		status       int
		err          string
	}{
		"a token and its name":   {cli, "username=ci&password=SECRET&grant_type=password", 200, ""},
		"another client":         {"Basic eDp5", "username=ci&password=SECRET&grant_type=password", 401, "invalid_client"},
		"no client":              {"", "username=ci&password=SECRET&grant_type=password", 401, "invalid_client"},
		"another password":       {cli, "username=ci&password=gw_x&grant_type=password", 400, "invalid_grant"},
		"another token's name":   {cli, "username=viewer&password=SECRET&grant_type=password", 400, "invalid_grant"},
		"no password":            {cli, "username=ci&grant_type=password", 400, "invalid_request"},
		"no kind of grant":       {cli, "username=ci&password=SECRET", 400, "invalid_request"},
		"another kind of grant":  {cli, "grant_type=refresh_token&refresh_token=x", 400, "unsupported_grant_type"},
		"what is not a form":     {cli, "%zz", 400, "invalid_request"},
		"a form of unusual size": {cli, "username=" + strings.Repeat("x", 64<<10) + "&grant_type=password", 413, ""},
		"nothing":                {cli, "", 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := f.login(t, test.client, test.form).Want(t, test.status)
			got := resttest.Into[struct {
				Value, Error string
				AccessToken  string `json:"access_token"`
				ExpiresIn    int64  `json:"expires_in"`
			}](t, answer)
			if got.Error != test.err {
				t.Errorf("error %q, want %q", got.Error, test.err)
			}
			logged := f.Audit.Take()
			if test.status != 200 {
				if len(logged) > 0 {
					t.Errorf("audited as %+v", logged)
				}
				return
			}
			if len(logged) != 1 || logged[0].Subject != "token ci" || logged[0].Project != "red" || logged[0].Outcome != access.Done {
				t.Errorf("audited as %+v", logged)
			}
			if got.Value == "" || got.Value == f.writer || got.AccessToken != got.Value || got.ExpiresIn < 11*3600 || got.ExpiresIn > 12*3600 {
				t.Errorf("granted %+v", got)
			}
			f.Do(t, "GET", "/api/v1/nfvimage", nil, "Authorization: Bearer "+got.Value).Want(t, 200)
		})
	}
}

// Programs of Open Baton log in again when they read that the token is invalid, and
// must not when it is not the token.
func TestOnlyABadTokenIsCalledInvalid(t *testing.T) {
	f := startWith(t, access.Config{GrantLifetime: time.Nanosecond})
	granted := resttest.Into[struct{ Value string }](t, f.login(t, cli, "username=ci&password=SECRET&grant_type=password").Want(t, 200))
	for name, test := range map[string]struct {
		authorization string
		status        int
		err           string
	}{
		"a token that has expired": {"Bearer " + granted.Value, 401, "invalid_token"},
		"a token that nobody made": {"Bearer gw_" + strings.Repeat("x", 43), 401, "invalid_token"},
		"no token":                 {"", 401, "unauthorized"},
		"something else":           {"Digest x", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/api/v1/projects/", "/api/v1/vnf-packages/"} {
				answer := f.Do(t, "GET", path, nil, "Authorization: "+test.authorization).Want(t, test.status)
				if got := resttest.Into[struct{ Error string }](t, answer).Error; got != test.err {
					t.Errorf("%s: error %q", path, got)
				}
			}
		})
	}
}

func TestProjectsAreThoseOfTheCaller(t *testing.T) {
	f := start(t)
	f.token(t, "other", "blue", access.Reader)
	for name, test := range map[string]struct {
		token string
		want  []string
	}{
		"of one project":  {f.reader, []string{"red"}},
		"of all projects": {f.admin, []string{"blue", "default", "red"}},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			answer := f.Do(t, "GET", "/api/v1/projects", nil, "Authorization: Bearer "+test.token, "project-id: None").Want(t, 200)
			for _, project := range resttest.Into[[]struct{ ID, Name string }](t, answer) {
				if project.ID != project.Name {
					t.Errorf("project %+v", project)
				}
				names = append(names, project.Name)
			}
			if d := cmp.Diff(test.want, names); d != "" {
				t.Errorf("projects (-want +got):\n%s", d)
			}
		})
	}
}

func TestTheProjectOfARequest(t *testing.T) {
	f := start(t)
	id := f.onboard(t, spec("iperf", 1))
	blue := f.token(t, "other", "blue", access.Admin)
	for name, test := range map[string]struct {
		token, project string
		status         int
	}{
		"is named":                            {f.reader, "red", 200},
		"is the only one":                     {f.reader, "", 200},
		"is one of all":                       {f.admin, "red", 200},
		"is another one that has no such":     {f.admin, "blue", 404},
		"is none of the caller's":             {f.reader, "blue", 404},
		"is another caller's who names it":    {blue, "red", 404},
		"is another caller's who has his own": {blue, "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			f.Do(t, "GET", "/api/v1/vnf-packages/"+id, nil, "Authorization: Bearer "+test.token, "project-id: "+test.project).Want(t, test.status)
		})
	}
	f.Do(t, "DELETE", "/api/v1/vnf-packages/"+id, nil, "Authorization: Bearer "+f.reader).Want(t, 403)
}
