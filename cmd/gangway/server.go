package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/access/keystone"
	"github.com/gangway-nfv/gangway/onboarding/access/oidc"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/ledger"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/openbaton"
	"github.com/gangway-nfv/gangway/onboarding/rest/tus"
	"github.com/gangway-nfv/gangway/onboarding/rest/ui"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// deliveries is how many subscribers are notified at once.
const deliveries = 8

// server is all that gangway serve runs.
type server struct {
	*app
	flags *serveFlags

	names      *catalog.Catalog
	files      imagerepo.Blobs
	pipeline   *onboarding.Pipeline
	metrics    *rest.Metrics
	queue      *job.Queue
	tokens     *access.Tokens
	audit      *access.Audit
	gate       *access.Gate
	vims       vims
	packages   *vnfpkg.Service
	notify     *notify.Service
	operations *operation.Service
	rest       *rest.Server

	closers []func() error // in the order of their making
}

// serve runs the server until the context ends. Ready is called when it answers,
// with its URL and, if one was made, the path of a token for an admin.
func (a *app) serve(ctx context.Context, f *serveFlags, ready func(url, adminToken string) error) error {
	return a.openAll(ctx, func(names *catalog.Catalog, files imagerepo.Blobs, p *onboarding.Pipeline) (err error) {
		s := &server{app: a, flags: f, names: names, files: files, pipeline: p}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := s.build(ctx); err != nil {
			return err
		}
		return s.run(ctx, ready)
	})
}

func (s *server) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

// closing has something closed at the end that cannot fail to.
func (s *server) closing(fn func()) {
	s.closers = append(s.closers, func() error { fn(); return nil })
}

func (s *server) build(ctx context.Context) error {
	records, err := ledger.Open(ctx, s.names)
	if err != nil {
		return err
	}
	s.pipeline.Repository = imagerepo.New(records.Limited(int64(s.flags.projectSize), s.flags.keepPackages), s.files, s.log)
	s.metrics = rest.NewMetrics()
	// What was uploaded has been paid for with its bytes, and nobody asks for notifications.
	bounded := []job.Kind{operation.KindLaunch, operation.KindImage, operation.KindDoctor, vnfpkg.KindFetch}
	s.queue = job.NewQueue(records.Jobs(), job.Options{Log: s.log, Limit: job.Limit{Kinds: bounded, Jobs: s.flags.projectJobs}, Ended: func(j job.Job) {
		s.metrics.Worked(string(j.Kind), operation.OutcomeOf(j), j.EndedAt.Sub(j.StartedAt))
	}})
	if err := s.admit(records); err != nil {
		return err
	}
	pool, err := glance.NewPool(glance.Options{StallTimeout: s.flags.stallTimeout}, s.log)
	if err != nil {
		return err
	}
	s.closing(pool.Close)
	s.vims = vims{pool}
	if s.packages, err = vnfpkg.New(vnfpkg.Config{
		Pipeline: s.pipeline, Store: records.Resources(), Queue: s.queue, Folder: s.packagesDir(), Log: s.log,
		Keep: s.flags.keepPackages, Onboardings: s.flags.jobs, Followers: s.flags.jobs,
		Limits: vnfpkg.Limits{PackageSize: int64(s.flags.packageSize), ProjectBytes: int64(s.flags.projectSize),
			ProjectPackages: s.flags.projectPackages, ProjectUploads: s.flags.projectUploads},
	}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.packages.Close)
	key, err := notify.OpenKey(filepath.Join(s.config.Home, "notify-key"))
	if err != nil {
		return err
	}
	s.notify = notify.New(notify.Config{Store: records.Subscriptions(), Client: s.pipeline.Fetch.HTTP(), Key: key,
		ProjectSubscriptions: s.flags.subscriptions})
	launches := s.flags.launches
	launches.Log = s.log
	s.operations = operation.New(operation.Config{Pipeline: s.pipeline, Queue: s.queue, VIMs: s.vims, Launches: launches, Packages: s.packages, MaxImage: int64(s.flags.imageSize),
		ProjectLaunches: s.flags.projectLaunches, Log: s.log})
	s.look()
	doors, err := s.doors(records)
	if err != nil {
		return err
	}
	s.rest, err = rest.New(doors, rest.Options{
		Gate: s.gate, Audit: s.audit, Stall: s.flags.stallTimeout, Grace: s.flags.grace,
		BaseURL: s.flags.externalURL, Proxies: s.flags.networks, Metrics: s.metrics, Log: s.log,
	})
	return err
}

