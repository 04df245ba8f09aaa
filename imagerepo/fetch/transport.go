package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	maxRedirects   = 10
	maxHeaderBytes = 256 << 10
)

// Credential authenticates to one host: a bearer token, or else a user with a
// password.
type Credential struct {
	Token    string
	User     string
	Password string
	// PlainHTTP permits sending the credential without encryption.
	PlainHTTP bool
}

// transport sends each hop of a request: it refuses what is not http or https,
// goes through the proxy or else through the guard, and adds the credential of
// the hop's own host and of no other.
type transport struct {
	guard       *Guard
	proxy       func(*http.Request) (*url.URL, error)
	direct      *http.Transport
	proxied     *http.Transport
	credentials map[string]Credential // by host:port
}

func newTransport(o Options, guard *Guard, tlsConfig *tls.Config) *transport {
	t := &transport{guard: guard, proxy: o.Proxy, credentials: map[string]Credential{}}
	for host, c := range o.Credentials {
		if _, _, err := net.SplitHostPort(host); err == nil {
			t.credentials[strings.ToLower(host)] = c
			continue
		}
		for _, port := range []string{"80", "443"} {
			t.credentials[net.JoinHostPort(hostKey(host), port)] = c
		}
	}
	base := http.Transport{
		// The bytes are wanted as they are stored; Accept-Encoding says so.
		DisableCompression:     true,
		TLSClientConfig:        tlsConfig,
		MaxResponseHeaderBytes: maxHeaderBytes,
		IdleConnTimeout:        30 * time.Second,
	}
	t.direct = base.Clone()
	t.direct.DialContext = stallGuarded(guard.DialContext, o.StallTimeout)
	// The proxy is the operator's choice, so its own address is not guarded.
	t.proxied = base.Clone()
	t.proxied.Proxy = o.Proxy
	t.proxied.DialContext = stallGuarded((&net.Dialer{Timeout: 30 * time.Second}).DialContext, o.StallTimeout)
	return t
}

// with returns a transport that knows one more credential and shares the rest.
func (t *transport) with(u *url.URL, c Credential) *transport {
	v := *t
	v.credentials = maps.Clone(t.credentials)
	v.credentials[endpoint(u)] = c
	return &v
}

// endpoint is the host and port that a URL leads to.
func endpoint(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(hostKey(u.Hostname()), port)
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, &RedirectError{Reason: "scheme is not http or https"}
	}
	if c, ok := t.credentials[endpoint(req.URL)]; ok && (req.URL.Scheme == "https" || c.PlainHTTP) {
		req = req.Clone(req.Context())
		if c.Token != "" {
			req.Header.Set("Authorization", "Bearer "+c.Token)
		} else {
			req.SetBasicAuth(c.User, c.Password)
		}
	}
	proxy, err := t.proxy(req)
	if err != nil {
		// The error would show the proxy's URL, and the password in it.
		return nil, errors.New("the proxy's address is not a URL")
	}
	hop := t.direct
	if proxy != nil {
		if err := t.guard.CheckName(req.URL.Hostname()); err != nil {
			return nil, err
		}
		hop = t.proxied
	}
	resp, err := hop.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		if _, err := req.URL.Parse(location); err != nil {
			resp.Body.Close()
			return nil, &RedirectError{Reason: "its Location is not a URL"}
		}
	}
	return resp, nil
}

// checkRedirect is the [http.Client.CheckRedirect] of every fetch.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &RedirectError{Reason: fmt.Sprintf("more than %d", maxRedirects)}
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme == "http" {
		return &RedirectError{Reason: "it leads from https to http"}
	}
	// The referrer shows the query of a signed URL to another host.
	req.Header.Del("Referer")
	req.URL.User = nil
	return nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// stallGuarded makes connections that fail with [ErrStalled] when a read or write
// waits for d without a byte. It holds for the TLS handshake, the headers and the
// body alike, and costs nothing while the consumer, not the network, is slow.
func stallGuarded(dial dialFunc, d time.Duration) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &stallConn{Conn: conn, limit: d}, nil
	}
}

type stallConn struct {
	net.Conn
	limit time.Duration
}

func (c *stallConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	return n, c.stalled(err)
}

// Write renews the deadline of reading, too: on a connection that was idle the
// transport has been reading since long before this request.
func (c *stallConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	return n, c.stalled(err)
}

func (c *stallConn) stalled(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: no byte for %s", ErrStalled, c.limit)
	}
	return err
}
