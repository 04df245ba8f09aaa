package job

import (
	"slices"
	"sync"
)

// bells wake those who wait for news of a job in this process.
type bells struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{} // by the ID of the job
}

// listen returns what receives after each ring; rings that nobody takes become
// one. The caller calls quit.
func (b *bells) listen(id string) (news <-chan struct{}, quit func()) {
	ear := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = make(map[string][]chan struct{})
	}
	b.waiting[id] = append(b.waiting[id], ear)
	return ear, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		others := slices.DeleteFunc(b.waiting[id], func(c chan struct{}) bool { return c == ear })
		if b.waiting[id] = others; len(others) == 0 {
			delete(b.waiting, id)
		}
	}
}

func (b *bells) ring(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ear := range b.waiting[id] {
		ring(ear)
	}
}

// ring wakes the one who waits for a channel of capacity 1.
func ring(ear chan struct{}) {
	select {
	case ear <- struct{}{}:
	default: // has been rung and not been heard yet
	}
}
