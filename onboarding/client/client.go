package client

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options say which server it is, and how to deal with it. Only Server must be set.
type Options struct {
	// Server is the URL of the server, http or https, such as
	// https://gangway.example.org. It may have a path, but no credentials.
	Server string
	// Token proves who the caller is: one of gangway, of Keystone or of an OpenID
	// Connect issuer. Without one, little is answered.
	Token string
	// Project is the one that calls are about, unless they say it themselves. Empty
	// leaves it to the server: the one that the token is for, or the default one.
	Project string
	// PlainHTTP permits sending the token without encryption to another machine.
	PlainHTTP bool
	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string
	// StateDir is a folder where uploads under way are noted, so that the next
	// process that onboards the same file goes on with them. It is made if it is
	// not there. Empty means none: an upload that ends early is then given up.
	StateDir string
	// UserAgent of requests; empty means gangway.
	UserAgent string
	// BackoffMin and BackoffMax bound the pause between attempts; zero means half a
	// second and 15 seconds.
	BackoffMin, BackoffMax time.Duration
	// Patience is how long an upload, a download or the waiting for a job is tried
	// without getting any further, and whatever a server asks to come back for; zero
	// means 10 minutes. Keep it above the time for which a server holds on to a
	// connection that is dead, a minute by default.
	Patience time.Duration
	// Stall is how long a connection may stand still; zero means 2 minutes.
	Stall time.Duration
	// Log is told of what is tried again; nil discards it.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.UserAgent = cmp.Or(o.UserAgent, "gangway")
	o.BackoffMin = cmp.Or(o.BackoffMin, 500*time.Millisecond)
	o.BackoffMax = cmp.Or(o.BackoffMax, max(o.BackoffMin, 15*time.Second))
	o.Patience = cmp.Or(o.Patience, 10*time.Minute)
	o.Stall = cmp.Or(o.Stall, 2*time.Minute)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// Client works on one server. It is safe for concurrent use; its calls share
// connections.
type Client struct {
	options Options
	server  string // without a slash at the end
	http    *http.Client
}

// New returns a client. It asks nobody; the error says which option is wrong.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	if o.BackoffMin < 1 || o.BackoffMax < o.BackoffMin || o.Patience < 1 || o.Stall < 1 {
		return nil, errors.New("client options: times must be positive, and the largest back-off not below the smallest")
	}
	u, err := url.Parse(o.Server)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("server: not an http or https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("server: the URL has more than host, port and path; credentials are given as a token")
	case strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("token: has characters that no token has; is it the content of the right file?")
	case o.Token != "" && u.Scheme == "http" && !loopback(u.Hostname()) && !o.PlainHTTP:
		return nil, fmt.Errorf("server %s: %w", o.Server, ErrClearText)
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		if tlsConfig.RootCAs, err = trust(o.CAFile); err != nil {
			return nil, fmt.Errorf("ca file %s: %w", o.CAFile, err)
		}
	}
	return &Client{options: o, server: strings.TrimSuffix(u.String(), "/"), http: &http.Client{
		Transport: &http.Transport{
			Proxy:           proxy,
			DialContext:     (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
			TLSClientConfig: tlsConfig,
			// Files are wanted as they are stored.
			DisableCompression:     true,
			MaxResponseHeaderBytes: 256 << 10,
			IdleConnTimeout:        30 * time.Second,
			ExpectContinueTimeout:  2 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes idle connections. It ends no call.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// in returns a client for a project. Empty means that of the client.
func (c *Client) in(project string) *Client {
	other := *c
	other.options.Project = cmp.Or(project, c.options.Project)
	return &other
}

// ErrClearText says that a token would go to another machine without encryption,
// which [Options.PlainHTTP] permits.
var ErrClearText = errors.New("without TLS the token could be read on the way: use https, or permit plain HTTP")

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// trust returns the system's certificates with those of a PEM file.
func trust(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no PEM certificate in it")
	}
	return pool, nil
}

// proxy is [http.ProxyFromEnvironment] without an error that shows the proxy's URL,
// and the password in it.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errors.New("the proxy's address is not a URL")
	}
	return u, nil
}
