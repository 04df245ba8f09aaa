package glancetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options says what cloud to start. The zero value is one region with Glance's
// defaults and the users of [DefaultUsers].
type Options struct {
	// Addr is where Keystone listens, as host:port. The default is a free port
	// of 127.0.0.1. The Glances take free ports of the same host: clients find
	// them in the catalogue.
	Addr string
	// Regions are the Glances. The default is one, RegionOne.
	Regions []Region
	// Users may log in. The default is DefaultUsers.
	Users []User
	// TokenLifetime is how long a token is good for. The default is an hour.
	// See also Server.ExpireTokens.
	TokenLifetime time.Duration
	// Now is the clock of tokens and image records; it must be safe for
	// concurrent use. The default is time.Now.
	Now func() time.Time
}

// A Region is one Glance. The zero value has Glance's defaults.
type Region struct {
	// Name is RegionOne if empty.
	Name string
	// HashAlgorithm fills os_hash_algo and os_hash_value: sha512 (the default),
	// sha384, sha256, sha1 or md5.
	HashAlgorithm string
	// NoChecksum leaves the MD5 checksum null, as Glance does on machines where
	// MD5 is forbidden, and saves the time to compute it.
	NoChecksum bool
	// Content says what becomes of uploaded bytes. The default is HashOnly.
	Content Content
	// SizeCap is the largest image in bytes (image_size_cap); zero means none.
	SizeCap int64
	// Quota is how many bytes a project may keep (user_storage_quota); zero
	// means no quota.
	Quota int64
}

// Content says what a Glance does with uploaded bytes.
type Content int

const (
	// HashOnly hashes and counts the bytes, and drops them: GET of the file is
	// answered with 501.
	HashOnly Content = iota
	// InMemory keeps them in memory.
	InMemory
	// InFiles keeps them in a temporary folder that Close removes.
	InFiles
	// Discard counts the bytes and nothing else: checksum, os_hash_algo and
	// os_hash_value stay null on an active image, as no real Glance leaves
	// them. It is for measuring how fast a client can send.
	Discard
)

// A Server is a running cloud. All its methods are safe for concurrent use.
type Server struct {
	// AuthURL is Keystone's address, as clouds.yaml wants it in auth_url.
	AuthURL string

	keystone *keystone
	glances  []*Glance
	faults   faults
	stats    stats // Keystone's own requests

	listeners []net.Listener
	servers   []*http.Server
	closing   chan struct{}  // ends hanging and slowed requests
	serving   sync.WaitGroup // Serve loops and handlers

	mu     sync.Mutex
	closed bool
}

// New is Start for tests: it panics where Start returns an error, which for
// Options without Addr, and with regions as documented, means that loopback has
// no free port.
func New(o Options) *Server {
	s, err := Start(o)
	if err != nil {
		panic(err)
	}
	return s
}

// Start starts a cloud. The caller owns it and ends it with Close. It returns
// an error if an address cannot be listened on, a hash algorithm is unknown or
// two regions have one name.
func Start(o Options) (*Server, error) {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.TokenLifetime = cmp.Or(o.TokenLifetime, time.Hour)
	if len(o.Regions) == 0 {
		o.Regions = []Region{{Name: "RegionOne"}}
	}
	if o.Users == nil {
		o.Users = DefaultUsers()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{closing: make(chan struct{})}
	if err := s.start(o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(o Options) error {
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return fmt.Errorf("keystone address %q: %w", o.Addr, err)
	}
	base, serve, err := s.listen(o.Addr)
	if err != nil {
		return err
	}
	s.AuthURL = base + "/v3"
	s.keystone = newKeystone(s.AuthURL, o)
	serve(s.keystoneRoutes())
	for _, region := range o.Regions {
		region.Name = cmp.Or(region.Name, "RegionOne")
		if s.Glance(region.Name) != nil {
			return fmt.Errorf("region %s: named twice", region.Name)
		}
		base, serve, err := s.listen(net.JoinHostPort(host, "0"))
		if err != nil {
			return err
		}
		g, err := newGlance(s, region, base, o.Now)
		if err != nil {
			return fmt.Errorf("region %s: %w", region.Name, err)
		}
		s.glances = append(s.glances, g)
		s.keystone.addImageEndpoint(region.Name, base)
		serve(g.routes())
	}
	return nil
}

// listen opens addr. Its address as a URL is known at once; connections are
// answered from serve on.
func (s *Server) listen(addr string) (base string, serve func(http.Handler), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	s.listeners = append(s.listeners, l)
	serve = func(h http.Handler) {
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.enter() {
				panic(http.ErrAbortHandler)
			}
			defer s.serving.Done()
			h.ServeHTTP(w, r)
		})}
		s.servers = append(s.servers, srv)
		s.serving.Go(func() { _ = srv.Serve(l) })
	}
	return "http://" + l.Addr().String(), serve, nil
}

// enter admits a request, whose handler calls s.serving.Done at its end. After
// Close nobody gets in any more.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.serving.Add(1)
	return true
}

// Close ends all requests, also hanging ones, waits for their handlers, and
// removes kept content. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	for _, srv := range s.servers {
		_ = srv.Close()
	}
	s.serving.Wait()
	for _, g := range s.glances {
		g.removeContent()
	}
}

// Glance returns the Glance of a region, or nil if there is none. The empty
// name is the first region.
func (s *Server) Glance(region string) *Glance {
	for _, g := range s.glances {
		if region == "" || g.Region == region {
			return g
		}
	}
	return nil
}

// errClosing ends a request because the server closes.
var errClosing = errors.New("server closes")

// pause waits for d, or until the client leaves or the server closes.
func (s *Server) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return errClosing
	}
}
