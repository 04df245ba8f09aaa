package vnfpkg

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// The kinds of jobs that are about packages. Their subject is the ID of a
// package resource.
const (
	// KindOnboard takes an archive that has arrived through the pipeline. Its
	// result is an [Outcome].
	KindOnboard job.Kind = "onboard"
	// KindFetch gets the archive from a URL before. Its result is an [Outcome].
	KindFetch job.Kind = "fetch"
	// KindLaunch gives VIMs what a package needs. It is not run here, but a
	// package is in use while such a job has not ended.
	KindLaunch job.Kind = "launch"
)

// Limits bound what callers may take. Zero means that there is no limit.
type Limits struct {
	PackageSize int64 // bytes of one archive
	// ProjectBytes is bytes of a project: images, kept archives and uploads under way.
	// Images are held to it by the repository when they are published; see
	// ledger.Limited.
	ProjectBytes    int64
	ProjectPackages int // resources and packages of a project
	ProjectUploads  int // requests of a project that send bytes at once, in this process
}

// Config is what a service works with.
type Config struct {
	// Pipeline takes packages in. Its Repository and Fetch must be set.
	Pipeline *onboarding.Pipeline
	Store    Store
	// Queue is run by the caller, with the kinds of [Service.Kinds].
	Queue *job.Queue
	// Folder is where archives are. It is made if it is not there, and is for
	// nothing else.
	Folder string
	Limits Limits
	// Keep leaves archives after they were onboarded.
	Keep bool
	// Onboardings and Fetches are how many archives this process takes through the
	// pipeline at once, and how many it gets from URLs; zero means two and four.
	Onboardings, Fetches int
	// Followers is how many tars are taken through the pipeline while they
	// arrive; what comes beyond that is left to the job. Zero means none.
	Followers int
	// Expiry is how long a resumable upload may stand still; zero means a day.
	Expiry time.Duration
	// Log is told what happens; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service is the package resources. It is safe for concurrent use; several
// processes may work on the same store and folder. Errors about a resource that
// is not there, or is another project's, wrap imagerepo.ErrNotFound.
type Service struct {
	Config
	boot      string // of the machine; empty if it cannot be told
	followers places // of arrivals
	fetching  places // of jobs that get an archive
	onboards  places // of jobs whose archive is taken through the pipeline
	// hashing has room for half of the processors. Were all uploads to hash when
	// they can, a request that needs little would wait for all of them.
	hashing chan struct{}
	work    sync.WaitGroup

	mu         sync.Mutex
	admissions map[*Admission]struct{}
	writing    map[string]context.CancelCauseFunc // what writes an archive in this process, by ID
	arrivals   map[string]*arrival                // by ID
	secrets    map[string]string                  // URLs with credentials, by job
}

// New returns a service. The caller closes it.
func New(config Config) (*Service, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Expiry = cmp.Or(config.Expiry, 24*time.Hour)
	config.Onboardings, config.Fetches = cmp.Or(config.Onboardings, 2), cmp.Or(config.Fetches, 4)
	var err error
	if config.Folder, err = filepath.Abs(config.Folder); err == nil {
		err = os.MkdirAll(config.Folder, 0o750)
	}
	if err != nil {
		return nil, fmt.Errorf("package folder: %w", err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		config.Log.Warn("what a killed process wrote last will be sent again: the boots of this machine cannot be told apart", "err", err)
	}
	return &Service{
		Config: config, boot: strings.TrimSpace(string(boot)), followers: make(places, config.Followers),
		fetching: make(places, config.Fetches), onboards: make(places, config.Onboardings),
		hashing:    make(chan struct{}, max(runtime.GOMAXPROCS(0)/2, 1)),
		admissions: make(map[*Admission]struct{}), writing: make(map[string]context.CancelCauseFunc),
		arrivals: make(map[string]*arrival), secrets: make(map[string]string),
	}, nil
}

// places bound how many do something at once.
type places chan struct{}

// take waits for a place, which the function that it returns gives back.
func (p places) take(ctx context.Context) (leave func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close gives up what works in the background and waits for it. Uploads and the
// queue must have ended before.
func (s *Service) Close() error {
	s.mu.Lock()
	for _, a := range s.arrivals {
		a.end(job.ErrStopping)
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

// Create makes a resource in the state CREATED. It fails with a *QuotaError.
func (s *Service) Create(ctx context.Context, n NewResource) (Resource, error) {
	now := s.now()
	row := Row{Resource: Resource{
		ID: imagerepo.NewID(), Project: n.Project, State: Created, Operational: Disabled, UserData: n.UserData,
		Unique: n.Unique, OneShot: n.OneShot, Options: n.Options, Size: -1, CreatedAt: now, UpdatedAt: now, Version: 1,
	}}
	return row.Resource, s.Store.Insert(ctx, row, s.Limits.ProjectPackages)
}

// Update changes an onboarded package's operational state, or the user data of
// any resource. It fails with ErrVersion, with ErrUserData, or with a *StateError if
// the package is not onboarded or has that operational state already.
func (s *Service) Update(ctx context.Context, project, id string, change Change) (Resource, error) {
	current, err := s.Get(ctx, project, id)
	if err != nil {
		return Resource{}, err
	}
	if err := s.adopt(ctx, current); err != nil {
		return Resource{}, err
	}
	row, err := s.edit(ctx, project, id, func(e *Edit) error {
		if change.IfVersion != nil && *change.IfVersion != e.Version {
			return fmt.Errorf("package %s: %w", id, ErrVersion)
		}
		if len(change.UserData) > 0 {
			e.UserData = merge(e.UserData, change.UserData)
			// It was JSON a moment ago.
			text, err := json.Marshal(e.UserData)
			if err == nil && len(text) > maxUserData {
				err = fmt.Errorf("package %s: %w", id, ErrUserData)
			}
			if err != nil {
				return err
			}
		}
		if change.Operational == nil {
			return nil
		}
		switch {
		case e.State != Onboarded || current.Package == nil:
			return stateError(e.Resource, "cannot be %s: it is not onboarded", *change.Operational)
		case e.Operational == *change.Operational:
			return stateError(e.Resource, "is %s already", *change.Operational)
		}
		e.Operational, e.InUse = *change.Operational, current.InUse
		e.Event = s.event(EventOperational, e.Row)
		return nil
	})
	if err != nil {
		return Resource{}, err
	}
	s.Queue.Wake() // others may be told of it
	row.Package, row.InUse = current.Package, current.InUse
	return row.Resource, nil
}

// maxUserData bounds the user data of a resource, in bytes of JSON: that of one
// request, so that it does not grow with each.
const maxUserData = 1 << 20

// adopt gives a package that came by the command line a row.
func (s *Service) adopt(ctx context.Context, r Resource) error {
	if r.Version > 0 {
		return nil
	}
	identity, err := r.identity()
	if err == nil {
		err = ignore(s.Store.Insert(ctx, Row{Resource: r, Identity: identity}, 0), imagerepo.ErrExists)
	}
	return err
}

// merge returns an object with the members of a patch (RFC 7396).
func merge(object, patch map[string]any) map[string]any {
	merged := make(map[string]any, len(object)+len(patch))
	for name, value := range object {
		merged[name] = value
	}
	for name, value := range patch {
		if value == nil {
			delete(merged, name)
			continue
		}
		if inner, ok := value.(map[string]any); ok {
			before, _ := merged[name].(map[string]any)
			value = merge(before, inner)
		}
		merged[name] = value
	}
	return merged
}

// Launchable fails with a *StateError if a package of a project is DISABLED (SOL005,
// clause 9.5.6.4).
func (s *Service) Launchable(ctx context.Context, project, id string) error {
	r, err := s.Get(ctx, project, id)
	if err == nil && r.Operational == Disabled {
		err = stateError(r, "cannot be launched: it is %s; enable it before", Disabled)
	}
	return err
}

// now returns the time as the store keeps it.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// path is where the archive of a resource is.
func (s *Service) path(id string) string { return filepath.Join(s.Folder, id) }

// edit changes a row of a project.
func (s *Service) edit(ctx context.Context, project, id string, fn func(*Edit) error) (Row, error) {
	return s.Store.Edit(ctx, id, func(e *Edit) error {
		if e.Project != project {
			return notFound(id)
		}
		err := fn(e)
		e.UpdatedAt = s.now()
		return err
	})
}

func notFound(id string) error { return fmt.Errorf("package %s: %w", id, imagerepo.ErrNotFound) }

// stateError says that something cannot be asked of a resource as it is.
func stateError(r Resource, format string, args ...any) *StateError {
	return &StateError{ID: r.ID, State: r.State, Operational: r.Operational, InUse: r.InUse, Problem: fmt.Sprintf(format, args...)}
}
