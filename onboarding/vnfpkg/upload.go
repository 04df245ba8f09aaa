package vnfpkg

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// Receipt says that an archive was accepted, and which job works at it.
type Receipt struct {
	Resource Resource
	Job      job.Job
}

// ReceiveOptions describe a body. The zero value says nothing about it.
type ReceiveOptions struct {
	// Size is the length of the body in bytes if it is greater than zero; else
	// it is not known.
	Size int64
	// Digests are those that were stated for the body, lower-case hex by
	// algorithm; see [imagerepo.Algorithm].
	Digests imagerepo.Digests
	// Filename is what the caller calls the archive, or empty.
	Filename string
	// By is who sends it, for the list of jobs.
	By string
	// Again takes the archive of a resource that is ERROR, too, which forgets why.
	Again bool
}

// Receive takes the archive of a resource that is CREATED from one body. When
// it returns, the archive is durable and a job of kind [KindOnboard] is to take it
// through the pipeline. On any error, the end of the context among them, the
// resource is CREATED again, or gone if it is OneShot, and nothing is left of the
// body.
//
// It reads body to its end, and holds a constant amount of memory. Errors of body
// are returned as they are, wrapped. It fails with a *StateError, *TooLargeError,
// *QuotaError, ErrNoSpace, ErrIncomplete or ErrChecksum.
func (s *Service) Receive(ctx context.Context, project, id string, body io.Reader, opts ReceiveOptions) (Receipt, error) {
	admission, err := s.Admit(ctx, project, 0)
	if err != nil {
		return Receipt{}, err
	}
	defer admission.Close()
	sums, err := newSums(opts.Digests)
	if err != nil {
		return Receipt{}, err
	}
	sp, _, err := s.lock(ctx, project, id, empty(opts.Again))
	if err != nil {
		return Receipt{}, err
	}
	ctx, stop := s.write(ctx, id) // before anybody sees that there is something to stop
	defer stop()
	row, err := s.begin(ctx, project, id, BeginOptions{Size: size(opts.Size), Filename: opts.Filename}, false, opts.Again)
	if err != nil {
		if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
			err = context.Cause(ctx)
		}
		stop()
		return Receipt{}, errors.Join(err, s.release(ctx, sp, id))
	}
	err = sp.begin()
	if err == nil {
		err = sp.allocate(opts.Size)
	}
	if err == nil {
		p := s.pouring(row, sp)
		if sums != nil {
			p.part = sums
		}
		p.mark = func(at int64, state []byte) error {
			return s.Store.Checkpoint(context.WithoutCancel(ctx), id, Checkpoint{Offset: at, Hash: state, Room: s.unknown(row)})
		}
		err = sp.pour(ctx, body, p)
	}
	if err == nil && opts.Size > 0 && sp.size != opts.Size {
		err = fmt.Errorf("%w: %d of %d bytes came", ErrIncomplete, sp.size, opts.Size)
	}
	if err == nil {
		err = sums.compare(opts.Digests)
	}
	var receipt Receipt
	if err == nil {
		receipt, err = s.accept(ctx, row, sp, opts.By)
	}
	if err != nil {
		s.reset(ctx, project, id, sp, err)
		err = fmt.Errorf("upload of package %s: %w", id, err)
	}
	stop()
	return receipt, errors.Join(err, sp.Close())
}

// size returns a length as a resource has it.
func size(known int64) int64 {
	if known > 0 {
		return known
	}
	return -1
}

// write makes the writing of an archive something that others of this process can
// stop, until the function that it returns is called. That is to be before the archive
// is closed: then it may be another's to write, who must stay one that can be stopped.
func (s *Service) write(ctx context.Context, id string) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing[id] = cancel
	return ctx, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.writing, id)
		cancel(nil)
	})
}

// stopWriting ends what writes an archive in this process.
func (s *Service) stopWriting(id string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.writing[id]; cancel != nil {
		cancel(why)
	}
}

// empty is what a row must be for an upload to begin, again if the last one came to
// nothing.
func empty(again bool) func(Row) error {
	return func(row Row) error {
		if row.State != Created && !(again && row.State == Error) {
			return stateError(row.Resource, "takes no content: it is %s, not %s", row.State, Created)
		}
		return nil
	}
}

// resumable is what a row must be for an upload to go on.
func resumable(row Row) error {
	if row.State != Uploading || !row.Resumable {
		return stateError(row.Resource, "has no upload that can go on: it is %s", row.State)
	}
	return nil
}

// begin makes a resource UPLOADING.
func (s *Service) begin(ctx context.Context, project, id string, opts BeginOptions, resumable, again bool) (Row, error) {
	if limit := s.Limits.PackageSize; limit > 0 && opts.Size > limit {
		return Row{}, &TooLargeError{Limit: limit}
	}
	return s.edit(ctx, project, id, func(e *Edit) error {
		if err := empty(again)(e.Row); err != nil {
			return err
		}
		e.Row = renewed(e.Row)
		e.State, e.Size, e.Expected, e.Filename, e.Resumable = Uploading, opts.Size, opts.SHA256, opts.Filename, resumable
		if resumable {
			e.Boot, e.ExpiresAt = s.boot, s.now().Add(s.Expiry)
		}
		e.Room = s.room(project)
		return nil
	})
}

