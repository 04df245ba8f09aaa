package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
)

// OpenImage opens the bytes of an image, by its ID or name. When the connection
// breaks, reading goes on from where it was. At the end the reader compares the
// SHA-256 of what it has read with that of the image: it returns io.EOF only if they
// are the same, else a *fetch.DigestError. The context governs the reading, too. The
// caller closes it.
//
// The error wraps imagerepo.ErrNotFound, or is ErrConflict for an image of which
// the server has only the URL.
func (c *Client) OpenImage(ctx context.Context, called string) (io.ReadCloser, error) {
	d := &download{client: c, ctx: ctx, request: get(at("images", called, "file"), imagerepo.ErrNotFound), called: called, hash: sha256.New()}
	p := c.patient(shortly)
	for {
		resp, err := c.send(ctx, d.request)
		if err == nil {
			return d, d.begin(resp)
		}
		if err := p.wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// download is a reader of an image, whatever number of connections it takes. It
// belongs to one goroutine.
type download struct {
	client   *Client
	ctx      context.Context // of the reading, as in http.Request
	request  request
	called   string
	patience *patience

	body   io.ReadCloser
	etag   string
	size   int64 // bytes
	offset int64 // bytes read
	hash   hash.Hash
	err    error // what ended it
}

// begin takes the first answer.
func (d *download) begin(resp *http.Response) error {
	d.body, d.etag, d.size = resp.Body, resp.Header.Get("Etag"), resp.ContentLength
	d.patience = d.client.patient(d.client.options.Patience)
	if digest, err := hex.DecodeString(d.digest()); err != nil || len(digest) != sha256.Size || d.size < 0 {
		discard(resp.Body)
		return fmt.Errorf("server %s: image %q: its size and SHA-256 are not told", d.client.server, d.called)
	}
	return nil
}

// digest is the SHA-256 that the server states, which is the ETag.
func (d *download) digest() string { return strings.Trim(d.etag, `"`) }

// Read implements [io.Reader].
func (d *download) Read(p []byte) (int, error) {
	for d.err == nil {
		if d.offset == d.size {
			d.err = d.proof()
			break
		}
		n, err := d.body.Read(p[:min(int64(len(p)), d.size-d.offset)])
		if n > 0 {
			d.hash.Write(p[:n])
			d.offset += int64(n)
			d.patience.moved()
			return n, nil // an error beside the bytes comes again
		}
		switch {
		case err == io.EOF:
			d.err = d.resume(&unreachable{d.client.server, io.ErrUnexpectedEOF})
		case err != nil:
			d.err = d.resume(err)
		case len(p) == 0:
			return 0, nil
		}
	}
	return 0, d.err
}

// Close implements [io.Closer].
func (d *download) Close() error {
	if d.offset == d.size {
		discard(d.body)
		return nil
	}
	return d.body.Close()
}

// proof returns io.EOF if the bytes are those of the image.
func (d *download) proof() error {
	if got := hex.EncodeToString(d.hash.Sum(nil)); got != d.digest() {
		return fmt.Errorf("server %s: image %q: %w", d.client.server, d.called,
			&fetch.DigestError{Algorithm: imagerepo.SHA256, Want: d.digest(), Got: got})
	}
	return io.EOF
}

// resume replaces a connection that broke by one that goes on at the offset.
func (d *download) resume(cause error) error {
	d.body.Close()
	r := d.request
	r.header = http.Header{"Range": {fmt.Sprintf("bytes=%d-", d.offset)}, "If-Range": {d.etag}}
	for {
		if err := d.patience.wait(d.ctx, cause); err != nil {
			return err
		}
		resp, err := d.client.send(d.ctx, r)
		if err == nil {
			d.body = resp.Body
			err = d.goOn(resp)
		}
		if err == nil {
			return nil
		}
		cause = err
	}
}

// goOn takes an answer that has the rest of the image, or all of it.
func (d *download) goOn(resp *http.Response) error {
	if etag := resp.Header.Get("Etag"); etag != d.etag {
		d.body.Close()
		return fmt.Errorf("server %s: image %q has become another one while it was read", d.client.server, d.called)
	}
	skip := d.offset
	if resp.StatusCode == http.StatusPartialContent {
		if got, want := resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", d.offset, d.size-1, d.size); got != want {
			d.body.Close()
			return fmt.Errorf("server %s: image %q: asked for %q, got %q", d.client.server, d.called, want, got)
		}
		skip = 0
	}
	// A proxy may know no ranges.
	if _, err := io.CopyN(io.Discard, resp.Body, skip); err != nil {
		d.body.Close()
		if err == io.EOF {
			err = &unreachable{d.client.server, io.ErrUnexpectedEOF}
		}
		return err
	}
	return nil
}
