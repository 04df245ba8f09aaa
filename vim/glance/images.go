package glance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/gangway-nfv/gangway/vim"
)

// pageSize is how many images are asked for at once: Glance's default limit
// (api_limit_max).
const pageSize = "1000"

// image is an image as the Image API v2 shows it.
type image struct {
	ID              string  `json:"id"`
	Name            *string `json:"name"`
	Status          string  `json:"status"`
	Size            *int64  `json:"size"`
	Owner           *string `json:"owner"`
	Visibility      string  `json:"visibility"`
	Hidden          bool    `json:"os_hidden"`
	DiskFormat      *string `json:"disk_format"`
	ContainerFormat *string `json:"container_format"`
	HashAlgorithm   *string `json:"os_hash_algo"`
	HashValue       *string `json:"os_hash_value"`
	MD5             *string `json:"checksum"`
	CreatedAt       string  `json:"created_at"`
	UpdatedAt       string  `json:"updated_at"`
	vim.Mark
}

func (i image) vim() vim.Image {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	size := int64(-1)
	if i.Size != nil {
		size = *i.Size
	}
	return vim.Image{
		ID: i.ID, Name: text(i.Name), Status: vim.Status(i.Status), Size: size,
		Owner: text(i.Owner), Visibility: i.Visibility, Hidden: i.Hidden,
		DiskFormat: text(i.DiskFormat), ContainerFormat: text(i.ContainerFormat),
		HashAlgorithm: text(i.HashAlgorithm), HashValue: strings.ToLower(text(i.HashValue)), MD5: strings.ToLower(text(i.MD5)),
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Mark: i.Mark,
	}
}

// Images implements [vim.Cloud]. Community images are not listed.
func (c *Cloud) Images(ctx context.Context) iter.Seq2[vim.Image, error] {
	return func(yield func(vim.Image, error) bool) {
		query := "limit=" + pageSize
		for query != "" {
			page, next, err := c.page(ctx, query)
			if err != nil {
				yield(vim.Image{}, err)
				return
			}
			for _, img := range page {
				if !yield(img.vim(), nil) {
					return
				}
			}
			if next == query {
				yield(vim.Image{}, fmt.Errorf("page %s: the next page is the same", query))
				return
			}
			query = next
		}
	}
}

// page gets one page of the list and the query of the next, empty at the end.
// Only the query of Glance's link is used: its path is wrong behind a proxy
// that has a prefix.
func (c *Cloud) page(ctx context.Context, query string) (images []image, next string, err error) {
	var page struct {
		Images []image `json:"images"`
		Next   string  `json:"next"`
	}
	err = c.call(ctx, func(ctx context.Context, client *gophercloud.ServiceClient) (*http.Response, error) {
		page.Images, page.Next = nil, ""
		return client.Get(ctx, client.ServiceURL("images")+"?"+query, &page, nil)
	})
	if err != nil || page.Next == "" {
		return page.Images, "", err
	}
	link, err := url.Parse(page.Next)
	if err != nil {
		return nil, "", fmt.Errorf("link to the next page: %w", err)
	}
	return page.Images, link.RawQuery, nil
}

// Image implements [vim.Cloud].
func (c *Cloud) Image(ctx context.Context, id string) (vim.Image, error) {
	var img image
	err := c.call(ctx, func(ctx context.Context, client *gophercloud.ServiceClient) (*http.Response, error) {
		return client.Get(ctx, client.ServiceURL("images", url.PathEscape(id)), &img, nil)
	})
	if err != nil {
		return vim.Image{}, err
	}
	return img.vim(), nil
}

// Create implements [vim.Cloud].
func (c *Cloud) Create(ctx context.Context, r vim.Record) (vim.Image, error) {
	request := map[string]any{
		"id": r.ID, "name": r.Name, "visibility": r.Visibility,
		"disk_format": r.DiskFormat, "container_format": r.ContainerFormat,
		"min_disk": r.MinDisk, "min_ram": r.MinRAM,
		"gangway_image_id": r.Mark.ImageID, "gangway_package": r.Mark.Package,
		"gangway_sha256": r.Mark.SHA256, "gangway_generation": r.Mark.Generation,
	}
	for name, value := range r.Properties {
		request[name] = value
	}
	var img image
	err := c.call(ctx, func(ctx context.Context, client *gophercloud.ServiceClient) (*http.Response, error) {
		return client.Post(ctx, client.ServiceURL("images"), request, &img, nil)
	})
	var refused *vim.RefusedError
	if errors.As(err, &refused) && refused.By == vim.ByPolicy && refused.Rule == "" && r.Visibility == "public" {
		refused.Rule = publicize
	}
	if err != nil {
		return vim.Image{}, err
	}
	return img.vim(), nil
}

// publicize is the policy that guards public images.
const publicize = "publicize_image"

// Beat implements [vim.Cloud].
func (c *Cloud) Beat(ctx context.Context, id, value string) error {
	patch := []map[string]string{{"op": "add", "path": "/gangway_beat", "value": value}}
	return c.call(ctx, func(ctx context.Context, client *gophercloud.ServiceClient) (*http.Response, error) {
		return client.Patch(ctx, client.ServiceURL("images", url.PathEscape(id)), patch, nil, &gophercloud.RequestOpts{
			OkCodes:     []int{http.StatusOK},
			MoreHeaders: map[string]string{"Content-Type": "application/openstack-images-v2.1-json-patch"},
		})
	})
}

// Delete implements [vim.Cloud].
func (c *Cloud) Delete(ctx context.Context, id string) error {
	err := c.call(ctx, func(ctx context.Context, client *gophercloud.ServiceClient) (*http.Response, error) {
		return client.Delete(ctx, client.ServiceURL("images", url.PathEscape(id)), nil)
	})
	if errors.Is(err, vim.ErrNotFound) {
		return nil
	}
	return err
}
