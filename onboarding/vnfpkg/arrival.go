package vnfpkg

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/job"
)

// idleArrival is how long the pipeline waits for the next part of an upload.
const idleArrival = 15 * time.Second

// The pipeline is shown an archive that arrives at a pace of so many bytes a second,
// from a while after the beginning on. It wants the same disk and processors: what
// arrives fast would be held up by it, and is there soon.
const (
	pace      = 64 << 20
	headStart = 3 * time.Second
)

// paced returns how many bytes the pipeline may have seen of a transfer.
func paced(since time.Time) int64 {
	return int64(max(time.Since(since)-headStart, 0).Seconds() * pace)
}

// arrival is an archive that the pipeline takes in while it arrives. It reads the
// file behind the writer. What it does becomes visible only when its reader ends,
// and that it does when the archive was accepted.
type arrival struct {
	file   *os.File
	cancel context.CancelCauseFunc
	idle   *time.Timer // while no request sends

	mu     sync.Mutex
	change sync.Cond // of what follows
	size   int64     // bytes that were written
	have   int64     // of them are to be read
	ended  error     // io.EOF when that is all

	at   int64
	task atomic.Pointer[job.Task] // of its job, once it was accepted

	done   chan struct{} // closed when the pipeline has ended
	report onboarding.Report
	err    error
}

// follow starts an arrival for an archive that begins with head, or returns nil if
// it is none that can be read while it arrives, or all places are taken.
func (s *Service) follow(row Row, head []byte) *arrival {
	if !csar.Streams(head) {
		return nil
	}
	select {
	case s.followers <- struct{}{}:
	default:
		return nil
	}
	file, err := os.Open(s.path(row.ID))
	if err != nil {
		s.Log.Warn("archive cannot be read while it arrives", "package", row.ID, "err", err)
		<-s.followers
		return nil
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	a := &arrival{file: file, cancel: cancel, done: make(chan struct{})}
	a.change.L = &a.mu
	a.idle = time.AfterFunc(idleArrival, func() { s.drop(row.ID, errIdle) })
	a.idle.Stop()
	s.mu.Lock()
	s.arrivals[row.ID] = a
	s.mu.Unlock()
	s.work.Go(func() {
		defer close(a.done)
		a.report, a.err = s.Pipeline.Onboard(ctx, onboarding.StreamSource(row.name(), a), s.options(row, a.tell))
		cancel(nil)
		if err := file.Close(); err != nil && a.err == nil {
			a.err = err
		}
		<-s.followers
	})
	return a
}

var errIdle = fmt.Errorf("the upload stood still for %v", idleArrival)

// name is what messages call the archive.
func (r Row) name() string { return cmp.Or(r.Filename, "package "+r.ID) }

// options are how the archive of a row is onboarded.
func (s *Service) options(row Row, progress func(onboarding.Progress)) onboarding.Options {
	return onboarding.Options{Project: row.Project, PackageID: row.ID, OnConflict: row.Options.OnConflict, Images: row.Options.Images,
		Progress: progress}
}

// taken returns the arrival of an archive of which a number of bytes is there, if
// it has seen exactly those, and keeps it from being given up for idleness.
func (s *Service) taken(id string, size int64) *arrival {
	s.mu.Lock()
	a := s.arrivals[id]
	s.mu.Unlock()
	if a == nil {
		return nil
	}
	a.idle.Stop()
	a.mu.Lock()
	fits := a.size == size && a.ended == nil
	a.mu.Unlock()
	if !fits {
		s.drop(id, fmt.Errorf("the upload went on elsewhere"))
		return nil
	}
	return a
}

// rest lets an arrival wait for the next request, but not for long.
func (s *Service) rest(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.arrivals[id]; a != nil {
		a.idle.Reset(idleArrival)
	}
}

// drop gives an arrival up and waits until nothing is left of it.
func (s *Service) drop(id string, why error) {
	s.mu.Lock()
	a := s.arrivals[id]
	delete(s.arrivals, id)
	s.mu.Unlock()
	if a != nil {
		a.end(why)
		<-a.done
	}
}

// hand gives an arrival over to its job.
func (s *Service) hand(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.arrivals, id)
}

// wrote says that the file has a size, of which as much is to be read as is paced.
func (a *arrival) wrote(size, paced int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.size, a.have = size, max(a.have, min(size, paced))
	a.change.Broadcast()
}

// end says why no more bytes come: io.EOF, or an error, which ends the pipeline,
// too.
func (a *arrival) end(why error) {
	a.idle.Stop()
	if why != io.EOF {
		a.cancel(why)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended == nil || why != io.EOF {
		a.ended, a.have = why, a.size
	}
	a.change.Broadcast()
}

// Read implements [io.Reader] for the pipeline.
func (a *arrival) Read(p []byte) (int, error) {
	a.mu.Lock()
	for a.at == a.have && a.ended == nil {
		a.change.Wait()
	}
	have, ended := a.have, a.ended
	a.mu.Unlock()
	if ended != nil && (ended != io.EOF || a.at == have) {
		return 0, ended
	}
	n, err := a.file.ReadAt(p[:min(int64(len(p)), have-a.at)], a.at)
	a.at += int64(n)
	if err == io.EOF {
		if n > 0 {
			return n, nil
		}
		err = io.ErrUnexpectedEOF // the file became shorter
	}
	return n, err
}

// tell passes the pipeline's progress to the job, once there is one.
func (a *arrival) tell(p onboarding.Progress) {
	if t := a.task.Load(); t != nil {
		t.Report(progress(p))
	}
}

func progress(p onboarding.Progress) job.Progress {
	return job.Progress{Step: p.Image, Done: p.Done, Total: p.Total}
}
