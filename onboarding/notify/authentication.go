package notify

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Authentication is how a subscriber wants to be authenticated to
// (SubscriptionAuthentication: NFV-SOL 013, clause 8.3.4).
type Authentication struct {
	Types  []string `json:"authType"`
	Basic  *Basic   `json:"paramsBasic,omitempty"`
	OAuth2 *OAuth2  `json:"paramsOauth2ClientCredentials,omitempty"`
}

// Basic is a user with a password (RFC 7617).
type Basic struct {
	User     string `json:"userName"`
	Password string `json:"password"`
}

// OAuth2 are client credentials (RFC 6749, clause 4.4).
type OAuth2 struct {
	ClientID      string `json:"clientId"`
	Password      string `json:"clientPassword"`
	TokenEndpoint string `json:"tokenEndpoint"`
}

const (
	authBasic  = "BASIC"
	authOAuth2 = "OAUTH2_CLIENT_CREDENTIALS"
	authTLS    = "TLS_CERT"
)

// check completes an authentication to the one way that is used: of several that
// the subscriber takes, OAuth 2.0 goes first, since it sends no password to the
// callback.
func (a *Authentication) check() error {
	fail := func(attribute, reason string) error {
		return &InvalidError{Attribute: "authentication/" + attribute, Reason: reason}
	}
	for _, t := range a.Types {
		if t != authBasic && t != authOAuth2 && t != authTLS {
			return fail("authType", fmt.Sprintf("expected %s, %s or %s, found %q", authBasic, authOAuth2, authTLS, t))
		}
	}
	switch {
	case slices.Contains(a.Types, authOAuth2):
		if a.OAuth2 == nil || a.OAuth2.ClientID == "" {
			return fail("paramsOauth2ClientCredentials", "expected clientId, clientPassword and tokenEndpoint")
		}
		a.Basic = nil
		return checkURI("authentication/paramsOauth2ClientCredentials/tokenEndpoint", a.OAuth2.TokenEndpoint)
	case slices.Contains(a.Types, authBasic):
		if a.Basic == nil || a.Basic.User == "" {
			return fail("paramsBasic", "expected userName and password")
		}
		a.OAuth2 = nil
		return nil
	case slices.Contains(a.Types, authTLS):
		return &InvalidError{Attribute: "authentication/authType", Unsupported: true,
			Reason: fmt.Sprintf("%s alone is not supported; %s and %s are", authTLS, authBasic, authOAuth2)}
	}
	return fail("authType", "expected at least one")
}

func (a *Authentication) seal(key *Key, subscription string) ([]byte, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("subscription %s: %w", subscription, err)
	}
	return key.Seal(text, subscription), nil
}

// authentication opens what a subscription has sealed; nil is none.
func (s Subscription) authentication(key *Key) (*Authentication, error) {
	if s.Sealed == nil {
		return nil, nil
	}
	text, err := key.Open(s.Sealed, s.ID)
	if err != nil {
		return nil, fmt.Errorf("authentication of subscription %s: %w", s.ID, err)
	}
	a := new(Authentication)
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("authentication of subscription %s: %w", s.ID, err)
	}
	return a, nil
}
