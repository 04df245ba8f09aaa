package glance

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"golang.org/x/sync/semaphore"

	"github.com/gangway-nfv/gangway/vim"
)

// Options say how to speak to a VIM. The zero value works.
type Options struct {
	// StallTimeout is how long an upload may stand still. The default is 60 s.
	// For the VIM's answer, when it has all bytes, ten times as long is waited.
	StallTimeout time.Duration
	// CallTimeout is how long any other request may take. The default is 60 s.
	CallTimeout time.Duration
	// RetryPause is the first pause before a request is repeated that failed
	// for a reason that may pass; it doubles. The default is 200 ms.
	RetryPause time.Duration
	// Tries is how often such a request is sent. The default is 4.
	Tries int
}

// A Cloud is a VIM of the configuration, and implements [vim.Cloud]. It is safe
// for concurrent use.
type Cloud struct {
	name      string
	auth      gophercloud.AuthOptions
	endpoint  gophercloud.EndpointOpts
	transport *http.Transport
	options   Options

	connecting *semaphore.Weighted
	mu         sync.Mutex
	session    *session
}

var _ vim.Cloud = (*Cloud)(nil)

// A session is a connected Cloud.
type session struct {
	images  *gophercloud.ServiceClient
	project vim.Project
	user    string
	roles   []string
}

func newCloud(name string, auth gophercloud.AuthOptions, endpoint gophercloud.EndpointOpts, tls *tls.Config, o Options) *Cloud {
	o.StallTimeout = cmp.Or(o.StallTimeout, time.Minute)
	o.CallTimeout = cmp.Or(o.CallTimeout, time.Minute)
	o.RetryPause = cmp.Or(o.RetryPause, 200*time.Millisecond)
	o.Tries = cmp.Or(o.Tries, 4)
	// A token that was given cannot be replaced by a new one.
	auth.AllowReauth = auth.TokenID == ""
	return &Cloud{
		name: name, auth: auth, endpoint: endpoint, options: o,
		transport:  newTransport(tls),
		connecting: semaphore.NewWeighted(1),
	}
}

// Name implements [vim.Cloud].
func (c *Cloud) Name() string { return c.name }

// Close gives idle connections back. The Cloud may be used again.
func (c *Cloud) Close() { c.transport.CloseIdleConnections() }

// Project implements [vim.Cloud].
func (c *Cloud) Project(ctx context.Context) (vim.Project, error) {
	s, err := c.connect(ctx)
	if err != nil {
		return vim.Project{}, err
	}
	return s.project, nil
}

// connect authenticates when it is first called. A failure is not kept: the
// next call tries again.
func (c *Cloud) connect(ctx context.Context) (*session, error) {
	if s := c.connected(); s != nil {
		return s, nil
	}
	if err := c.connecting.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer c.connecting.Release(1)
	if s := c.connected(); s != nil {
		return s, nil
	}
	var s *session
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		s, err = c.authenticate(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.auth.IdentityEndpoint, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
	return s, nil
}

func (c *Cloud) connected() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

func (c *Cloud) authenticate(ctx context.Context) (*session, error) {
	provider, err := config.NewProviderClient(ctx, c.auth,
		config.WithHTTPClient(http.Client{Transport: sized{c.transport}}))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	// No version is asked for: gophercloud would discover it with requests that
	// no context ends.
	search := c.endpoint
	search.ApplyDefaults("image")
	endpoint, err := provider.EndpointLocator(search)
	if err != nil {
		return nil, fmt.Errorf("image service in region %q: %w", c.endpoint.Region, err)
	}
	// Some catalogues have the version in the endpoint already.
	endpoint = strings.TrimSuffix(endpoint, "v2/")
	images := &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: endpoint, ResourceBase: endpoint + "v2/"}
	s := &session{images: images}
	return s, s.read(provider.GetAuthResult())
}

// read takes from the token whose it is.
func (s *session) read(result gophercloud.AuthResult) error {
	token, ok := result.(interface {
		ExtractProject() (*tokens.Project, error)
		ExtractUser() (*tokens.User, error)
		ExtractRoles() ([]tokens.Role, error)
	})
	if !ok {
		return errors.New("keystone v3 is needed")
	}
	project, err := token.ExtractProject()
	if err != nil {
		return err
	}
	if project == nil {
		return errors.New("the token has no project: set project_name or project_id")
	}
	s.project = vim.Project{ID: project.ID, Name: project.Name}
	if user, err := token.ExtractUser(); err == nil && user != nil {
		s.user = user.Name
	}
	roles, err := token.ExtractRoles()
	for _, r := range roles {
		s.roles = append(s.roles, r.Name)
	}
	return err
}
