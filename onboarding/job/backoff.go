package job

import (
	"math/rand/v2"
	"time"
)

// Exponential returns a schedule that waits for about first after one failure,
// and twice as long after each further one, but never longer than most. A
// random part of up to a half is taken off, so that what failed together does
// not come back together.
func Exponential(first, most time.Duration) func(failures int) time.Duration {
	return func(failures int) time.Duration {
		wait := first
		for i := 1; i < failures && wait < most; i++ {
			wait *= 2
		}
		wait = min(wait, most)
		return wait - rand.N(wait/2+1)
	}
}
