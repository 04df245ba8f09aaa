package onboarding_test

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/gangway-nfv/gangway/vim"
)

// cloud is a VIM that keeps images in memory. Its hash is SHA-512.
type cloud struct {
	name   string
	broken error // of every upload
	down   error // of every list

	mu      sync.Mutex
	images  []vim.Image
	records map[string]vim.Record
}

var _ vim.Cloud = (*cloud)(nil)

func (c *cloud) Name() string { return c.name }

func (c *cloud) Project(context.Context) (vim.Project, error) {
	return vim.Project{ID: "p1", Name: "nfv"}, nil
}

func (c *cloud) Images(context.Context) iter.Seq2[vim.Image, error] {
	c.mu.Lock()
	defer c.mu.Unlock()
	images := append([]vim.Image(nil), c.images...)
	return func(yield func(vim.Image, error) bool) {
		if c.down != nil {
			yield(vim.Image{}, c.down)
			return
		}
		for _, img := range images {
			if !yield(img, nil) {
				return
			}
		}
	}
}

func (c *cloud) find(id string) (*vim.Image, error) {
	for i := range c.images {
		if c.images[i].ID == id {
			return &c.images[i], nil
		}
	}
	return nil, fmt.Errorf("image %s: %w", id, vim.ErrNotFound)
}

func (c *cloud) Image(_ context.Context, id string) (vim.Image, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	img, err := c.find(id)
	if err != nil {
		return vim.Image{}, err
	}
	return *img, nil
}

func (c *cloud) Create(_ context.Context, r vim.Record) (vim.Image, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.find(r.ID); err == nil {
		return vim.Image{}, fmt.Errorf("image %s: %w", r.ID, vim.ErrConflict)
	}
	img := vim.Image{ID: r.ID, Name: r.Name, Status: vim.Queued, Size: -1, Owner: "p1", Visibility: r.Visibility,
		DiskFormat: r.DiskFormat, ContainerFormat: r.ContainerFormat, Mark: r.Mark}
	if c.records == nil {
		c.records = make(map[string]vim.Record)
	}
	c.records[r.ID] = r
	c.images = append(c.images, img)
	return img, nil
}

func (c *cloud) Upload(_ context.Context, id string, body io.Reader, _ int64) error {
	if c.broken != nil {
		return c.broken
	}
	hash := sha512.New()
	size, err := io.Copy(hash, body)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	img, err := c.find(id)
	if err != nil {
		return err
	}
	img.Status, img.Size, img.HashAlgorithm, img.HashValue = vim.Active, size, "sha512", hex.EncodeToString(hash.Sum(nil))
	return nil
}

func (c *cloud) Beat(context.Context, string, string) error { return nil }

func (c *cloud) Delete(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, img := range c.images {
		if img.ID == id {
			c.images = append(c.images[:i], c.images[i+1:]...)
			break
		}
	}
	return nil
}
