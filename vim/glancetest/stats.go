package glancetest

import (
	"maps"
	"sync"
)

// Stats is what a server was asked and sent.
type Stats struct {
	// Requests counts by route, refused and broken ones included.
	Requests map[Route]int
	// BytesReceived is how many bytes of image files were read, whether or not
	// their uploads ended well; ImageBytes says so by image ID.
	BytesReceived int64
	ImageBytes    map[string]int64
	// UploadsStarted counts images that went into saving, UploadsFinished
	// those of them that came out active.
	UploadsStarted  int
	UploadsFinished int
}

// Stats returns the numbers of Keystone and all regions together, since the
// start.
func (s *Server) Stats() Stats {
	total := s.stats.snapshot()
	for _, g := range s.glances {
		st := g.Stats()
		for route, n := range st.Requests {
			total.Requests[route] += n
		}
		for id, n := range st.ImageBytes {
			total.ImageBytes[id] += n
		}
		total.BytesReceived += st.BytesReceived
		total.UploadsStarted += st.UploadsStarted
		total.UploadsFinished += st.UploadsFinished
	}
	return total
}

// Stats returns the numbers of this region since the start.
func (g *Glance) Stats() Stats { return g.stats.snapshot() }

// stats collects; its zero value is ready.
type stats struct {
	mu sync.Mutex
	s  Stats
}

func (c *stats) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.s
	s.Requests = map[Route]int{}
	maps.Copy(s.Requests, c.s.Requests)
	s.ImageBytes = map[string]int64{}
	maps.Copy(s.ImageBytes, c.s.ImageBytes)
	return s
}

func (c *stats) request(route Route) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.Requests == nil {
		c.s.Requests = make(map[Route]int)
	}
	c.s.Requests[route]++
}

func (c *stats) received(image string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.ImageBytes == nil {
		c.s.ImageBytes = make(map[string]int64)
	}
	c.s.ImageBytes[image] += int64(n)
	c.s.BytesReceived += int64(n)
}

func (c *stats) uploadStarted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.UploadsStarted++
}

func (c *stats) uploadFinished() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.UploadsFinished++
}
