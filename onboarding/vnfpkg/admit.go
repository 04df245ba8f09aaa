package vnfpkg

import "context"

// Admission is leave to bring a project bytes that are not a package's archive, such
// as an image of its own. What it has spent counts as the project's until it is
// closed, which is to be when the bytes are in the repository or given up. It is for
// one goroutine.
type Admission struct {
	ctx     context.Context // of the request or job that has it
	s       *Service
	project string
	sent    func()

	spent, reserved int64 // bytes
	used            int64 // bytes of the project, when it was asked last
	asked           int64 // reserved then
}

// askUsed is after how many bytes it is asked again what else the project has taken.
const askUsed = 16 << 20

// Admit counts a request that sends bytes until the admission is closed. It fails with
// a *QuotaError if the project may send no more requests at once, or would have more
// bytes than it may have: size is how many are to be kept, and -1 while it is not
// known.
func (s *Service) Admit(ctx context.Context, project string, size int64) (*Admission, error) {
	sent, err := s.send(project)
	if err != nil {
		return nil, err
	}
	a, err := s.Reserve(ctx, project, size)
	if err != nil {
		sent()
		return nil, err
	}
	a.sent = sent
	return a, nil
}

// Reserve is Admit for bytes that no request sends.
func (s *Service) Reserve(ctx context.Context, project string, size int64) (*Admission, error) {
	a := &Admission{ctx: ctx, s: s, project: project, sent: func() {}, asked: -askUsed}
	if err := a.reserve(max(size, 1)); err != nil {
		return nil, err
	}
	return a, nil
}

// Spend counts bytes that come. It fails with a *QuotaError when the project would
// have more than it may have, together with all that is under way in this process.
func (a *Admission) Spend(bytes int64) error {
	a.spent += bytes
	return a.reserve(a.spent)
}

// Close gives back what was not kept; what was kept is the project's by now.
func (a *Admission) Close() {
	a.sent()
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if a.s.reserved[a.project] -= a.reserved; a.s.reserved[a.project] <= 0 {
		delete(a.s.reserved, a.project)
	}
	a.reserved, a.sent = 0, func() {}
}

// reserve makes so many bytes in all the project's.
func (a *Admission) reserve(total int64) error {
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
	more := total - a.reserved
	if a.used+a.s.reserved[a.project]+more > limit {
		return &QuotaError{Project: a.project, Quota: QuotaBytes, Limit: limit}
	}
	a.s.reserved[a.project] += more
	a.reserved = total
	return nil
}