// admit builds what decides who may come in.
func (s *server) admit(records *ledger.Ledger) error {
	config := s.config.Serve
	s.tokens = access.NewTokens(records.Tokens(), config.Access)
	s.audit = access.NewAudit(records.Events(), config.Access)
	var others []access.Authenticator
	if config.OIDC != nil {
		issuer, err := oidc.New(*config.OIDC)
		if err != nil {
			return err
		}
		s.closing(issuer.Close)
		others = append(others, issuer)
	}
	if config.Keystone != nil {
		// Last, as it recognises everything.
		asked, err := keystone.New(*config.Keystone)
		if err != nil {
			return err
		}
		s.closing(asked.Close)
		others = append(others, asked)
	}
	s.gate = access.NewGate(s.tokens, config.Access, others...)
	return nil
}

func (s *server) doors(records *ledger.Ledger) ([]rest.Door, error) {
	own, err := api.New(api.Config{
		Pipeline: s.pipeline, Operations: s.operations, Queue: s.queue, VIMs: s.vims,
		Packages: s.packages, Tokens: s.tokens, Audit: s.audit, Logins: s.gate, Projects: records, MaxImage: int64(s.flags.imageSize), Version: version,
	})
	if err != nil {
		return nil, err
	}
	health := rest.Health(
		rest.Check{Name: "database", Ask: func(ctx context.Context) error {
			_, err := s.names.Contents(ctx, "", 1)
			return err
		}},
		rest.Check{Name: "folder of images", Ask: func(context.Context) error { return writable(s.config.imagesDir()) }},
		rest.Check{Name: "folder of packages", Ask: func(context.Context) error { return writable(s.packagesDir()) }},
	)
	standard := etsi.Doors(etsi.Config{Packages: s.packages, Images: s.names, Subscriptions: s.notify, PageSize: s.flags.pageSize})
	formerly := openbaton.New(openbaton.Config{
		Packages: s.packages, Operations: s.operations, Logins: s.gate, Projects: records, MaxImage: int64(s.flags.imageSize),
	})
	resumable := tus.New(tus.Config{Packages: s.packages, Queue: s.queue})
	page, err := ui.New()
	if err != nil {
		return nil, err
	}
	return append(standard, own, formerly, resumable, page, health, s.metrics.Door()), nil
}

func (s *server) packagesDir() string { return filepath.Join(s.config.Home, "packages") }

