package vnfpkg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// From says where to get an archive.
type From struct {
	// URL is absolute, http or https.
	URL string
	// User and Password are for the URL's host, if not empty. They are held in
	// memory and never stored, and so are those in the URL: if the server is
	// restarted before the archive has arrived, the resource becomes ERROR and
	// says so.
	User, Password string
	// Filename is what the caller calls the archive; empty means the end of the
	// URL's path.
	Filename string
	// By is who asks for it, for the list of jobs.
	By string
	// Again is as in [ReceiveOptions].
	Again bool
}

// parse returns the URL with the credentials in it. The error wraps fetch.ErrURL.
func (f From) parse() (*url.URL, error) {
	u, err := url.Parse(f.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("URL %s: %w", fetch.Redact(f.URL), fetch.ErrURL)
	}
	if f.User != "" || f.Password != "" {
		u.User = url.UserPassword(f.User, f.Password)
	}
	return u, nil
}

// Source is the package that is there, for [Service.Validate]. The error wraps
// fetch.ErrURL.
func (f From) Source(client *fetch.Client) (onboarding.Source, error) {
	u, err := f.parse()
	if err != nil {
		return onboarding.Source{}, err
	}
	src := onboarding.URLSource(u.String(), client)
	src.Name = cmp.Or(f.Filename, src.Name)
	return src, nil
}

// UploadFrom has a job of kind [KindFetch] get the archive of a resource in the
// state CREATED from a URL, which must pass the source guard, and take it through
// the pipeline. The resource is UPLOADING until the bytes are there; what goes
// wrong makes it ERROR. It fails with a *StateError, with a *job.FullError where the
// queue's Options.Limit says so, or with an error that wraps fetch.ErrURL.
func (s *Service) UploadFrom(ctx context.Context, project, id string, from From) (Receipt, error) {
	u, err := from.parse()
	if err != nil {
		return Receipt{}, err
	}
	whole, secret := u.String(), u.User != nil
	u.User = nil
	n := job.New{Project: project, Kind: KindFetch, Subject: id, Title: cmp.Or(from.Filename, fetch.Redact(u.String())), By: from.By, Payload: fetchPayload{URL: u.String(), Secret: secret}}
	var accepted Row
	insert := func(ctx context.Context, j job.Job) (job.Job, bool, error) {
		if secret {
			s.keepSecret(j.ID, whole)
		}
		var err error
		accepted, err = s.edit(ctx, project, id, func(e *Edit) error {
			if err := empty(from.Again)(e.Row); err != nil {
				return err
			}
			e.Row = renewed(e.Row)
			e.State, e.Filename, e.Job, e.NewJob = Uploading, cmp.Or(from.Filename, base(u.Path)), j.ID, &j
			return nil
		})
		if err != nil {
			s.dropSecret(j.ID)
		}
		return j, false, err
	}
	var j job.Job
	if secret {
		// Only this process can do it, though not before it has a place.
		j, err = s.Queue.StartIn(ctx, n, insert, s.fetch)
	} else if j, err = s.Queue.Prepare(n); err == nil {
		j, _, err = insert(ctx, j)
		s.Queue.Wake()
	}
	return Receipt{Resource: accepted.Resource, Job: j}, err
}

// fetchPayload is the payload of a job of kind KindFetch.
type fetchPayload struct {
	// URL has no user info.
	URL string `json:"url"`
	// Secret is set when the URL with its user info is in the memory of a process.
	Secret bool `json:"secret,omitempty"`
}

func (s *Service) keepSecret(job, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[job] = url
}

func (s *Service) dropSecret(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, job)
}

// forgetSecrets drops the URLs of jobs that have ended, also before they began.
func (s *Service) forgetSecrets(ctx context.Context) error {
	s.mu.Lock()
	kept := slices.Collect(maps.Keys(s.secrets))
	s.mu.Unlock()
	var errs []error
	for _, id := range kept {
		j, err := s.Queue.Get(ctx, id)
		if err == nil && j.State.Ended() {
			s.dropSecret(id)
		}
		// One that is not found may be about to be stored.
		errs = append(errs, ignore(err, job.ErrNotFound))
	}
	return errors.Join(errs...)
}

// errSecretGone says that a restart has taken a credential away.
var errSecretGone = errors.New("the server was restarted before the package had arrived, and does not store credentials: ask for the upload again")

