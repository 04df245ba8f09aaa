package vnfpkg

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// The kinds of jobs that are about packages. Their subject is the ID of a
// package resource.
const (
	// KindOnboard takes an archive that has arrived through the pipeline.
	KindOnboard job.Kind = "onboard"
	// KindFetch gets the archive from a URL before.
	KindFetch job.Kind = "fetch"
	// KindLaunch gives VIMs what a package needs. It is not run here, but a
	// package is in use while such a job has not ended.
	KindLaunch job.Kind = "launch"
)

// Queue is what the service needs of [job.Queue].
type Queue interface {
	Prepare(job.New) (job.Job, error)
	Wake()
	Cancel(ctx context.Context, id string) (job.Job, error)
	Wait(ctx context.Context, id string) (job.Job, error)
	List(ctx context.Context, filter job.Filter) ([]job.Job, error)
}

// Limits bound what callers may take. Zero means that there is no limit.
type Limits struct {
	PackageSize     int64 // bytes of one archive
	ProjectBytes    int64 // bytes of a project: images, kept archives and uploads under way
	ProjectPackages int   // resources and packages of a project
	ProjectUploads  int   // requests of a project that send bytes at once, in this process
}

// Config is what a service works with.
type Config struct {
	// Pipeline takes packages in. Its Repository and Fetch must be set.
	Pipeline *onboarding.Pipeline
	Store    Store
	Queue    Queue
	// Folder is where archives are. It is made if it is not there, and nothing
	// else must be in it.
	Folder string
	Limits Limits
	// Keep leaves archives after they were onboarded.
	Keep bool
	// Followers is how many tars are taken through the pipeline while they
	// arrive; what comes beyond that is left to the job.
	Followers int
	// Expiry is how long a resumable upload may stand still; zero means a day.
	Expiry time.Duration
	// Told, if not nil, is called after an event was stored. It must not block.
	Told func()
	// Log is told what happens; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service is the package resources. It is safe for concurrent use; several
// processes may work on the same store and folder. Errors about a resource that
// is not there, or is another project's, wrap imagerepo.ErrNotFound.
type Service struct {
	config Config
}

// New returns a service. The caller closes it.
func New(config Config) (*Service, error) {
	return &Service{config: config}, nil
}

// Close gives up what works in the background. Uploads must have ended before.
func (s *Service) Close() error {
	return errPending
}

// Create makes a resource in the state CREATED. It fails with a *QuotaError.
func (s *Service) Create(ctx context.Context, n NewResource) (Resource, error) {
	return Resource{}, errPending
}

// Get returns a resource.
func (s *Service) Get(ctx context.Context, project, id string) (Resource, error) {
	return Resource{}, errPending
}

// ByDescriptor returns the onboarded package of a vnfdId. Of several it is the
// one that was created last.
func (s *Service) ByDescriptor(ctx context.Context, project, descriptorID string) (Resource, error) {
	return Resource{}, errPending
}

// List yields the resources that match, and the packages of the catalogue that
// have none, in the order of their IDs, which is that of their creation. An error
// ends the sequence.
func (s *Service) List(ctx context.Context, filter Filter) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) { yield(Resource{}, errPending) }
}

// Update changes an onboarded package's operational state, or the user data of
// any resource. It fails with ErrVersion, or with a *StateError if the package is
// not onboarded or has that operational state already.
func (s *Service) Update(ctx context.Context, project, id string, change Change) (Resource, error) {
	return Resource{}, errPending
}

// Delete deletes a resource with its package, the images that only it brought,
// and its archive. An upload of it ends; a job of it is cancelled and waited for.
// It fails with ErrVersion, or, where the options ask for it, with a *StateError.
func (s *Service) Delete(ctx context.Context, project, id string, opts DeleteOptions) error {
	return errPending
}
