package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options configures a [Client]. The zero value works: it fetches from public
// addresses only.
type Options struct {
	// Allow lists addresses, CIDR prefixes and host names that may be connected
	// to whatever they are, see [NewGuard].
	Allow []string
	// AllowPrivate opens private networks, see [NewGuard].
	AllowPrivate bool
	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string
	// Credentials by host or host:port. Without a port they are for the default
	// ports of http and https.
	Credentials map[string]Credential
	// Proxy chooses the proxy of a request as in [http.Transport.Proxy]; nil
	// means [http.ProxyFromEnvironment]. A proxy resolves names itself, so of a
	// proxied URL only the name is checked, see [Guard.CheckName]; networks behind
	// the proxy are the proxy's to protect.
	Proxy func(*http.Request) (*url.URL, error)
	// Attempts is how many times in a row a transfer may fail without a new byte;
	// zero means 8.
	Attempts int
	// BackoffMin and BackoffMax bound the pause between attempts; zero means half
	// a second and 30 seconds.
	BackoffMin, BackoffMax time.Duration
	// RetryAfterMax caps a server's Retry-After; zero means 2 minutes.
	RetryAfterMax time.Duration
	// StallTimeout is how long a connection may stand still; zero means a minute.
	StallTimeout time.Duration
	// MaxSize limits the bytes of the source and of the content, each; zero means
	// 256 GiB.
	MaxSize int64
	// UserAgent of requests; empty means gangway.
	UserAgent string
	// Logger gets a line for every failed attempt; nil discards them.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Attempts = cmp.Or(o.Attempts, 8)
	o.BackoffMin = cmp.Or(o.BackoffMin, 500*time.Millisecond)
	o.BackoffMax = cmp.Or(o.BackoffMax, 30*time.Second)
	o.RetryAfterMax = cmp.Or(o.RetryAfterMax, 2*time.Minute)
	o.StallTimeout = cmp.Or(o.StallTimeout, time.Minute)
	o.MaxSize = cmp.Or(o.MaxSize, 256<<30)
	o.UserAgent = cmp.Or(o.UserAgent, "gangway")
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// validate refuses what would otherwise fail in every request.
func (o Options) validate() error {
	if o.Attempts < 1 || o.BackoffMin < 1 || o.BackoffMax < o.BackoffMin || o.RetryAfterMax < 1 || o.StallTimeout < 1 || o.MaxSize < 1 {
		return errors.New("fetch options: numbers must be positive, and the largest back-off not below the smallest")
	}
	for host, c := range o.Credentials {
		if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("credential for %s: the token has characters that a header cannot have", host)
		}
	}
	return nil
}

// Client opens URLs. It is safe for concurrent use; its fetches share connections.
type Client struct {
	options   Options
	transport *transport
}

// New returns a client. The error says which option is wrong.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	guard, err := NewGuard(o.AllowPrivate, o.Allow)
	if err != nil {
		return nil, err
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		if tlsConfig.RootCAs, err = trust(o.CAFile); err != nil {
			return nil, fmt.Errorf("ca file %s: %w", o.CAFile, err)
		}
	}
	return &Client{options: o, transport: newTransport(o, guard, tlsConfig)}, nil
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

// HTTP returns a client for short requests to URLs from outside: it goes through
// the guard and the proxy and trusts the same certificates. It knows none of the
// credentials, makes a connection for each request, and follows no redirect.
func (c *Client) HTTP() *http.Client {
	t := *c.transport
	t.credentials = nil
	t.direct, t.proxied = t.direct.Clone(), t.proxied.Clone()
	t.direct.DisableKeepAlives, t.proxied.DisableKeepAlives = true, true
	return &http.Client{
		Transport:     &t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close closes idle connections. Responses that are open stay open.
func (c *Client) Close() {
	c.transport.direct.CloseIdleConnections()
	c.transport.proxied.CloseIdleConnections()
}

// Request says what to fetch and what is known of it. Only URL is required.
type Request struct {
	// URL is absolute, http or https. User info in it is the credential for its
	// own host.
	URL string
	// Digests are the stated ones, hex by algorithm (md5, sha1, sha224, sha256,
	// sha384, sha512). They may be those of the source or of what is inside, see
	// [Response.Verify].
	Digests map[string]string
	// Size is the stated size in bytes, zero if unknown. It, too, may be that of
	// a compressed source or of what is inside.
	Size int64
	// ETag and LastModified are those of a copy that the caller holds. If it is
	// current, Open returns [ErrNotModified].
	ETag, LastModified string
	// Compression is the stated one: gz, xz, zst, bz2, or empty.
	Compression string
	// DiskFormat and ContainerFormat are the declared ones. A compressed source is
	// decompressed where they do not fit a compressed file.
	DiskFormat, ContainerFormat string
	// AsIs delivers a source that is compressed as it is, unless the server
	// compressed it on its own account.
	AsIs bool
	// Progress, if not nil, is called from Read with the bytes of the source
	// that have arrived and their number in all, -1 where that is unknown. It must
	// be quick.
	Progress func(done, total int64)
}

// Open starts to fetch a URL and returns once the first bytes have been looked
// at. The context governs the whole transfer, until the response is closed.
//
// Errors name the URL in redacted form. They wrap [ErrURL], [ErrNotModified], a
// [*BlockedError], [*RedirectError], [*StatusError], [*ContentError],
// [*CompressionError], [*SizeError], [ErrTooLarge], [ErrStalled], or the error of
// the network or of the context.
func (c *Client) Open(ctx context.Context, req Request) (*Response, error) {
	u, err := parseURL(req.URL)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", Redact(req.URL), err)
	}
	hop := c.transport
	if u.User != nil {
		password, _ := u.User.Password()
		hop = hop.with(u, Credential{User: u.User.Username(), Password: password, PlainHTTP: true})
		u.User = nil
	}
	ctx, cancel := context.WithCancel(ctx)
	s := newSource(ctx, c.options, hop, u, req)
	r, err := newResponse(s, req, cancel)
	if err != nil {
		s.Close()
		cancel()
		return nil, fmt.Errorf("fetch %s: %w", redact(u), err)
	}
	return r, nil
}

// Check says what is wrong with a URL as far as it can be told without asking
// anybody: the error wraps [ErrURL], or is a [*BlockedError] for a host that is
// given as an address which is refused. What a name leads to is seen when the URL
// is opened.
func (c *Client) Check(raw string) error {
	u, err := parseURL(raw)
	if err == nil {
		err = c.transport.guard.CheckName(u.Hostname())
	}
	if err != nil {
		return fmt.Errorf("URL %s: %w", Redact(raw), err)
	}
	return nil
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, ErrURL
	}
	return u, nil
}
