package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// recheck is how long an identity may be kept at most.
const recheck = time.Minute

// algorithms are those that prove who signed: none of them works with a shared
// secret.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// An Issuer judges the tokens of one issuer, and implements
// [access.Authenticator].
type Issuer struct {
	config   Config
	client   *http.Client
	verifier *access.Lazy[oidc.IDTokenVerifier]
}

var _ access.Authenticator = (*Issuer)(nil)

// New returns the issuer of a configuration that was checked. It does not
// connect. The caller closes it.
func New(config Config) (*Issuer, error) {
	client, err := access.HTTPClient(config.CAFile)
	if err != nil {
		return nil, fmt.Errorf("oidc: ca-file: %w", err)
	}
	i := &Issuer{config: config, client: client}
	i.verifier = access.NewLazy(i.discover)
	return i, nil
}

// Close gives idle connections back.
func (i *Issuer) Close() { i.client.CloseIdleConnections() }

// discover asks the issuer where its keys are.
func (i *Issuer) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	ctx = oidc.ClientContext(ctx, i.client)
	provider, err := oidc.NewProvider(ctx, i.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", i.config.Issuer, err)
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("discover %s: %w", i.config.Issuer, err)
	}
	return oidc.NewVerifier(i.config.Issuer, keySet{oidc.NewRemoteKeySet(ctx, found.Keys)},
		&oidc.Config{ClientID: i.config.Audience, SupportedSigningAlgs: algorithms}), nil
}

// Recognises implements [access.Authenticator]: it knows a token by the issuer
// that it names.
func (i *Issuer) Recognises(credential string) bool {
	parts := strings.Split(credential, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(payload, &claims) == nil && claims.Issuer == i.config.Issuer
}

// Authenticate implements [access.Authenticator].
func (i *Issuer) Authenticate(ctx context.Context, credential string) (access.Identity, error) {
	verifier, err := i.verifier.Get(ctx)
	if err != nil {
		return access.Identity{}, fmt.Errorf("oidc: %w: %w", access.ErrUnavailable, err)
	}
	var unanswered error
	token, err := verifier.Verify(context.WithValue(ctx, unansweredKey{}, &unanswered), credential)
	switch {
	case unanswered != nil:
		return access.Identity{}, fmt.Errorf("oidc: %w: %w", access.ErrUnavailable, unanswered)
	case err != nil:
		return access.Identity{}, fmt.Errorf("oidc: %w: %w", access.ErrInvalid, err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return access.Identity{}, fmt.Errorf("oidc: %w: %w", access.ErrInvalid, err)
	}
	name := i.config.subject(claims)
	if name == "" {
		return access.Identity{}, fmt.Errorf("oidc: %w: it has no name for who it is", access.ErrInvalid)
	}
	until := time.Now().Add(recheck)
	if token.Expiry.Before(until) {
		until = token.Expiry
	}
	return access.Identity{Subject: "oidc " + name, Grants: i.config.grants(claims), Until: until, Ends: token.Expiry}, nil
}

// unansweredKey is the context key of where a keySet puts its error when the
// issuer did not answer.
type unansweredKey struct{}

// keySet tells that the keys could not be had from that a signature is wrong,
// which the verifier does not.
type keySet struct{ keys *oidc.RemoteKeySet }

func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.keys.VerifySignature(ctx, jwt)
	// Only for keys that could not be had there is a cause.
	if cause := errors.Unwrap(err); cause != nil {
		if into, ok := ctx.Value(unansweredKey{}).(*error); ok {
			*into = cause
		}
	}
	return payload, err
}
