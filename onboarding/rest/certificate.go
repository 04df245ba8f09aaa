package rest

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a pair of PEM files that is read anew when it changes. It is safe
// for concurrent use.
type certificate struct {
	files [2]string // certificate and key
	log   *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	looked time.Time
	seen   [2]fileState
}

// fileState tells whether a file has changed.
type fileState struct {
	size     int64
	modified time.Time
}

func loadCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: [2]string{cert, key}, log: log}
	seen, err := c.look()
	if err == nil {
		err = c.load(seen)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// lookEvery is how old what was seen of the files may be.
const lookEvery = time.Second

// get returns the certificate for a handshake. While the files are not a pair, such
// as between the replacement of one and of the other, the last pair stays.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookEvery {
		return c.pair, nil
	}
	c.looked = time.Now()
	seen, err := c.look()
	if err == nil && seen != c.seen {
		err = c.load(seen)
	}
	if err != nil {
		c.log.Error("certificate cannot be read anew, the old one stays", "err", err)
	}
	return c.pair, nil
}

func (c *certificate) look() (seen [2]fileState, err error) {
	for i, name := range c.files {
		info, err := os.Stat(name)
		if err != nil {
			return seen, fmt.Errorf("certificate: %w", err)
		}
		seen[i] = fileState{info.Size(), info.ModTime()}
	}
	return seen, nil
}

func (c *certificate) load(seen [2]fileState) error {
	pair, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return fmt.Errorf("certificate %s: %w", c.files[0], err)
	}
	c.pair, c.seen = &pair, seen
	return nil
}
