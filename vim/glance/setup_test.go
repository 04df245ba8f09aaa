package glance_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// startCloud starts an OpenStack for one test.
func startCloud(t *testing.T, o glancetest.Options) *glancetest.Server {
	t.Helper()
	s := glancetest.New(o)
	t.Cleanup(s.Close)
	return s
}

// configure makes a clouds.yaml the configuration of the test.
func configure(t *testing.T, cloudsYAML []byte) *glance.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(path, cloudsYAML, 0o600); err != nil {
		t.Fatal(err)
	}
	return load(t, path)
}

func load(t *testing.T, path string) *glance.Config {
	t.Helper()
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	t.Setenv("OS_AUTH_URL", "")
	config, err := glance.Load()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// open returns a client of its own, as a process would have.
func open(t *testing.T, config *glance.Config, name string, o glance.Options) *glance.Cloud {
	t.Helper()
	if o.RetryPause == 0 {
		o.RetryPause = time.Millisecond
	}
	c, err := config.Open(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// start is startCloud with one client.
func start(t *testing.T, o glance.Options) (*glancetest.Server, *glance.Cloud) {
	t.Helper()
	s := startCloud(t, glancetest.Options{})
	return s, open(t, configure(t, s.CloudsYAML()), "region-one", o)
}

// fast are options for clouds that answer at once.
func fast(o vim.Options) vim.Options {
	o.Poll = 2 * time.Millisecond
	o.Beat = 20 * time.Millisecond
	o.StallAfter = 2 * time.Second
	return o
}

// file is a stored image in a real file.
type file struct {
	vim.Offer
	path string
	mu   sync.Mutex
	open []*os.File // handed out, in order
}

// store makes an image of size random bytes.
func store(t testing.TB, name string, size int) *file {
	t.Helper()
	content := make([]byte, size)
	chacha := rand.NewChaCha8(sha256.Sum256([]byte(t.Name() + name)))
	_, _ = chacha.Read(content)
	f := &file{path: filepath.Join(t.TempDir(), name)}
	if err := os.WriteFile(f.path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	sum256, sum512 := sha256.Sum256(content), sha512.Sum512(content)
	f.Offer = vim.Offer{
		ID: "repo-" + name, Name: name, Project: "default", Package: "acme/" + name + ":1.0",
		Size: int64(size), SHA256: hex.EncodeToString(sum256[:]),
		DiskFormat: "raw", ContainerFormat: "bare",
		Digest: func(context.Context, string) (string, error) { return hex.EncodeToString(sum512[:]), nil },
		Open:   f.opener,
	}
	return f
}

func (f *file) opener(context.Context) (vim.Content, error) {
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = append(f.open, opened)
	return opened, nil
}

// launch launches one image on clouds and returns its VDU on each.
func launch(t *testing.T, f *file, o vim.Options, clouds ...vim.Cloud) ([]vim.VDU, error) {
	t.Helper()
	want := vim.Want{VDU: "vdu1", Alternatives: []vim.Alternative{{Ref: f.Name, Offer: &f.Offer}}}
	results, err := vim.Launch(t.Context(), clouds, []vim.Want{want}, fast(o))
	var vdus []vim.VDU
	for _, r := range results {
		if r.Err != nil {
			vdus = append(vdus, vim.VDU{Err: r.Err})
			continue
		}
		vdus = append(vdus, r.VDUs...)
	}
	return vdus, err
}

// create makes a queued image to upload to.
func create(t *testing.T, c *glance.Cloud, id string) {
	t.Helper()
	_, err := c.Create(t.Context(), vim.Record{ID: id, Name: "trial", Visibility: "private", DiskFormat: "raw", ContainerFormat: "bare"})
	if err != nil {
		t.Fatal(err)
	}
}

// reader is content that can be read once, as an upload's body is.
func reader(content []byte) *bytes.Reader { return bytes.NewReader(content) }
