package glancetest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A User may log in, into one project. Domain is always Default.
type User struct {
	Name     string
	Password string
	Project  string
	// Admin gives the role admin instead of member.
	Admin bool
}

// DefaultUsers are three users, each with a project of the same name and the
// password "secret": nfvo and other are members, admin is administrator.
func DefaultUsers() []User {
	return []User{
		{Name: "nfvo", Password: "secret", Project: "nfvo"},
		{Name: "other", Password: "secret", Project: "other"},
		{Name: "admin", Password: "secret", Project: "admin", Admin: true},
	}
}

// ProjectID is the ID of a project by its name, as in the owner of an image.
func ProjectID(name string) string { return idOf("project", name) }

// idOf derives a stable ID in the form of Keystone's own.
func idOf(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "/" + name))
	return hex.EncodeToString(sum[:16])
}

// A token is what Keystone knows of one login.
type token struct {
	user    User
	scoped  bool
	method  string
	issued  time.Time
	expires time.Time
}

func (t token) projectID() string { return ProjectID(t.user.Project) }

// A credential is an application credential.
type credential struct {
	id, name, secret string
	user             User
}

type keystone struct {
	authURL  string
	users    []User
	lifetime time.Duration
	now      func() time.Time

	mu          sync.Mutex
	tokens      map[string]token
	credentials map[string]credential
	images      []endpoint
}

type endpoint struct{ region, url string }

func newKeystone(authURL string, o Options) *keystone {
	return &keystone{
		authURL: authURL, users: o.Users, lifetime: o.TokenLifetime, now: o.Now,
		tokens:      make(map[string]token),
		credentials: make(map[string]credential),
	}
}

func (k *keystone) addImageEndpoint(region, url string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.images = append(k.images, endpoint{region, url})
}

// ExpireTokens makes all tokens that were given out invalid at once.
func (s *Server) ExpireTokens() {
	s.keystone.mu.Lock()
	defer s.keystone.mu.Unlock()
	clear(s.keystone.tokens)
}

func (s *Server) keystoneRoutes() http.Handler {
	k := s.keystone
	mux := http.NewServeMux()
	for route, h := range map[Route]handler{
		Authenticate:                                  k.authenticate,
		"GET /v3/auth/tokens":                         k.validate,
		"DELETE /v3/auth/tokens":                      k.revoke,
		"POST /v3/users/{id}/application_credentials": k.createCredential,
		"DELETE /v3/users/{id}/application_credentials/{credential}": k.deleteCredential,
		"GET /{$}": func(x *exchange) error {
			return reply(x.w, http.StatusMultipleChoices, map[string]any{
				"versions": map[string]any{"values": []any{k.version()}}})
		},
		"GET /v3":     k.showVersion,
		"GET /v3/{$}": k.showVersion,
	} {
		s.handle(mux, route, "", &s.stats, h, keystoneError)
	}
	return mux
}

func (k *keystone) showVersion(x *exchange) error {
	return reply(x.w, http.StatusOK, map[string]any{"version": k.version()})
}

func (k *keystone) version() map[string]any {
	return map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{map[string]string{"rel": "self", "href": k.authURL + "/"}},
		"media-types": []any{map[string]string{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

// errUnauthorized is Keystone's one text for all that is wrong with a login.
func errUnauthorized() error {
	return refuse(http.StatusUnauthorized, "The request you have made requires authentication.")
}

type reference struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Domain *reference `json:"domain"`
}

// is tells whether a reference means the thing called name, of the domain
// Default.
func (r reference) is(kind, name string) bool {
	if r.ID != "" {
		return r.ID == idOf(kind, name)
	}
	return r.Name == name && r.Domain != nil &&
		(r.Domain.ID == "default" || strings.EqualFold(r.Domain.Name, "Default"))
}

type authRequest struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User struct {
					reference
					Password string `json:"password"`
				} `json:"user"`
			} `json:"password"`
			Token struct {
				ID string `json:"id"`
			} `json:"token"`
			ApplicationCredential struct {
				reference
				Secret string    `json:"secret"`
				User   reference `json:"user"`
			} `json:"application_credential"`
		} `json:"identity"`
		Scope *struct {
			Project *reference `json:"project"`
		} `json:"scope"`
	} `json:"auth"`
}

