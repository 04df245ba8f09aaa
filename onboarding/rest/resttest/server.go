package resttest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// Config is how a server is set up. Its zero value works.
type Config struct {
	// Packages and Operations need not name the other parts.
	Packages   vnfpkg.Config
	Operations operation.Config
	// Idle leaves jobs in the queue.
	Idle bool
	// Wrap, if not nil, returns what stands before the server.
	Wrap func(http.Handler) http.Handler
}

// Server is an HTTP server on loopback with all that doors stand before, on a
// folder of its own. Its VIMs are those of clouds.yaml, see [Clouds].
type Server struct {
	*httptest.Server // nil until Serve
	Home             string
	Catalog          *catalog.Catalog
	Records          *ledger.Ledger
	Fetch            *fetch.Client // which may talk to loopback, and tries once
	Pipeline         *onboarding.Pipeline
	Queue            *job.Queue
	Packages         *vnfpkg.Service
	Operations       *operation.Service
	VIMs             VIMs
	Audit            Audit
	// Ahead is by how many nanoseconds Now is ahead of the time.
	Ahead atomic.Int64
	// Kinds are the jobs that are run, and may be changed before Serve.
	Kinds map[job.Kind]job.KindOptions
	// Header has the lines of the header, such as "Accept: */*", that requests have
	// unless they say otherwise.
	Header []string
	// Check is done on every answer of Do; the default is [Problem].
	Check func(testing.TB, Answer)

	config  Config
	closers []func() error // in the order of opening
}

// New returns a server on a temporary folder, which the test closes.
func New(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir(), c)
	NoError(t, err)
	t.Cleanup(func() { NoError(t, s.Close()) })
	return s
}

// Open returns a server on a folder that may be that of one which was closed. The
// caller closes it.
func Open(ctx context.Context, home string, c Config) (_ *Server, err error) {
	s := &Server{Home: home, Check: Problem, config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	log := slog.New(slog.DiscardHandler)
	if s.Catalog, err = catalog.Open(ctx, filepath.Join(home, "gangway.db")); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.Catalog.Close)
	if s.Records, err = ledger.Open(ctx, s.Catalog); err != nil {
		return nil, err
	}
	files, err := fsstore.Open(filepath.Join(home, "images"))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, files.Close)
	if s.Fetch, err = fetch.New(fetch.Options{Allow: []string{"127.0.0.1"}, Attempts: 1}); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error { s.Fetch.Close(); return nil })
	if s.VIMs.Pool, err = glance.NewPool(glance.Options{}, log); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error { s.VIMs.Close(); return nil })
	s.Pipeline = &onboarding.Pipeline{Repository: imagerepo.New(s.Records.Limited(c.Packages.Limits.ProjectBytes, c.Packages.Keep), files, log), Fetch: s.Fetch}
	s.Queue = job.NewQueue(s.Records.Jobs(), job.Options{})

	c.Packages.Pipeline, c.Packages.Queue, c.Packages.Now = s.Pipeline, s.Queue, s.Now
	c.Packages.Store, c.Packages.Folder = s.Records.Resources(), filepath.Join(home, "packages")
	if s.Packages, err = vnfpkg.New(c.Packages); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.Packages.Close)
	c.Operations.Pipeline, c.Operations.Queue, c.Operations.VIMs, c.Operations.Packages = s.Pipeline, s.Queue, s.VIMs, s.Packages
	c.Operations.Launches.Poll, c.Operations.Log = cmp.Or(c.Operations.Launches.Poll, 2*time.Millisecond), log
	s.Operations = operation.New(c.Operations)
	s.Kinds = s.Operations.Kinds()
	maps.Copy(s.Kinds, s.Packages.Kinds())
	return s, nil
}

// Now is the clock of the server.
func (s *Server) Now() time.Time { return time.Now().Add(time.Duration(s.Ahead.Load())) }

// Serve serves doors, and runs the jobs until the server is closed. The options
// have [Gate] and the server's audit log unless they name others.
func (s *Server) Serve(o rest.Options, doors ...rest.Door) error {
	if o.Gate == nil {
		o.Gate = Gate{}
	}
	if o.Audit == nil {
		o.Audit = &s.Audit
	}
	server, err := rest.New(doors, o)
	if err != nil {
		return err
	}
	if !s.config.Idle {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Queue.Run(ctx, s.Kinds) }()
		s.closers = append(s.closers, func() error { stop(); return <-ended })
	}
	handler := http.Handler(server)
	if s.config.Wrap != nil {
		handler = s.config.Wrap(handler)
	}
	s.Server = httptest.NewUnstartedServer(handler)
	s.Server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.Start()
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.closers = append(s.closers, func() error {
		defer s.Server.Close()
		return s.Server.Config.Close() // cuts requests, which the other would wait for
	})
	return nil
}

// Close cuts requests and stops the jobs. It may be called again.
func (s *Server) Close() (err error) {
	for _, end := range slices.Backward(s.closers) {
		err = errors.Join(err, end())
	}
	s.closers = nil
	return err
}
