package access

import (
	"context"
	"fmt"
	"time"
)

// Issuer is somebody who makes, sees and revokes tokens as far as he may himself. It
// is safe for concurrent use.
type Issuer struct {
	tokens   *Tokens
	identity Identity
}

// As returns the tokens as somebody may use them who is not on the machine.
func (t *Tokens) As(identity Identity) Issuer { return Issuer{t, identity} }

// DeniedError says that somebody may not do something with tokens.
type DeniedError struct{ Reason string }

func (e *DeniedError) Error() string { return e.Reason }

// administers reports whether somebody is an admin where a token holds: in its
// project, or in all of them.
func (id Identity) administers(where string) bool {
	if where == AllProjects {
		return id.Grants[AllProjects].Includes(Admin)
	}
	return id.Role(where).Includes(Admin)
}

// Create makes a token as [Tokens.Create] does. It takes an admin of where the token
// holds, who so may all that it allows, and no token may expire
// later than the one that its issuer came with, though it stays when that one is
// revoked. Otherwise it fails with a *DeniedError.
func (i Issuer) Create(ctx context.Context, n NewToken) (Token, string, error) {
	if err := n.Check(); err != nil {
		return Token{}, "", err
	}
	if err := i.allow(n.Project); err != nil {
		return Token{}, "", err
	}
	if ends := i.identity.Ends; !ends.IsZero() && (n.ExpiresAt.IsZero() || n.ExpiresAt.After(ends)) {
		return Token{}, "", &DeniedError{fmt.Sprintf("a token that ends at %s makes none that lasts longer: ask for one that expires by then",
			ends.UTC().Format(time.RFC3339))}
	}
	return i.tokens.Create(ctx, n)
}

// allow returns a *DeniedError unless the issuer is an admin there. Whether there is
// such a project it does not tell.
func (i Issuer) allow(where string) error {
	switch {
	case i.identity.administers(where):
		return nil
	case where == AllProjects:
		return &DeniedError{"the tokens of all projects take an admin of all projects"}
	}
	return &DeniedError{fmt.Sprintf("the tokens of project %q take an admin there", where)}
}

// List returns the tokens of a project, or with AllProjects every token, by name. It
// fails with a *DeniedError. Those that hold in all projects are listed for an admin
// of all of them only.
func (i Issuer) List(ctx context.Context, project string) ([]Token, error) {
	if err := i.allow(project); err != nil {
		return nil, err
	}
	all, err := i.tokens.List(ctx, project)
	if err != nil {
		return nil, err
	}
	var listed []Token
	for _, token := range all {
		if i.identity.administers(token.Project) {
			listed = append(listed, token)
		}
	}
	return listed, nil
}

// Revoke removes a token as [Tokens.Revoke] does. One of a project in which the
// issuer is no admin is not there for him: the error wraps ErrNotFound.
func (i Issuer) Revoke(ctx context.Context, called string) (Token, error) {
	return i.tokens.revoke(ctx, called, func(t Token) bool { return i.identity.administers(t.Project) })
}
