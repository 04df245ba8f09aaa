package client

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// Images yields the images of the project by their names. Pages are asked for as
// they are come to.
func (c *Client) Images(ctx context.Context) iter.Seq2[view.Image, error] {
	return list[view.Image](ctx, c, get("/api/v1/images", nil))
}

// Image returns an image by its ID or name. The error wraps imagerepo.ErrNotFound.
func (c *Client) Image(ctx context.Context, called string) (view.Image, error) {
	var found view.Image
	_, err := c.call(ctx, get(at("images", called), imagerepo.ErrNotFound), &found)
	return found, err
}

// DeleteImage deletes an image. One that packages use is refused with ErrConflict
// unless force is set. The error wraps imagerepo.ErrNotFound.
func (c *Client) DeleteImage(ctx context.Context, called string, force bool) (imagerepo.ImageRef, error) {
	var gone imagerepo.ImageRef
	_, err := c.call(ctx, request{method: http.MethodDelete, path: at("images", called), absent: imagerepo.ErrNotFound,
		query: url.Values{"force": {strconv.FormatBool(force)}}}, &gone)
	return gone, err
}

// AddImage adds an image, of which the server fetches one that has a URL. One that
// comes as a stream cannot be sent again when the connection breaks; a Content that
// is an [io.ReaderAt] and [io.Seeker] of known size, such as a file, is. Digests
// that are stated for a Content are compared by the server: sha256 and sha512 can be.
// The report and the error are as with [onboarding.Pipeline.Add].
func (c *Client) AddImage(ctx context.Context, req onboarding.AddRequest) (onboarding.Report, error) {
	c = c.in(req.Options.Project)
	var report onboarding.Report
	err := unsupported(req.Options)
	switch {
	case err != nil:
	case req.DryRun:
		err = fmt.Errorf("dry run of an image: %w at a server", errors.ErrUnsupported)
	case req.Description.URL != "":
		report, err = c.fetchImage(ctx, req)
	default:
		report, err = c.putImage(ctx, req)
	}
	return concluded("add image", req.Description.Name, report, err)
}

func (c *Client) fetchImage(ctx context.Context, req onboarding.AddRequest) (onboarding.Report, error) {
	d := req.Description
	var j job.Job
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/images", repeatable: true,
		header: http.Header{"Idempotency-Key": {uuid.NewString()}},
		json: operation.Image{
			Name: d.Name, URL: d.URL, DiskFormat: d.DiskFormat, ContainerFormat: d.ContainerFormat,
			MinDisk: d.MinDisk, MinRAM: d.MinRAM, MinCPU: d.MinCPU, IsPublic: d.IsPublic, Digests: d.Digests,
			OnConflict: req.OnConflict, Images: req.Images,
		}}, &j)
	if err != nil {
		return onboarding.Report{}, err
	}
	j, err = c.wait(ctx, j.ID, steps(d.Name, req.Progress, false))
	if err != nil {
		return onboarding.Report{}, err
	}
	var report onboarding.Report
	if len(j.Result) > 0 {
		if err := json.Unmarshal(j.Result, &report); err != nil {
			return report, fmt.Errorf("server %s: result of job %s: %w", c.server, j.ID, err)
		}
	}
	if j.State != job.Succeeded && report.Status != onboarding.Rejected {
		return report, c.unsuccessful(j)
	}
	return report, nil
}

func (c *Client) putImage(ctx context.Context, req onboarding.AddRequest) (onboarding.Report, error) {
	d := req.Description
	stated, err := reprDigest(d.Digests)
	if err != nil {
		return onboarding.Report{}, err
	}
	query := url.Values{"minDisk": {strconv.FormatInt(d.MinDisk, 10)}, "minRam": {strconv.FormatInt(d.MinRAM, 10)},
		"minCPU": {strconv.FormatInt(d.MinCPU, 10)}, "isPublic": {strconv.FormatBool(d.IsPublic)}}
	set(query, "diskFormat", d.DiskFormat)
	set(query, "containerFormat", d.ContainerFormat)
	set(query, "onConflict", string(req.OnConflict))
	r := request{method: http.MethodPut, path: at("images", d.Name), query: query, taken: imagerepo.ErrExists,
		length: req.Size, told: (&meter{source: d.Name, size: req.Size, progress: req.Progress}).from(0)}
	if stated != "" {
		r.header = http.Header{"Repr-Digest": {stated}}
	}
	r.content, r.repeatable = again(d.Name, req.Content, req.Size)
	var shown view.Added
	got, err := c.callFor(ctx, c.patient(c.options.Patience), r, &shown)
	if err != nil {
		return onboarding.Report{}, err
	}
	report := onboarding.Report{Status: onboarding.Unchanged, Findings: shown.Findings, Images: []onboarding.ImageReport{
		{ID: shown.ID, Name: shown.Name, Size: shown.Size, Digests: shown.Digests, Action: shown.Action}}}
	if got.status == http.StatusCreated {
		report.Status = onboarding.Onboarded
	}
	return report, nil
}

// again returns how to read content for each time that it is sent, and whether it
// can be read more than once. A reader of its own for each time, as the transport may
// hold on to the one before.
func again(name string, content io.Reader, size int64) (func() io.Reader, bool) {
	file, ok := content.(interface {
		io.ReaderAt
		io.Seeker
	})
	if ok && size >= 0 {
		if start, err := file.Seek(0, io.SeekCurrent); err == nil {
			source := csar.Source{Name: name, At: file, Size: start + size}
			was := infoOf(source)
			return func() io.Reader { return &part{file: source, was: was, at: start} }, true
		}
	}
	return func() io.Reader { return content }, false
}

// reprDigest renders stated digests as a Repr-Digest header (RFC 9530).
func reprDigest(digests imagerepo.Digests) (string, error) {
	names := map[string]string{"sha256": "sha-256", "sha512": "sha-512"}
	var members []string
	for _, algorithm := range slices.Sorted(maps.Keys(digests)) {
		digest, err := hex.DecodeString(digests[algorithm])
		switch {
		case names[algorithm] == "":
			return "", fmt.Errorf("digest %s of an image that is sent: %w at a server, which compares sha256 and sha512", algorithm, errors.ErrUnsupported)
		case err != nil:
			return "", fmt.Errorf("digest %s: is not in hex", algorithm)
		}
		members = append(members, names[algorithm]+"=:"+base64.StdEncoding.EncodeToString(digest)+":")
	}
	return strings.Join(members, ", "), nil
}
