package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
)

func (a *app) database() string { return filepath.Join(a.config.Home, "gangway.db") }

// reading runs fn, which changes nothing, on the repository, which must be there.
func (a *app) reading(ctx context.Context, fn func(repository) error) error {
	if a.config.remote() {
		return a.withRemote(func(r remote) error { return fn(r) })
	}
	return a.openFound(ctx, func(p *onboarding.Pipeline) error { return fn(a.here(p)) })
}

// changing runs fn on the repository, which must be there and is cleaned before
// of what killed processes left.
func (a *app) changing(ctx context.Context, fn func(repository) error) error {
	if a.config.remote() {
		return a.reading(ctx, fn)
	}
	return a.openFound(ctx, cleaned(ctx, func(p *onboarding.Pipeline) error { return fn(a.here(p)) }))
}

// filling is changing for what stores something: it makes a repository if there
// is none.
func (a *app) filling(ctx context.Context, fn func(repository) error) error {
	if a.config.remote() {
		return a.reading(ctx, fn)
	}
	return a.open(ctx, cleaned(ctx, func(p *onboarding.Pipeline) error { return fn(a.here(p)) }))
}

// checking runs fn, which stores nothing, without a repository.
func (a *app) checking(ctx context.Context, fn func(repository) error) error {
	if a.config.remote() {
		return a.reading(ctx, fn)
	}
	return a.withPipeline(nil, func(p *onboarding.Pipeline) error { return fn(a.here(p)) })
}

// trying is filling for what stores nothing: if there is no repository, none is
// made, and fn is told so.
func (a *app) trying(ctx context.Context, fn func(r repository, there bool) error) error {
	found, err := a.hasRepository()
	if err != nil {
		return err
	}
	if !found && !a.config.remote() {
		return a.checking(ctx, func(r repository) error { return fn(r, false) })
	}
	return a.filling(ctx, func(r repository) error { return fn(r, true) })
}

// recorded runs fn on what is recorded beside the repository, which must be there.
func (a *app) recorded(ctx context.Context, fn func(records) error) error {
	if a.config.remote() {
		return a.withRemote(func(r remote) error { return fn(r) })
	}
	if err := a.needRepository(); err != nil {
		return err
	}
	return a.recording(ctx, fn)
}

// recording is recorded for what adds something: it makes a repository if there is
// none.
func (a *app) recording(ctx context.Context, fn func(records) error) (err error) {
	if a.config.remote() {
		return a.recorded(ctx, fn)
	}
	names, err := catalog.Open(ctx, a.database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, names.Close()) }()
	found, err := ledger.Open(ctx, names)
	if err != nil {
		return err
	}
	return fn(localRecords{found, a.config.Project})
}

// withClouds runs fn on the VIMs.
func (a *app) withClouds(fn func(clouds) error) error {
	if a.config.remote() {
		return a.withRemote(func(r remote) error { return fn(r) })
	}
	return fn(localClouds{})
}

// hasRepository reports whether there is a repository in the home. Only what
// stores something makes one: a mistyped --home shall not look like an empty
// repository.
func (a *app) hasRepository() (bool, error) {
	_, err := os.Stat(a.database())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (a *app) needRepository() error {
	found, err := a.hasRepository()
	if err == nil && !found {
		err = fmt.Errorf("no repository in %s: gangway onboard and gangway images add make one", a.config.Home)
	}
	return err
}

func cleaned(ctx context.Context, fn func(*onboarding.Pipeline) error) func(*onboarding.Pipeline) error {
	return func(p *onboarding.Pipeline) error {
		if err := p.Repository.Recover(ctx); err != nil {
			return err
		}
		return fn(p)
	}
}

func (a *app) here(p *onboarding.Pipeline) localRepository {
	return localRepository{p, a.config.Project}
}

func (a *app) openFound(ctx context.Context, fn func(*onboarding.Pipeline) error) error {
	if err := a.needRepository(); err != nil {
		return err
	}
	return a.open(ctx, fn)
}

func (a *app) open(ctx context.Context, fn func(*onboarding.Pipeline) error) error {
	return a.openAll(ctx, func(_ *catalog.Catalog, _ imagerepo.Blobs, p *onboarding.Pipeline) error { return fn(p) })
}

// openAll is open for what needs the catalogue and the files themselves, too.
func (a *app) openAll(ctx context.Context, fn func(*catalog.Catalog, imagerepo.Blobs, *onboarding.Pipeline) error) (err error) {
	names, err := catalog.Open(ctx, a.database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, names.Close()) }()
	files, err := fsstore.Open(a.config.imagesDir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	return a.withPipeline(imagerepo.New(names, files, a.log), func(p *onboarding.Pipeline) error { return fn(names, files, p) })
}

// withPipeline runs fn on a pipeline with a repository, which may be nil for one
// that stores nothing.
func (a *app) withPipeline(repository *imagerepo.Repository, fn func(*onboarding.Pipeline) error) error {
	credentials := make(map[string]fetch.Credential, len(a.config.Credentials))
	for host, c := range a.config.Credentials {
		credentials[host] = fetch.Credential(c)
	}
	client, err := fetch.New(fetch.Options{
		Allow: a.config.AllowSource, AllowPrivate: a.config.AllowPrivateSources, CAFile: a.config.CAFile,
		Credentials: credentials, UserAgent: "gangway/" + version, Logger: a.log,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	return fn(&onboarding.Pipeline{Repository: repository, Fetch: client, Limits: a.config.limits(), Log: a.log})
}
