package main

import (
	"context"
	"io"
	"iter"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// Commands act on one of two sites: the home on this machine, or with --server a
// server. Both are for the project of the configuration, which may be left to a server.

// repository has packages and images. It is a localRepository or a remote.
type repository interface {
	Onboard(context.Context, onboarding.Source, onboarding.Options) (onboarding.Report, error)
	Validate(context.Context, onboarding.Source, onboarding.Options) (onboarding.Report, error)
	// URLSource is a package that the site fetches.
	URLSource(url string) onboarding.Source

	Packages(context.Context) iter.Seq2[view.Package, error]
	Package(ctx context.Context, called string) (view.Package, error)
	DeletePackage(ctx context.Context, called string, keepImages bool) (view.Deleted, error)
	// DeletedWith tells what DeletePackage would, and changes nothing.
	DeletedWith(ctx context.Context, called string, keepImages bool) (view.Deleted, error)

	Images(context.Context) iter.Seq2[view.Image, error]
	Image(ctx context.Context, called string) (view.Image, error)
	AddImage(context.Context, onboarding.AddRequest) (onboarding.Report, error)
	DeleteImage(ctx context.Context, called string, force bool) (imagerepo.ImageRef, error)
	// OpenImage returns the bytes of an image, for the caller to close.
	OpenImage(ctx context.Context, called string) (io.ReadCloser, error)

	Doctor(context.Context, imagerepo.DoctorOptions) (imagerepo.Diagnosis, error)
}

// launcher gives VIMs what a launch needs. Progress is told of what is transferred,
// in bytes.
type launcher interface {
	Launch(ctx context.Context, l operation.Launch, progress func(what string, done, total int64)) (onboarding.LaunchReport, error)
}

// clouds are the VIMs that a site knows. A check that failed is no error.
type clouds interface {
	VIMs(context.Context) ([]string, error)
	CheckVIM(ctx context.Context, name string, probe bool) (view.Check, error)
}

// records are what a server keeps beside the repository.
type records interface {
	// Jobs returns those of the filter's project, see [Config.within].
	Jobs(context.Context, job.Filter) ([]job.Job, error)
	Job(ctx context.Context, id string) (job.Job, error)
	WatchJob(ctx context.Context, id string, after int64) iter.Seq2[job.Event, error]
	CancelJob(ctx context.Context, id string) (job.Job, error)

	// Tokens returns those for the project and for all, or for *, every one.
	Tokens(context.Context) ([]view.Token, error)
	CreateToken(context.Context, access.NewToken) (view.Token, error)
	RevokeToken(ctx context.Context, called string) (view.Token, error)

	// Events returns those of the filter's project, see [Config.within].
	Events(context.Context, access.EventFilter) ([]view.Event, error)
}
