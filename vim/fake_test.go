package vim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/vim"
)

const projectID = "p1"

// fakeVIM is a Glance's state machine without HTTP. Its clients are clouds.
type fakeVIM struct {
	mu         sync.Mutex
	images     []*vim.Image
	tombstones map[string]bool
	calls      map[string]int
	beats      []string // statuses that records had when they were beaten

	// rate is how fast uploads go, in bytes a second; zero is at once.
	rate int64
	// before is called before a call does anything, and may end it.
	before func(call, id string) error
	// finish changes what became active.
	finish func(*vim.Image)

	uploading, mostUploading int
	received                 int64
}

func newFake(images ...vim.Image) *fakeVIM {
	f := &fakeVIM{tombstones: make(map[string]bool), calls: make(map[string]int)}
	for _, img := range images {
		f.images = append(f.images, &img)
	}
	return f
}

func (f *fakeVIM) enter(call, id string) (unlock func(), err error) {
	f.mu.Lock()
	f.calls[call]++
	before := f.before
	f.mu.Unlock()
	if before != nil {
		if err := before(call, id); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	return f.mu.Unlock, nil
}

func (f *fakeVIM) find(id string) *vim.Image {
	for _, img := range f.images {
		if img.ID == id {
			return img
		}
	}
	return nil
}

// removeLocked deletes a record. The caller holds f.mu.
func (f *fakeVIM) removeLocked(id string) {
	for i, img := range f.images {
		if img.ID == id {
			f.images = append(f.images[:i], f.images[i+1:]...)
			f.tombstones[id] = true
			return
		}
	}
}

func (f *fakeVIM) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

func (f *fakeVIM) list() []vim.Image {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []vim.Image
	for _, img := range f.images {
		all = append(all, *img)
	}
	return all
}

// fakeCloud is a client of a fakeVIM.
type fakeCloud struct {
	*fakeVIM
	name string
}

var _ vim.Cloud = fakeCloud{}

func (c fakeCloud) Name() string { return c.name }

func (c fakeCloud) Project(context.Context) (vim.Project, error) {
	unlock, err := c.enter("project", "")
	if err != nil {
		return vim.Project{}, err
	}
	defer unlock()
	return vim.Project{ID: projectID, Name: "nfvo"}, nil
}

func (c fakeCloud) Images(context.Context) iter.Seq2[vim.Image, error] {
	return func(yield func(vim.Image, error) bool) {
		unlock, err := c.enter("list", "")
		if err != nil {
			yield(vim.Image{}, err)
			return
		}
		unlock()
		for _, img := range c.list() {
			if !img.Hidden && img.Visibility != "community" && !yield(img, nil) {
				return
			}
		}
	}
}

func (c fakeCloud) Image(_ context.Context, id string) (vim.Image, error) {
	unlock, err := c.enter("show", id)
	if err != nil {
		return vim.Image{}, err
	}
	defer unlock()
	img := c.find(id)
	if img == nil {
		return vim.Image{}, fmt.Errorf("show: %w", vim.ErrNotFound)
	}
	return *img, nil
}

func (c fakeCloud) Create(_ context.Context, r vim.Record) (vim.Image, error) {
	unlock, err := c.enter("create "+r.Visibility, r.ID)
	if err != nil {
		return vim.Image{}, err
	}
	defer unlock()
	if c.find(r.ID) != nil || c.tombstones[r.ID] {
		return vim.Image{}, fmt.Errorf("create: %w", vim.ErrConflict)
	}
	img := &vim.Image{
		ID: r.ID, Name: r.Name, Status: vim.Queued, Size: -1, Owner: projectID, Visibility: r.Visibility,
		DiskFormat: r.DiskFormat, ContainerFormat: r.ContainerFormat, Mark: r.Mark,
		CreatedAt: time.Now().Format(time.RFC3339),
	}
	c.images = append(c.images, img)
	return *img, nil
}

func (c fakeCloud) Upload(ctx context.Context, id string, body io.Reader, size int64) error {
	if err := c.begin(id); err != nil {
		return err
	}
	content, err := c.receive(ctx, body)
	if err == nil && int64(len(content)) != size {
		err = &vim.TransientError{Err: io.ErrUnexpectedEOF}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uploading--
	img := c.find(id)
	switch {
	case err != nil:
		if img != nil {
			img.Status = vim.Queued
		}
		return err
	case img == nil:
		return fmt.Errorf("upload: gone: %w", vim.ErrConflict)
	}
	sum := sha512.Sum512(content)
	img.Status, img.Size = vim.Active, size
	img.HashAlgorithm, img.HashValue = "sha512", hex.EncodeToString(sum[:])
	if c.finish != nil {
		c.finish(img)
	}
	return nil
}

func (c fakeCloud) begin(id string) error {
	unlock, err := c.enter("upload", id)
	if err != nil {
		return err
	}
	defer unlock()
	img := c.find(id)
	switch {
	case img == nil:
		return fmt.Errorf("upload: %w", vim.ErrNotFound)
	case img.Status != vim.Queued:
		return fmt.Errorf("upload: %w", vim.ErrConflict)
	}
	img.Status = vim.Saving
	c.uploading++
	c.mostUploading = max(c.mostUploading, c.uploading)
	return nil
}

func (c fakeCloud) receive(ctx context.Context, body io.Reader) ([]byte, error) {
	var content bytes.Buffer
	for {
		n, err := io.CopyN(&content, body, 1<<10)
		c.mu.Lock()
		c.received += n
		c.mu.Unlock()
		if err == io.EOF {
			return content.Bytes(), nil
		}
		if err != nil {
			return nil, &vim.TransientError{Err: err}
		}
		if c.rate > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Duration(n) * time.Second / time.Duration(c.rate)):
			}
		}
	}
}