// writable proves that files can be made in a folder.
func writable(folder string) error {
	file, err := os.CreateTemp(folder, ".gangway-ready-")
	if err != nil {
		return err
	}
	_, err = file.Write([]byte("ready"))
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

// look has metrics looked up that nobody counts.
func (s *server) look() {
	s.metrics.Look("gangway_jobs", "Jobs that wait or run.", []string{"kind", "state"}, func(ctx context.Context) ([]rest.Sample, error) {
		lengths, err := s.queue.Lengths(ctx)
		var samples []rest.Sample
		for _, l := range lengths {
			samples = append(samples, rest.Sample{Labels: []string{string(l.Kind), string(l.State)}, Value: float64(l.Jobs)})
		}
		return samples, err
	})
	for _, metric := range []struct {
		name, help string
		value      func(catalog.Summary) float64
	}{
		{"gangway_images", "Images of the repository.", func(s catalog.Summary) float64 { return float64(s.Images) }},
		{"gangway_image_bytes", "Bytes of the images of the repository, each content once in a project.", func(s catalog.Summary) float64 { return float64(s.Bytes) }},
		{"gangway_image_oldest_timestamp_seconds", "When the oldest image was taken in.", func(s catalog.Summary) float64 { return float64(s.Oldest.Unix()) }},
		{"gangway_image_newest_timestamp_seconds", "When the newest image was taken in.", func(s catalog.Summary) float64 { return float64(s.Newest.Unix()) }},
	} {
		s.metrics.Look(metric.name, metric.help, []string{"project"}, func(ctx context.Context) ([]rest.Sample, error) {
			summaries, err := s.names.Summaries(ctx)
			var samples []rest.Sample
			for _, summary := range summaries {
				samples = append(samples, rest.Sample{Labels: []string{summary.Project}, Value: metric.value(summary)})
			}
			return samples, err
		})
	}
}

// run serves until the context ends. What works in the background ends after the
// last request.
func (s *server) run(ctx context.Context, ready func(url, adminToken string) error) error {
	if err := s.pipeline.Repository.Recover(ctx); err != nil {
		return err
	}
	adminToken := filepath.Join(s.config.Home, "admin-token")
	made, err := s.tokens.EnsureAdmin(ctx, adminToken)
	if err != nil {
		return err
	}
	if !made {
		adminToken = ""
	}
	listener, err := s.flags.listening.Listen(s.log)
	if errors.Is(err, rest.ErrPlain) {
		err = fmt.Errorf("%w: see --tls-cert and --plain-http", err)
	}
	if err != nil {
		return err
	}
	if err := ready(s.url(listener.Addr()), adminToken); err != nil {
		return errors.Join(err, listener.Close())
	}

	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	working, finish := context.WithCancel(context.WithoutCancel(ctx))
	defer finish()
	var background sync.WaitGroup
	background.Go(func() { access.Keep(working, s.tokens, s.audit, s.log) })
	background.Go(func() { s.packages.Run(working) })
	background.Go(func() {
		if err := s.queue.Run(working, s.kinds()); err != nil {
			stop(err)
		}
	})
	s.tell("READY=1")
	context.AfterFunc(ctx, func() { s.tell("STOPPING=1") })
	err = s.rest.Serve(serving, listener)
	finish()
	background.Wait()
	if cause := context.Cause(serving); ctx.Err() == nil && cause != nil {
		err = errors.Join(err, cause)
	}
	return err
}

// kinds says how the jobs of all kinds are run.
func (s *server) kinds() map[job.Kind]job.KindOptions {
	kinds := s.operations.Kinds()
	maps.Copy(kinds, s.packages.Kinds())
	kinds[notify.Kind] = s.notify.Jobs(deliveries)
	return kinds
}

func (s *server) tell(state string) {
	if err := rest.Notify(state); err != nil {
		s.log.Warn("systemd cannot be told", "state", state, "err", err)
	}
}

func (s *server) url(at net.Addr) string {
	switch {
	case s.flags.externalURL != "":
		return s.flags.externalURL
	case s.flags.listening.Certificate != "":
		return "https://" + at.String()
	}
	return "http://" + at.String()
}

// vims are the VIMs of clouds.yaml, kept open.
type vims struct{ *glance.Pool }

// Open implements [operation.VIMs].
func (v vims) Open(name string) (vim.Cloud, error) {
	cloud, err := v.open(name)
	if err != nil {
		return nil, err
	}
	return cloud, nil
}

func (v vims) open(name string) (*glance.Cloud, error) {
	cloud, err := v.Pool.Open(name)
	if errors.Is(err, glance.ErrUnknownVIM) {
		err = fmt.Errorf("vim %s: %w", name, operation.ErrUnknownVIM)
	}
	return cloud, err
}

// Check implements [api.VIMs].
func (v vims) Check(ctx context.Context, name string, probe bool) (view.Check, error) {
	cloud, err := v.open(name)
	if err != nil {
		return view.Check{}, err
	}
	return viewCheck(cloud.Check(ctx, probe)), nil
}
