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

// withRepository runs fn, which only reads, on the repository, which must be
// there.
func (a *app) withRepository(ctx context.Context, fn func(*onboarding.Pipeline) error) error {
	if err := a.needRepository(); err != nil {
		return err
	}
	return a.open(ctx, fn)
}

func (a *app) needRepository() error {
	found, err := a.hasRepository()
	if err == nil && !found {
		err = fmt.Errorf("no repository in %s: gangway onboard and gangway images add make one", a.config.Home)
	}
	return err
}

// changing runs fn on the repository, which must be there and is cleaned before
// of what killed processes left.
func (a *app) changing(ctx context.Context, fn func(*onboarding.Pipeline) error) error {
	return a.withRepository(ctx, cleaned(ctx, fn))
}

// filling is changing for what stores something: it makes a repository if there
// is none.
func (a *app) filling(ctx context.Context, fn func(*onboarding.Pipeline) error) error {
	return a.open(ctx, cleaned(ctx, fn))
}

// withFoundLedger runs fn on the server's records in the repository, which must
// be there.
func (a *app) withFoundLedger(ctx context.Context, fn func(*ledger.Ledger) error) error {
	if err := a.needRepository(); err != nil {
		return err
	}
	return a.withLedger(ctx, fn)
}

// withLedger is withFoundLedger for what stores something: it makes a repository
// if there is none.
func (a *app) withLedger(ctx context.Context, fn func(*ledger.Ledger) error) (err error) {
	names, err := catalog.Open(ctx, a.database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, names.Close()) }()
	records, err := ledger.Open(ctx, names)
	if err != nil {
		return err
	}
	return fn(records)
}

func cleaned(ctx context.Context, fn func(*onboarding.Pipeline) error) func(*onboarding.Pipeline) error {
	return func(p *onboarding.Pipeline) error {
		if err := p.Repository.Recover(ctx); err != nil {
			return err
		}
		return fn(p)
	}
}

func (a *app) open(ctx context.Context, fn func(*onboarding.Pipeline) error) error {
	return a.openAll(ctx, func(_ *catalog.Catalog, p *onboarding.Pipeline) error { return fn(p) })
}

// openAll is open for what needs the catalogue itself, too.
func (a *app) openAll(ctx context.Context, fn func(*catalog.Catalog, *onboarding.Pipeline) error) (err error) {
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
	return a.withPipeline(imagerepo.New(names, files, a.log), func(p *onboarding.Pipeline) error { return fn(names, p) })
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
