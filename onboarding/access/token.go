package access

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Token is what is known of a token of gangway. It is plain data, without the
// secret.
type Token struct {
	// ID is a UUID.
	ID string
	// Name is unique among the tokens without a Parent.
	Name string
	// Project is where Role holds, or AllProjects.
	Project string
	Role    Role
	// Parent is the ID of the token that somebody logged in with to be granted
	// this one; empty for a token that an administrator made.
	Parent    string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	// UsedAt is when the token, or one granted for it, was last used, give or
	// take a few minutes; zero: never.
	UsedAt time.Time
}

// Subject names who has the token, see [Identity].
func (t Token) Subject() string { return "token " + t.Name }

// Expired reports whether the token is not good any more.
func (t Token) Expired(now time.Time) bool {
	return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)
}

var (
	// ErrNotFound says that there is no such token.
	ErrNotFound = errors.New("token not found")
	// ErrNameTaken says that another token has the name.
	ErrNameTaken = errors.New("name is taken by another token")
)

// TokenStore keeps tokens under the SHA-256 of their secrets. Each method is one
// transaction. Implementations are safe for concurrent use by goroutines and
// processes.
type TokenStore interface {
	// AddToken adds a token. It wraps ErrNameTaken.
	AddToken(ctx context.Context, t Token, hash string) error
	// AddFirstToken adds a token if there is none at all, and reports whether it
	// did. Place runs before the token is there for others, while nobody else
	// can add one; its error undoes everything.
	AddFirstToken(ctx context.Context, t Token, hash string, place func() error) (bool, error)
	// AddGrant adds a token with a Parent. Of the tokens with that parent it
	// removes the oldest when there are more than most. It wraps ErrNotFound if
	// the parent is gone.
	AddGrant(ctx context.Context, t Token, hash string, most int) error
	// TokenByHash wraps ErrNotFound.
	TokenByHash(ctx context.Context, hash string) (Token, error)
	// Tokens returns the tokens without a Parent, by name.
	Tokens(ctx context.Context) ([]Token, error)
	// RemoveToken removes a token and those granted for it. It wraps
	// ErrNotFound.
	RemoveToken(ctx context.Context, id string) error
	// NoteUse notes when tokens were last used, by their IDs.
	NoteUse(ctx context.Context, used map[string]time.Time) error
	// PurgeTokens removes the tokens that have expired before a time, and those
	// with a Parent that have expired before another.
	PurgeTokens(ctx context.Context, before, granted time.Time) error
}

// InputError says what is wrong with a request for a token.
type InputError struct {
	Field  string // name, project, role or expires
	Reason string
}

func (e *InputError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Reason) }
