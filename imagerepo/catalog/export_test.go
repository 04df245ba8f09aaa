package catalog

import "runtime"

// AwaitWaiting returns when so many updates wait for their turn.
func (c *Catalog) AwaitWaiting(n int) {
	for {
		c.writers.mu.Lock()
		waiting := len(c.writers.waiting)
		c.writers.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}