// source returns the URL to fetch from.
func (s *Service) source(t *job.Task) (string, error) {
	var payload fetchPayload
	if err := t.Decode(&payload); err != nil {
		return "", err
	}
	if !payload.Secret {
		return payload.URL, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	whole := s.secrets[t.Job.ID]
	if whole == "" {
		return "", job.Permanent(errSecretGone)
	}
	return whole, nil
}

// fetch is the handler of KindFetch.
func (s *Service) fetch(ctx context.Context, t *job.Task) (any, error) {
	row, err := s.Store.Row(ctx, t.Job.Subject)
	if err != nil {
		return nil, gone(err)
	}
	if row.Job != t.Job.ID || row.State != Uploading && row.State != Processing {
		return s.ended(ctx, row)
	}
	if row.State == Uploading {
		fetched, err := s.fetched(ctx, t, row)
		if err != nil {
			return s.unfetched(ctx, t, row, err)
		}
		row = fetched
	}
	s.dropSecret(t.Job.ID)
	return s.process(ctx, t, row)
}

// fetched gets the archive and makes the resource PROCESSING. After an error
// nothing is left of the bytes.
func (s *Service) fetched(ctx context.Context, t *job.Task, row Row) (_ Row, err error) {
	from, err := s.source(t)
	if err != nil {
		return Row{}, err
	}
	leave, err := s.fetching.take(ctx)
	if err != nil {
		return Row{}, err
	}
	defer leave()
	sp, row, err := s.lock(ctx, row.Project, row.ID, func(row Row) error {
		if row.Job != t.Job.ID || row.State != Uploading {
			return stateError(row.Resource, "takes no content: it is %s", row.State)
		}
		return nil
	})
	if err != nil {
		return Row{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, sp.remove())
		}
		err = errors.Join(err, sp.Close())
	}()
	ctx, stop := s.write(ctx, row.ID)
	defer stop()
	response, err := s.Pipeline.Fetch.Open(ctx, fetch.Request{URL: from, AsIs: true, Progress: func(done, total int64) {
		t.Report(job.Progress{Step: "fetch", Done: done, Total: total})
	}})
	if err != nil {
		return Row{}, err
	}
	defer response.Close()
	size := response.Size()
	if limit := s.Limits.PackageSize; limit > 0 && size > limit {
		return Row{}, &TooLargeError{Limit: limit}
	}
	if err := errors.Join(sp.begin(), sp.allocate(size)); err != nil {
		return Row{}, err
	}
	p := s.pouring(row, sp)
	p.wrote = nil
	p.mark = func(at int64, state []byte) error {
		return s.Store.Checkpoint(context.WithoutCancel(ctx), row.ID, Checkpoint{Offset: at, Hash: state, Room: s.room(row.Project)})
	}
	if err := sp.pour(ctx, response, p); err != nil {
		return Row{}, err
	}
	if err := sp.harden(); err != nil {
		return Row{}, err
	}
	return s.edit(context.WithoutCancel(ctx), row.Project, row.ID, func(e *Edit) error {
		if e.Job != t.Job.ID || e.State != Uploading {
			return stateError(e.Resource, "takes no content: it is %s", e.State)
		}
		arrived(e, sp)
		e.Room = s.room(e.Project)
		return nil
	})
}

// unfetched says what becomes of a job whose archive could not be had.
func (s *Service) unfetched(ctx context.Context, t *job.Task, row Row, err error) (any, error) {
	err = fmt.Errorf("fetch of package %s: %w", row.ID, err)
	report := onboarding.FailedReport(row.name(), err)
	err = Tell(s.Log, t.Job.ID, &report, err)
	cause := context.Cause(ctx)
	var tooLarge *TooLargeError
	var quota *QuotaError
	var state *StateError
	switch {
	case errors.As(err, &state): // somebody deleted or ended it
		return nil, job.Permanent(err)
	case cause != nil && !errors.Is(cause, job.ErrCancelled):
		return nil, err
	case cause != nil:
		s.dropSecret(t.Job.ID)
		return nil, errors.Join(err, s.cancelled(ctx, t.Job.ID, row, "the upload was cancelled"))
	case fetch.IsPermanent(err), errors.Is(err, errSecretGone), errors.As(err, &tooLarge), errors.As(err, &quota), t.Job.Failures+1 >= attempts:
		s.dropSecret(t.Job.ID)
		_, failed := s.fail(ctx, t.Job.ID, row, Failure{Detail: err.Error()})
		return Outcome{Report: report}, errors.Join(job.Permanent(err), failed)
	}
	return nil, err
}
