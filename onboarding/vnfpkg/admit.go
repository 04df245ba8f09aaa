package vnfpkg

import (
	"context"
	"time"
)

// Admission is leave to bring a project bytes. The most that it has spent counts as the
// project's until it is closed, which is to be when the bytes are in the repository
// or given up; those of a package's archive are counted with its resource instead. It
// is for one goroutine.
type Admission struct {
	ctx     context.Context // of the request or job that has it
	s       *Service
	project string
	sends   bool // a request's body

	reserved int64 // bytes
	used     int64 // bytes of the project, when it was asked last
	asked    int64 // reserved then
}

// askUsed is after how many bytes it is asked again what else the project has taken.
const askUsed = 16 << 20

// retryUpload is when to try again what needs another upload to end.
const retryUpload = 5 * time.Second

// Admit counts a request that sends bytes until the admission is closed. It fails with
// a *QuotaError if the project may send no more requests at once, or would have more
// bytes than it may have: size is how many are to be kept beside packages' archives,
// and -1 while it is not known.
func (s *Service) Admit(ctx context.Context, project string, size int64) (*Admission, error) {
	return s.admit(ctx, project, size, true)
}

// Reserve is Admit for bytes that no request sends.
func (s *Service) Reserve(ctx context.Context, project string, size int64) (*Admission, error) {
	return s.admit(ctx, project, size, false)
}

func (s *Service) admit(ctx context.Context, project string, size int64, sends bool) (*Admission, error) {
	a := &Admission{ctx: ctx, s: s, project: project, sends: sends, asked: -askUsed}
	if err := a.enter(); err != nil {
		return nil, err
	}
	if size < 0 {
		size = 1 // there is to be room for any
	}
	if err := a.Spend(size); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// enter counts the admission.
func (a *Admission) enter() error {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if limit := a.s.Limits.ProjectUploads; a.sends && limit > 0 {
		sending := 0
		for other := range a.s.admissions {
			if other.sends && other.project == a.project {
				sending++
			}
		}
		if sending >= limit {
			return &QuotaError{Project: a.project, Quota: QuotaUploads, Limit: int64(limit), RetryAfter: retryUpload}
		}
	}
	a.s.admissions[a] = struct{}{}
	return nil
}

// Close gives back what was not kept; what was kept is the project's by now.
func (a *Admission) Close() {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	delete(a.s.admissions, a)
}

// Spend makes so many bytes in all the project's. It fails with a *QuotaError when the
// project would have more than it may have, together with all that is under way in
// this process.
func (a *Admission) Spend(total int64) error {
	limit := a.s.Limits.ProjectBytes
	if limit == 0 || total <= a.reserved {
		return nil
	}
	if total-a.asked >= askUsed {
		used, err := a.s.Store.Used(a.ctx, a.project)
		if err != nil {
			return err
		}
		a.used, a.asked = used, total
	}
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if a.used+a.s.held(a.project)-a.reserved+total > limit {
		return &QuotaError{Project: a.project, Quota: QuotaBytes, Limit: limit}
	}
	a.reserved = total
	return nil
}

// held returns how many bytes of a project its admissions have. The caller holds the
// service's lock.
func (s *Service) held(project string) (bytes int64) {
	for a := range s.admissions {
		if a.project == project {
			bytes += a.reserved
		}
	}
	return bytes
}

// room returns what bounds the archives of a project.
func (s *Service) room(project string) Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Room{Limit: s.Limits.ProjectBytes, Held: s.held(project)}
}
