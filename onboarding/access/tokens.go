package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// recheck is how long a token is taken for good without looking it up again,
// and so how long a revoked one may still be used.
const recheck = 10 * time.Second

// mostGranted is how many granted tokens of one parent are kept.
const mostGranted = 10_000

// Tokens makes and judges the tokens of gangway. It is safe for concurrent use.
type Tokens struct {
	store    TokenStore
	lifetime time.Duration // of granted tokens

	mu   sync.Mutex
	used map[string]time.Time // by ID, not stored yet
}

var _ Authenticator = (*Tokens)(nil)

// NewTokens returns the tokens in a store.
func NewTokens(store TokenStore, config Config) *Tokens {
	return &Tokens{store: store, lifetime: config.withDefaults().GrantLifetime, used: make(map[string]time.Time)}
}

// NewToken says what token to make. It is plain data.
type NewToken struct {
	// Name is for people, and the user name of the password grant. Empty means
	// one made of the role and the ID.
	Name string `json:"name,omitempty" doc:"for people, and the user name of the password grant; one is made if it is left out"`
	// Project is where Role holds, or AllProjects.
	Project string `json:"project,omitempty" doc:"where the role holds, or * for all projects; the project of the request if it is left out"`
	Role    Role   `json:"role" enum:"reader,writer,admin"`
	// ExpiresAt is when the token ends; zero means never.
	ExpiresAt time.Time `json:"expiresAt,omitzero" doc:"when the token ends; never if it is left out"`
}

// namePattern keeps names such that they can be a user name in any protocol.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// longestProject is how long the name of a project may be, in bytes.
const longestProject = 255

