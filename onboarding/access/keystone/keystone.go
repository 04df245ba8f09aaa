package keystone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// recheck is how long an identity may be kept at most.
const recheck = time.Minute

// longestToken is how long a token may be, in bytes; Keystone takes no header
// that is longer.
const longestToken = 8 << 10

// A Keystone judges the tokens of one Keystone, and implements
// [access.Authenticator].
type Keystone struct {
	config Config
	client *http.Client
	url    string
	// own is a client in the name of gangway itself. Without it tokens are asked
	// about in their own.
	own *access.Lazy[gophercloud.ProviderClient]
}

var _ access.Authenticator = (*Keystone)(nil)

// New returns the Keystone of a configuration that was checked. It does not
// connect. The caller closes it.
func New(config Config) (*Keystone, error) {
	k := &Keystone{config: config.withDefaults(), url: config.URL}
	var err error
	if k.client, err = access.HTTPClient(config.CAFile); err != nil {
		return nil, fmt.Errorf("keystone: ca-file: %w", err)
	}
	if config.Cloud != "" {
		auth, _, tls, err := clouds.Parse(clouds.WithCloudName(config.Cloud))
		if err != nil {
			return nil, fmt.Errorf("keystone: cloud: %w", err)
		}
		k.url = auth.IdentityEndpoint
		k.client.Transport.(*http.Transport).TLSClientConfig = tls
		k.own = access.NewLazy(func(ctx context.Context) (*gophercloud.ProviderClient, error) { return k.login(ctx, auth) })
	}
	return k, nil
}

// Close gives idle connections back.
func (k *Keystone) Close() { k.client.CloseIdleConnections() }

// Recognises implements [access.Authenticator]. The tokens of a Keystone have no
// form that tells them: it takes what can be sent in a header.
func (k *Keystone) Recognises(credential string) bool {
	return credential != "" && len(credential) <= longestToken &&
		!strings.ContainsFunc(credential, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Authenticate implements [access.Authenticator].
func (k *Keystone) Authenticate(ctx context.Context, credential string) (access.Identity, error) {
	found, err := k.ask(ctx, credential)
	if err != nil {
		return access.Identity{}, k.explain(err)
	}
	token, err := found.ExtractToken()
	if err != nil {
		return access.Identity{}, unavailable(err)
	}
	user, err := found.ExtractUser()
	if err != nil || user == nil {
		return access.Identity{}, unavailable(errors.Join(errors.New("answer has no user"), err))
	}
	project, err := found.ExtractProject()
	if err != nil {
		return access.Identity{}, unavailable(err)
	}
	roles, err := found.ExtractRoles()
	if err != nil {
		return access.Identity{}, unavailable(err)
	}
	name, _ := k.config.name(user.Domain.Name, user.Name)
	id := access.Identity{Subject: "keystone " + name, Until: time.Now().Add(recheck), Ends: token.ExpiresAt}
	if token.ExpiresAt.Before(id.Until) {
		id.Until = token.ExpiresAt
	}
	if project != nil {
		id.Grants = k.config.grants(*project, roles)
	}
	return id, nil
}

// ask returns what the Keystone says about a token.
func (k *Keystone) ask(ctx context.Context, credential string) (tokens.GetResult, error) {
	if k.own == nil {
		provider, err := k.provider()
		if err != nil {
			return tokens.GetResult{}, err
		}
		provider.SetToken(credential)
		return get(ctx, provider, credential)
	}
	for first := true; ; first = false {
		provider, err := k.own.Get(ctx)
		if err != nil {
			return tokens.GetResult{}, err
		}
		found, err := get(ctx, provider, credential)
		if !first || !gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) {
			return found, err
		}
		k.own.Drop(provider) // its token has expired
	}
}

func get(ctx context.Context, provider *gophercloud.ProviderClient, credential string) (tokens.GetResult, error) {
	identity, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		return tokens.GetResult{}, err
	}
	found := tokens.Get(ctx, identity, credential)
	return found, found.Err
}

// login returns a client in the name of gangway itself.
func (k *Keystone) login(ctx context.Context, auth gophercloud.AuthOptions) (*gophercloud.ProviderClient, error) {
	provider, err := k.provider()
	if err != nil {
		return nil, err
	}
	if err := openstack.AuthenticateV3(ctx, provider, &auth, gophercloud.EndpointOpts{}); err != nil {
		return nil, fmt.Errorf("log in: %w", told(err))
	}
	return provider, nil
}

func (k *Keystone) provider() (*gophercloud.ProviderClient, error) {
	provider, err := openstack.NewClient(k.url)
	if err == nil {
		provider.HTTPClient = *k.client
	}
	return provider, err
}

// explain tells what an answer says about the token from what it says about us
// or the Keystone.
func (k *Keystone) explain(err error) error {
	switch {
	case gophercloud.ResponseCodeIs(err, http.StatusNotFound), gophercloud.ResponseCodeIs(err, http.StatusBadRequest),
		gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) && k.own == nil:
		return fmt.Errorf("keystone: %w", access.ErrInvalid)
	}
	return unavailable(told(err))
}

// told leaves the body of an answer out: it may be a page of a proxy.
func told(err error) error {
	var answer gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &answer) {
		return fmt.Errorf("%s %s: %d", answer.Method, answer.URL, answer.Actual)
	}
	return err
}

func unavailable(err error) error {
	return fmt.Errorf("keystone: %w: %w", access.ErrUnavailable, err)
}
