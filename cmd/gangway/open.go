package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
)

// withPipeline opens the repository, cleans up after processes that were
// killed, and runs fn on it.
func (a *app) withPipeline(ctx context.Context, fn func(*onboarding.Pipeline) error) (err error) {
	names, err := catalog.Open(ctx, filepath.Join(a.config.Home, "gangway.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, names.Close()) }()
	files, err := fsstore.Open(a.config.imagesDir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	repository := imagerepo.New(names, files, a.log)
	if err := repository.Recover(ctx); err != nil {
		return err
	}
	client, err := a.fetchClient()
	if err != nil {
		return err
	}
	defer client.Close()
	return fn(&onboarding.Pipeline{Repository: repository, Fetch: client, Limits: a.config.limits(), Log: a.log})
}

// withoutRepository runs fn on a pipeline that stores nothing.
func (a *app) withoutRepository(fn func(*onboarding.Pipeline) error) error {
	client, err := a.fetchClient()
	if err != nil {
		return err
	}
	defer client.Close()
	return fn(&onboarding.Pipeline{Fetch: client, Limits: a.config.limits(), Log: a.log})
}

func (a *app) fetchClient() (*fetch.Client, error) {
	credentials := make(map[string]fetch.Credential, len(a.config.Credentials))
	for host, c := range a.config.Credentials {
		credentials[host] = fetch.Credential(c)
	}
	return fetch.New(fetch.Options{
		Allow: a.config.AllowSource, AllowPrivate: a.config.AllowPrivateSources, CAFile: a.config.CAFile,
		Credentials: credentials, UserAgent: "gangway/" + version, Logger: a.log,
	})
}
