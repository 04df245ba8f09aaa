package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// longestCredential is what is looked at, in bytes. Tokens of others may
	// list many groups.
	longestCredential = 16 << 10
	// kept is how many credentials are known to be good, and as many to be bad.
	kept = 4096
	// refused is how long a credential is known to be bad.
	refused = 10 * time.Second
)

// Gate is where every credential that a request brings is judged. It is safe for
// concurrent use.
type Gate struct {
	tokens         *Tokens
	authenticators []Authenticator
	failures       *failures

	good *lru.Cache[fingerprint, Identity]
	bad  *lru.Cache[fingerprint, time.Time] // until when
}

// fingerprint stands for a credential in memory: a SHA-256.
type fingerprint = [sha256.Size]byte

// NewGate returns a gate that knows gangway's tokens, and asks the first of the
// others that recognises a credential.
func NewGate(tokens *Tokens, config Config, others ...Authenticator) *Gate {
	return &Gate{
		tokens:         tokens,
		authenticators: append([]Authenticator{tokens}, others...),
		failures:       newFailures(config.withDefaults().FailedLogins),
		good:           newLRU[fingerprint, Identity](kept),
		bad:            newLRU[fingerprint, time.Time](kept),
	}
}

func newLRU[K comparable, V any](size int) *lru.Cache[K, V] {
	cache, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the size is not positive
	}
	return cache
}

// Authenticate judges the credential of a request that came from an address,
// such as the token of a bearer. The error is a *TooManyError, or wraps
// ErrInvalid or ErrUnavailable.
func (g *Gate) Authenticate(ctx context.Context, credential string, from netip.Addr) (Identity, error) {
	key := sha256.Sum256([]byte(credential))
	if id, found := g.good.Get(key); found && time.Now().Before(id.Until) {
		return id, nil
	}
	var id Identity
	err := g.judge(key, from, func() (err error) {
		id, err = g.ask(ctx, credential)
		return err
	})
	if err != nil {
		return Identity{}, err
	}
	g.good.Add(key, id)
	return id, nil
}

// Grant is the password grant of OAuth 2.0 (RFC 6749, clause 4.3): for the name
// of a token, and the token as its password, it returns a token that stands for
// that one until it expires or the first is revoked. The error is as with
// Authenticate.
func (g *Gate) Grant(ctx context.Context, user, password string, from netip.Addr) (value string, granted Token, err error) {
	err = g.judge(sha256.Sum256([]byte(user+"\x00"+password)), from, func() (err error) {
		value, granted, err = g.tokens.grant(ctx, user, password)
		return err
	})
	return value, granted, err
}

// End ends a token that Grant gave, at once in this process, and returns it. Another
// credential stays as it is, and one that is not good any more needs no end: the
// token is zero then. The error wraps ErrUnavailable.
func (g *Gate) End(ctx context.Context, credential string) (Token, error) {
	ended, err := g.tokens.end(ctx, credential)
	if err == nil && ended.ID != "" {
		g.good.Remove(sha256.Sum256([]byte(credential)))
	}
	return ended, err
}

// judge calls ask, unless the address has to wait or the credential was just
// found to be bad, and keeps what is found out. To repeat a bad credential, as
// programs do, is no further guess and counts once in a while only.
func (g *Gate) judge(key fingerprint, from netip.Addr, ask func() error) error {
	if until, found := g.bad.Get(key); found && time.Now().Before(until) {
		return ErrInvalid
	}
	if err := g.failures.check(from); err != nil {
		return err
	}
	err := ask()
	if errors.Is(err, ErrInvalid) {
		now := time.Now()
		if until, found, _ := g.bad.PeekOrAdd(key, now.Add(refused)); !found || !now.Before(until) {
			g.bad.Add(key, now.Add(refused))
			g.failures.count(from)
		}
	}
	return err
}

func (g *Gate) ask(ctx context.Context, credential string) (Identity, error) {
	if len(credential) > longestCredential {
		return Identity{}, ErrInvalid
	}
	for _, a := range g.authenticators {
		if a.Recognises(credential) {
			return a.Authenticate(ctx, credential)
		}
	}
	return Identity{}, ErrInvalid
}