// base returns the name of a file without its folders.
func base(name string) string {
	if name == "" {
		return ""
	}
	return strings.TrimPrefix(filepath.Base(filepath.Clean("/"+name)), "/")
}

// pouring says how a body goes into the archive of a row. A package that can be
// read while it arrives is.
func (s *Service) pouring(row Row, sp *spool) pouring {
	p := pouring{left: math.MaxInt64 - 1, turns: s.hashing}
	if limit := s.Limits.PackageSize; limit > 0 {
		p.left, p.over = limit-sp.size, &TooLargeError{Limit: limit}
	}
	if row.Size >= 0 {
		p.left, p.over = row.Size-sp.size, fmt.Errorf("%w: more than %d bytes came", ErrIncomplete, row.Size)
	}
	a := s.taken(row.ID, sp.size)
	begun, from := time.Now(), sp.size
	p.wrote = func(b []byte) {
		if sp.size == int64(len(b)) {
			a = s.follow(row, b)
		}
		if a != nil {
			a.wrote(sp.size, from+paced(begun))
		}
	}
	return p
}

// unknown returns what bounds a project's bytes while an upload is under way: one
// whose size is known was looked at before.
func (s *Service) unknown(row Row) Room {
	if row.Size >= 0 {
		return Room{}
	}
	return s.room(row.Project)
}

// accept makes an archive that is whole the business of a job. From here on the
// caller may go away.
func (s *Service) accept(ctx context.Context, row Row, sp *spool, by string) (Receipt, error) {
	if err := sp.harden(); err != nil {
		return Receipt{}, err
	}
	n := job.New{Project: row.Project, Kind: KindOnboard, Subject: row.ID, Title: base(row.Filename), By: by}
	var accepted Row
	insert := func(_ context.Context, j job.Job) (job.Job, bool, error) {
		var err error
		accepted, err = s.edit(context.WithoutCancel(ctx), row.Project, row.ID, func(e *Edit) error {
			if e.State != Uploading || e.Job != "" {
				return stateError(e.Resource, "took no content: it is %s", e.State)
			}
			arrived(e, sp)
			e.Job, e.NewJob, e.Room = j.ID, &j, s.unknown(row)
			return nil
		})
		return j, false, err
	}
	var j job.Job
	var err error
	if a := s.taken(row.ID, sp.size); a != nil {
		s.hand(row.ID)
		if j, err = s.Queue.StartIn(ctx, n, insert, s.await(a)); err == nil {
			return Receipt{Resource: accepted.Resource, Job: j}, nil
		}
		a.end(err)
		<-a.done
		if !errors.Is(err, job.ErrStopping) {
			return Receipt{}, err
		}
	}
	if j, err = s.Queue.Prepare(n); err == nil {
		j, _, err = insert(ctx, j)
	}
	if err != nil {
		return Receipt{}, err
	}
	s.Queue.Wake()
	return Receipt{Resource: accepted.Resource, Job: j}, nil
}

// arrived makes a resource PROCESSING whose archive is whole.
func arrived(e *Edit, sp *spool) {
	e.State, e.Size, e.Received, e.SHA256 = Processing, sp.size, sp.size, sp.sum()
	e.Hash, e.Boot, e.Unproven, e.ExpiresAt, e.Expected = nil, "", false, time.Time{}, ""
}

// reset makes the resource of an upload that came to nothing CREATED again, or
// deletes it, and removes its bytes.
func (s *Service) reset(ctx context.Context, project, id string, sp *spool, why error) {
	s.drop(id, why)
	_, err := s.edit(context.WithoutCancel(ctx), project, id, func(e *Edit) error {
		if e.State != Uploading {
			return stateError(e.Resource, "has no upload to be given up: it is %s", e.State)
		}
		e.Delete = e.OneShot
		e.Row = renewed(e.Row)
		return nil
	})
	if err == nil || errors.Is(err, imagerepo.ErrNotFound) {
		err = sp.remove()
	}
	if err != nil {
		s.Log.Warn("upload that broke off is left to be cleaned up", "package", id, "err", err)
	}
	s.Log.Info("upload given up", "package", id, "project", project, "why", why)
}

// renewed is a row as it was when it was CREATED.
func renewed(r Row) Row {
	return Row{Resource: Resource{
		ID: r.ID, Project: r.Project, State: Created, Operational: r.Operational, UserData: r.UserData, Unique: r.Unique,
		OneShot: r.OneShot, Options: r.Options, Size: -1, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Version: r.Version,
	}}
}

// sums are hashes that are computed in one pass.
type sums map[string]hash.Hash

func newSums(stated imagerepo.Digests) (sums, error) {
	var all sums
	for algorithm := range stated {
		h, err := imagerepo.NewHash(algorithm)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = make(sums)
		}
		all[algorithm] = h
	}
	return all, nil
}

func (all sums) Write(p []byte) (int, error) {
	for _, h := range all {
		if _, err := h.Write(p); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// compare fails with ErrChecksum unless all digests are the stated ones.
func (all sums) compare(stated imagerepo.Digests) error {
	for algorithm, h := range all {
		if got := hex.EncodeToString(h.Sum(nil)); got != stated[algorithm] {
			return fmt.Errorf("%w: expected %s %s, found %s", ErrChecksum, algorithm, stated[algorithm], got)
		}
	}
	return nil
}
