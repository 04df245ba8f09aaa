package glance

import (
	"bytes"
	"log/slog"
	"sync"
	"time"
)

// A Pool keeps VIMs open for programs that run for long, so that neither a token
// nor a connection is needed anew for each use. It follows clouds.yaml as that
// changes. It is safe for concurrent use.
type Pool struct {
	options Options
	log     *slog.Logger

	mu     sync.Mutex
	config *Config
	loaded time.Time
	clouds map[string]*Cloud
}

// NewPool returns a pool of the VIMs that are configured. The error is that of
// [Load]. The caller closes the pool.
func NewPool(o Options, log *slog.Logger) (*Pool, error) {
	config, err := Load()
	if err != nil {
		return nil, err
	}
	return &Pool{options: o, log: log, config: config, loaded: time.Now(), clouds: make(map[string]*Cloud)}, nil
}

// Names returns the names of the VIMs, sorted.
func (p *Pool) Names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	return p.config.Names()
}

// Open returns a VIM, which is the pool's to close. The error is that of
// [Config.Open].
func (p *Pool) Open(name string) (*Cloud, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	if cloud := p.clouds[name]; cloud != nil {
		return cloud, nil
	}
	cloud, err := p.config.Open(name, p.options)
	if err != nil {
		return nil, err
	}
	p.clouds[name] = cloud
	return cloud, nil
}

// loadEvery is how old the configuration may be.
const loadEvery = time.Second

// refresh reads the configuration anew. One that is broken, as it may be while
// somebody writes it, changes nothing.
func (p *Pool) refresh() {
	if time.Since(p.loaded) < loadEvery {
		return
	}
	p.loaded = time.Now()
	config, err := Load()
	if err != nil {
		p.log.Error("vims cannot be read anew, those known before stay", "err", err)
		return
	}
	if config.same(p.config) {
		return
	}
	p.log.Info("vims have changed", "file", config.File)
	p.config = config
	p.close()
}

func (c *Config) same(other *Config) bool {
	return c.File == other.File && bytes.Equal(c.clouds, other.clouds) && bytes.Equal(c.secure, other.secure) &&
		bytes.Equal(c.environment, other.environment)
}

// close forgets the VIMs. Who still uses one may go on.
func (p *Pool) close() {
	for _, cloud := range p.clouds {
		cloud.Close()
	}
	clear(p.clouds)
}

// Close gives idle connections back. The pool may be used again.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
}
