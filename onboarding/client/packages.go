package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Packages yields the packages of the project that are onboarded, in the order of
// their creation. Pages are asked for as they are come to.
func (c *Client) Packages(ctx context.Context) iter.Seq2[view.Package, error] {
	r := get("/api/v1/packages", nil)
	r.query = url.Values{"state": {string(vnfpkg.Onboarded)}}
	return func(yield func(view.Package, error) bool) {
		for found, err := range list[view.Resource](ctx, c, r) {
			if !yield(found.Package, err) {
				return
			}
		}
	}
}

// Package returns a package by its ID, name, vendor/name or vendor/name:version. The
// error wraps imagerepo.ErrNotFound, also for one that is not onboarded, and is
// ErrConflict for a name that fits several.
func (c *Client) Package(ctx context.Context, called string) (view.Package, error) {
	var found view.Resource
	if _, err := c.call(ctx, get(at("packages", called), imagerepo.ErrNotFound), &found); err != nil {
		return view.Package{}, err
	}
	if found.State != vnfpkg.Onboarded {
		return view.Package{}, fmt.Errorf("server %s: package %s is %s: %w", c.server, found.ID, found.State, imagerepo.ErrNotFound)
	}
	return found.Package, nil
}

// DeletePackage deletes a package and, unless they are to be kept, the images that
// only it brought. The error is as with [Client.Package].
func (c *Client) DeletePackage(ctx context.Context, called string, keepImages bool) (view.Deleted, error) {
	return c.deletePackage(ctx, called, url.Values{"keepImages": {strconv.FormatBool(keepImages)}})
}

// DeletedWith tells what DeletePackage would, and changes nothing.
func (c *Client) DeletedWith(ctx context.Context, called string, keepImages bool) (view.Deleted, error) {
	return c.deletePackage(ctx, called, url.Values{"keepImages": {strconv.FormatBool(keepImages)}, "dryRun": {"true"}})
}

func (c *Client) deletePackage(ctx context.Context, called string, how url.Values) (view.Deleted, error) {
	var gone view.Deleted
	_, err := c.call(ctx, request{method: http.MethodDelete, path: at("packages", called), absent: imagerepo.ErrNotFound, query: how}, &gone)
	return gone, err
}