func (k *keystone) authenticate(x *exchange) error {
	var req authRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	if len(req.Auth.Identity.Methods) != 1 {
		return errUnauthorized()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	t, err := k.identify(&req)
	if err != nil {
		return err
	}
	if scope := req.Auth.Scope; scope != nil {
		if scope.Project == nil || !scope.Project.is("project", t.user.Project) {
			return errUnauthorized()
		}
		t.scoped = true
	}
	t.method = req.Auth.Identity.Methods[0]
	t.issued = k.now()
	if t.expires.IsZero() {
		t.expires = t.issued.Add(k.lifetime)
	}
	id := "gAAAAA" + rand.Text()
	k.tokens[id] = t
	x.w.Header().Set("X-Subject-Token", id)
	x.w.Header().Set("Vary", "X-Auth-Token")
	return reply(x.w, http.StatusCreated, map[string]any{"token": k.view(t)})
}

// identify finds who logs in. The caller holds k.mu.
func (k *keystone) identify(req *authRequest) (token, error) {
	identity := &req.Auth.Identity
	switch identity.Methods[0] {
	case "password":
		for _, u := range k.users {
			if identity.Password.User.is("user", u.Name) {
				if identity.Password.User.Password == u.Password {
					return token{user: u}, nil
				}
			}
		}
	case "application_credential":
		// Its scope is that of its making.
		given := identity.ApplicationCredential
		for _, c := range k.credentials {
			if given.ID == c.id || given.ID == "" && given.Name == c.name && given.User.is("user", c.user.Name) {
				if given.Secret != c.secret {
					return token{}, errUnauthorized()
				}
				return token{user: c.user, scoped: true}, nil
			}
		}
		return token{}, refuse(http.StatusNotFound, "Could not find Application Credential: %s.", cmp.Or(given.ID, given.Name))
	case "token":
		old, ok := k.tokens[identity.Token.ID]
		if ok && k.now().Before(old.expires) {
			return token{user: old.user, expires: old.expires}, nil
		}
	}
	return token{}, errUnauthorized()
}

// lookup returns a token that is still good.
func (k *keystone) lookup(id string) (token, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, ok := k.tokens[id]
	return t, ok && k.now().Before(t.expires)
}

func (k *keystone) validate(x *exchange) error {
	if _, ok := k.lookup(x.r.Header.Get("X-Auth-Token")); !ok {
		return errUnauthorized()
	}
	subject := x.r.Header.Get("X-Subject-Token")
	t, ok := k.lookup(subject)
	if !ok {
		return refuse(http.StatusNotFound, "Could not find token.")
	}
	x.w.Header().Set("X-Subject-Token", subject)
	k.mu.Lock()
	defer k.mu.Unlock()
	return reply(x.w, http.StatusOK, map[string]any{"token": k.view(t)})
}

func (k *keystone) revoke(x *exchange) error {
	if _, ok := k.lookup(x.r.Header.Get("X-Auth-Token")); !ok {
		return errUnauthorized()
	}
	subject := x.r.Header.Get("X-Subject-Token")
	if _, ok := k.lookup(subject); !ok {
		return refuse(http.StatusNotFound, "Could not find token.")
	}
	k.mu.Lock()
	delete(k.tokens, subject)
	k.mu.Unlock()
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// self returns who asks, if that is the user whose credentials are meant.
func (k *keystone) self(x *exchange) (token, error) {
	t, ok := k.lookup(x.r.Header.Get("X-Auth-Token"))
	if !ok || !t.scoped {
		return t, errUnauthorized()
	}
	if x.r.PathValue("id") != idOf("user", t.user.Name) {
		return t, refuse(http.StatusForbidden, "You are not authorized to perform the requested action.")
	}
	return t, nil
}

func (k *keystone) deleteCredential(x *exchange) error {
	t, err := k.self(x)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := x.r.PathValue("credential")
	if c, ok := k.credentials[id]; !ok || c.user != t.user {
		return refuse(http.StatusNotFound, "Could not find Application Credential: %s.", id)
	}
	delete(k.credentials, id)
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (k *keystone) createCredential(x *exchange) error {
	t, err := k.self(x)
	if err != nil {
		return err
	}
	var req struct {
		Credential struct {
			Name   string `json:"name"`
			Secret string `json:"secret"`
		} `json:"application_credential"`
	}
	if err := x.decode(&req); err != nil {
		return err
	}
	c := credential{id: idOf("credential", rand.Text()), name: req.Credential.Name, secret: req.Credential.Secret, user: t.user}
	if c.name == "" {
		return refuse(http.StatusBadRequest, "'name' is a required property")
	}
	if c.secret == "" {
		c.secret = rand.Text()
	}
	k.mu.Lock()
	k.credentials[c.id] = c
	k.mu.Unlock()
	return reply(x.w, http.StatusCreated, map[string]any{"application_credential": map[string]any{
		"id": c.id, "name": c.name, "secret": c.secret, "project_id": t.projectID(), "unrestricted": false,
	}})
}
