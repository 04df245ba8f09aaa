package operation

import (
	"errors"
	"log/slog"
	"time"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
)

// The kinds of jobs that are operations.
const (
	KindLaunch = vnfpkg.KindLaunch
	// KindImage fetches an image from a URL.
	KindImage job.Kind = "image"
	// KindDoctor examines the repository.
	KindDoctor job.Kind = "doctor"
)

// ErrUnknownVIM says that no VIM of that name is configured.
var ErrUnknownVIM = errors.New("vim is not configured")

// VIMs has the clouds of the VIMs that are configured. It is safe for concurrent
// use.
type VIMs interface {
	// Names returns the names of all VIMs, sorted.
	Names() []string
	// Open returns the cloud of a VIM, which is kept open for all who use it and
	// is not theirs to close. The error wraps ErrUnknownVIM.
	Open(name string) (vim.Cloud, error)
}

// Config is what a service works with.
type Config struct {
	Pipeline *onboarding.Pipeline
	Queue    *job.Queue
	VIMs     VIMs
	// Packages says what projects may have; nil means anything.
	Packages *vnfpkg.Service
	// MaxImage is the size of the largest image that is fetched, in bytes; zero
	// means any.
	MaxImage int64
	// Launches has defaults for what a launch does not say.
	Launches vim.Options
	// ProjectLaunches is how many launches of a project that begin at once may be
	// under way in this process; zero means any number. What is left to workers
	// does not count.
	ProjectLaunches int
	// Log is told what happens.
	Log *slog.Logger
}

// Service starts operations, and runs them. It is safe for concurrent use.
type Service struct{ config Config }

// New returns a service.
func New(config Config) *Service { return &Service{config} }

// Asked says who asks for an operation, and for which project.
type Asked struct {
	Project string
	By      string
	// Key makes whoever asks again with it join the first; see [job.New].
	Key string
}

func (a Asked) job(kind job.Kind, subject, title string, payload any) job.New {
	return job.New{Project: a.Project, By: a.By, Key: a.Key, Kind: kind, Subject: subject, Title: title, Payload: payload}
}

// Kinds says how the jobs of all operations are run.
func (s *Service) Kinds() map[job.Kind]job.KindOptions {
	return map[job.Kind]job.KindOptions{
		// VIMs are tried again within a launch, and who waits for it shall know.
		KindLaunch: {Handler: s.launch, Workers: 16, Starts: s.config.ProjectLaunches, Attempts: 1},
		KindImage:  {Handler: s.addImage, Workers: 4, Attempts: 5, Backoff: job.Exponential(5*time.Second, 5*time.Minute)},
		KindDoctor: {Handler: s.examine, Workers: 1, Attempts: 1},
	}
}