// Check returns everything that is wrong, as *InputErrors.
func (n NewToken) Check() error {
	var errs []error
	if n.Name != "" && !namePattern.MatchString(n.Name) {
		errs = append(errs, &InputError{"name", "wants 1 to 64 letters, digits and . _ @ -, the first a letter or digit"})
	}
	if n.Project != AllProjects && !ValidProject(n.Project) {
		errs = append(errs, &InputError{"project", "wants a name of up to 255 bytes without control characters, or * for all projects"})
	}
	if !n.Role.Valid() {
		errs = append(errs, &InputError{"role", "wants admin, writer or reader"})
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(time.Now()) {
		errs = append(errs, &InputError{"expires", "is past"})
	}
	return errors.Join(errs...)
}

// ValidProject reports whether a project may have a name. AllProjects is none.
func ValidProject(name string) bool {
	return name != "" && name != AllProjects && len(name) <= longestProject && utf8.ValidString(name) &&
		strings.TrimSpace(name) == name && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// Create makes a token and returns it with its secret, which is nowhere else.
// The error is that of Check, or wraps ErrNameTaken.
func (t *Tokens) Create(ctx context.Context, n NewToken) (Token, string, error) {
	if err := n.Check(); err != nil {
		return Token{}, "", err
	}
	made, secret := n.token()
	digest, _ := hash(secret)
	if err := t.store.AddToken(ctx, made, digest); err != nil {
		return Token{}, "", err
	}
	return made, secret, nil
}

// token returns a new token and its secret.
func (n NewToken) token() (Token, string) {
	id := uuid.NewString()
	if n.Name == "" {
		n.Name = fmt.Sprintf("%s-%.8s", n.Role, id)
	}
	return Token{ID: id, Name: n.Name, Project: n.Project, Role: n.Role,
		CreatedAt: time.Now().UTC(), ExpiresAt: n.ExpiresAt.UTC()}, newSecret()
}

// List returns the tokens that hold in a project, or with AllProjects every
// token, by name. Granted ones are not among them.
func (t *Tokens) List(ctx context.Context, project string) ([]Token, error) {
	all, err := t.store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	var listed []Token
	for _, token := range all {
		if project == AllProjects || token.Project == AllProjects || token.Project == project {
			listed = append(listed, token)
		}
	}
	return listed, nil
}

// Revoke removes a token, called by its ID or name, and what was granted for it.
// Within ten seconds it is refused everywhere. The error wraps ErrNotFound.
func (t *Tokens) Revoke(ctx context.Context, called string) (Token, error) {
	return t.revoke(ctx, called, func(Token) bool { return true })
}

// revoke revokes a token if it is one of those that may be.
func (t *Tokens) revoke(ctx context.Context, called string, may func(Token) bool) (Token, error) {
	all, err := t.store.Tokens(ctx)
	if err != nil {
		return Token{}, err
	}
	// A token may have a name that is another's ID.
	for _, is := range []func(Token) bool{func(t Token) bool { return t.ID == called }, func(t Token) bool { return t.Name == called }} {
		for _, token := range all {
			if is(token) && may(token) {
				return token, t.store.RemoveToken(ctx, token.ID)
			}
		}
	}
	return Token{}, fmt.Errorf("%q: %w", called, ErrNotFound)
}

// Recognises implements [Authenticator].
func (t *Tokens) Recognises(credential string) bool { return strings.HasPrefix(credential, prefix) }

// Authenticate implements [Authenticator].
func (t *Tokens) Authenticate(ctx context.Context, credential string) (Identity, error) {
	token, err := t.lookup(ctx, credential)
	if err != nil {
		return Identity{}, err
	}
	now := time.Now()
	until := now.Add(recheck)
	if !token.ExpiresAt.IsZero() && token.ExpiresAt.Before(until) {
		until = token.ExpiresAt
	}
	t.note(token, now)
	return Identity{Subject: token.Subject(), Grants: map[string]Role{token.Project: token.Role}, Until: until, Ends: token.ExpiresAt}, nil
}

// lookup returns the token of a secret if it is good, else an error that wraps
// ErrInvalid.
func (t *Tokens) lookup(ctx context.Context, secret string) (Token, error) {
	digest, wellFormed := hash(secret)
	if !wellFormed {
		return Token{}, fmt.Errorf("token: %w: it has not the form of one", ErrInvalid)
	}
	token, err := t.store.TokenByHash(ctx, digest)
	if errors.Is(err, ErrNotFound) {
		return Token{}, fmt.Errorf("token: %w: there is none like it", ErrInvalid)
	}
	if err != nil {
		return Token{}, errors.Join(ErrUnavailable, err)
	}
	if token.Expired(time.Now()) {
		return Token{}, fmt.Errorf("token %s: %w: it has expired", token.Name, ErrInvalid)
	}
	return token, nil
}

// grant makes a token that stands for another for a while, for who knows its
// name and secret. Such a token cannot be used to be granted another.
func (t *Tokens) grant(ctx context.Context, user, password string) (string, Token, error) {
	parent, err := t.lookup(ctx, password)
	if err != nil {
		return "", Token{}, err
	}
	if parent.Parent != "" || parent.Name != user {
		return "", Token{}, fmt.Errorf("password of %q: %w", user, ErrInvalid)
	}
	now := time.Now()
	expires := now.Add(t.lifetime)
	if !parent.ExpiresAt.IsZero() && parent.ExpiresAt.Before(expires) {
		expires = parent.ExpiresAt
	}
	granted := Token{ID: uuid.NewString(), Name: parent.Name, Project: parent.Project, Role: parent.Role,
		Parent: parent.ID, CreatedAt: now, ExpiresAt: expires}
	secret := newSecret()
	digest, _ := hash(secret)
	err = t.store.AddGrant(ctx, granted, digest, mostGranted)
	switch {
	case errors.Is(err, ErrNotFound): // it was revoked since
		return "", Token{}, fmt.Errorf("password of %q: %w", user, ErrInvalid)
	case err != nil:
		return "", Token{}, errors.Join(ErrUnavailable, err)
	}
	t.note(parent, now)
	return secret, granted, nil
}

// end removes the token of a secret if it was granted, and returns it.
func (t *Tokens) end(ctx context.Context, secret string) (Token, error) {
	token, err := t.lookup(ctx, secret)
	if errors.Is(err, ErrInvalid) || err == nil && token.Parent == "" {
		return Token{}, nil
	}
	if err != nil {
		return Token{}, err
	}
	if err := t.store.RemoveToken(ctx, token.ID); err != nil && !errors.Is(err, ErrNotFound) {
		return Token{}, errors.Join(ErrUnavailable, err)
	}
	return token, nil
}

// note notes that a token was used, on account of its parent if it has one.
func (t *Tokens) note(token Token, now time.Time) {
	id := token.ID
	if token.Parent != "" {
		id = token.Parent
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used[id] = now
}

// flush stores what was noted. What cannot be stored stays noted.
func (t *Tokens) flush(ctx context.Context) error {
	t.mu.Lock()
	used := maps.Clone(t.used)
	clear(t.used)
	t.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := t.store.NoteUse(ctx, used)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		for id, at := range used {
			if t.used[id].Before(at) {
				t.used[id] = at
			}
		}
	}
	return err
}
