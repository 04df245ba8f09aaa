package onboarding

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// Pipeline onboards and launches. It is safe for concurrent use.
type Pipeline struct {
	// Repository is where packages and images go. It may be nil for a pipeline
	// that only validates.
	Repository *imagerepo.Repository
	// Fetch opens the URLs of images and packages. It may be nil for a pipeline
	// that only validates files.
	Fetch *fetch.Client
	// Limits bound what an archive may cost.
	Limits csar.Limits
	// Log is told what happens; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (p *Pipeline) log() *slog.Logger {
	return cmp.Or(p.Log, slog.New(slog.DiscardHandler))
}

func (p *Pipeline) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// Conflict says what to do about an image whose name belongs to other bytes.
type Conflict string

const (
	// Reject refuses the whole package. It is the default.
	Reject Conflict = "reject"
	// Keep onboards the package with the image that is there.
	Keep Conflict = "keep"
)

// URLImages says what to do about images that are described by a URL.
type URLImages string

const (
	// Fetch stores their bytes. It is the default.
	Fetch URLImages = "fetch"
	// Reference stores the URL; the first launch that needs the bytes fetches
	// them, and from then on they are pinned.
	Reference URLImages = "reference"
)

// Options say how to onboard. The zero value works.
type Options struct {
	// Project owns what is onboarded; empty means DefaultProject.
	Project string
	// PackageID is the ID of the package if it is new to the project, made by
	// [imagerepo.NewID]; empty means a fresh one.
	PackageID  string
	OnConflict Conflict
	Images     URLImages
	// Digests are algorithms to compute beside SHA-256.
	Digests []string
	// DryRun goes through all stages and stores nothing.
	DryRun bool
	// Progress is told how the package advances, often; it must not block. Its
	// calls for one package do not overlap. It may be nil.
	Progress func(Progress)
}

// DefaultProject is the project of those who name none.
const DefaultProject = "default"

func (o Options) withDefaults() Options {
	o.Project = cmp.Or(o.Project, DefaultProject)
	o.OnConflict = cmp.Or(o.OnConflict, Reject)
	o.Images = cmp.Or(o.Images, Fetch)
	return o
}
