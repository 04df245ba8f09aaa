package openbaton

import (
	"errors"
	"net/http"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// The client that all programs of Open Baton say they are. It is public, and
// proves nothing.
const clientName, clientSecret = "openbatonOSClient", "secret"

// maxForm bounds the form of a login, in bytes.
const maxForm = 64 << 10

type granted struct {
	Value       string `json:"value"`
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// login is the password grant (RFC 6749, clause 4.3), with errors as clause 5.2
// has them.
func (d *door) login(w http.ResponseWriter, r *http.Request) error {
	if name, secret, _ := r.BasicAuth(); name != clientName || secret != clientSecret {
		problem := oauth(http.StatusUnauthorized, "invalid_client", "log in as the client "+clientName+", with Basic authentication")
		problem.Header = http.Header{"Www-Authenticate": {`Basic realm="gangway"`}}
		return problem
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if tooLarge, is := errors.AsType[*http.MaxBytesError](err); is {
			return tooLarge
		}
		return oauth(http.StatusBadRequest, "invalid_request", "the body is not a form")
	}
	switch kind := r.PostForm.Get("grant_type"); kind {
	case "password":
	case "":
		return oauth(http.StatusBadRequest, "invalid_request", "the form has no grant_type")
	default:
		return oauth(http.StatusBadRequest, "unsupported_grant_type", "the grant_type can only be password")
	}
	user, password := r.PostForm.Get("username"), r.PostForm.Get("password")
	if user == "" || password == "" {
		return oauth(http.StatusBadRequest, "invalid_request", "the form needs username and password")
	}
	value, token, err := d.Logins.Grant(r.Context(), user, password, rest.CallerOf(r.Context()).Address)
	if errors.Is(err, access.ErrInvalid) {
		return oauth(http.StatusBadRequest, "invalid_grant", "the username is the name of a token, and the password the token, and these are not")
	}
	if err != nil {
		return err
	}
	rest.Proved(r.Context(), token)
	w.Header().Set("Cache-Control", "no-store")
	rest.WriteJSON(w, http.StatusOK, granted{Value: value, AccessToken: value, TokenType: "bearer",
		ExpiresIn: int64(token.ExpiresAt.Sub(d.Now()) / time.Second)})
	return nil
}

func oauth(status int, code, detail string) rest.Problem {
	problem := rest.Errorf(status, "%s", detail)
	problem.More = map[string]any{"error": code, "error_description": detail}
	return problem
}

type project struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// listProjects tells the projects of the caller. A project's ID is its name.
func (d *door) listProjects(w http.ResponseWriter, r *http.Request) error {
	names, err := rest.ProjectsOf(r.Context(), rest.CallerOf(r.Context()).Identity, d.Projects)
	if err != nil {
		return err
	}
	projects := []project{}
	for _, name := range names {
		projects = append(projects, project{ID: name, Name: name})
	}
	rest.WriteJSON(w, http.StatusOK, projects)
	return nil
}