func (c fakeCloud) Beat(_ context.Context, id, value string) error {
	unlock, err := c.enter("beat", id)
	if err != nil {
		return err
	}
	defer unlock()
	img := c.find(id)
	if img == nil {
		return fmt.Errorf("beat: %w", vim.ErrNotFound)
	}
	c.beats = append(c.beats, string(img.Status))
	img.Mark.Beat = value
	return nil
}

func (c fakeCloud) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, err := c.enter("delete", id)
	if err != nil {
		return err
	}
	defer unlock()
	c.removeLocked(id)
	return nil
}

// content is an image file of the repository.
type content struct {
	*bytes.Reader
	closed func()
}

func (c content) Close() error {
	c.closed()
	return nil
}

// stored is an image of the repository, with a count of what was asked of it.
type stored struct {
	vim.Offer
	mu      sync.Mutex
	bytes   []byte
	learned map[string]string
	digests int
	open    int
	opened  int
}

// store makes an offer of size bytes.
func store(name string, size int) *stored {
	s := &stored{bytes: bytes.Repeat([]byte(name+"\n"), size/(len(name)+1)+1)[:size], learned: make(map[string]string)}
	s.Offer = vim.Offer{
		ID: "repo-" + name, Name: name, Project: "default", Package: "acme/" + name + ":1.0",
		Size: int64(size), SHA256: hexSum(sha256.Sum256(s.bytes)),
		DiskFormat: "qcow2", ContainerFormat: "bare", MinDisk: 2, MinRAM: 512,
		Known: func(algorithm string) (string, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			sum, ok := s.learned[algorithm]
			return sum, ok
		},
		Digest: func(_ context.Context, algorithm string) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.digests++
			if algorithm != "sha512" {
				return "", errors.New("not computed in this test: " + algorithm)
			}
			return s.sha512(), nil
		},
		Learned: func(_ context.Context, algorithm, sum string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.learned[algorithm] = sum
			return nil
		},
		Open: func(context.Context) (vim.Content, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.open++
			s.opened++
			return content{bytes.NewReader(s.bytes), func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.open--
			}}, nil
		},
	}
	return s
}

func (s *stored) sha512() string { return hexSum64(sha512.Sum512(s.bytes)) }

func hexSum(sum [32]byte) string   { return hex.EncodeToString(sum[:]) }
func hexSum64(sum [64]byte) string { return hex.EncodeToString(sum[:]) }

// on is the offer as it stands on a VIM.
func (s *stored) on(id, name string) vim.Image {
	return vim.Image{
		ID: id, Name: name, Status: vim.Active, Size: s.Size, Owner: projectID, Visibility: "private",
		DiskFormat: s.DiskFormat, ContainerFormat: s.ContainerFormat,
		HashAlgorithm: "sha512", HashValue: s.sha512(),
	}
}

// record is the offer's own record of a generation, in some status.
func (s *stored) record(generation int, status vim.Status) vim.Image {
	img := s.on(vim.RecordID(projectID, &s.Offer, generation), s.Name)
	img.Mark = vim.Mark{ImageID: s.ID, SHA256: s.SHA256, Generation: fmt.Sprint(generation)}
	img.Status = status
	if status != vim.Active {
		img.Size, img.HashAlgorithm, img.HashValue = -1, "", ""
	}
	return img
}

// want is a want of one alternative.
func want(vdu string, o *vim.Offer) vim.Want {
	return vim.Want{VDU: vdu, SoftwareImageID: "sw-" + vdu, Alternatives: []vim.Alternative{{Ref: o.Name, Offer: o}}}
}
