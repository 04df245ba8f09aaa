package glancetest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// newHash returns a hash by Glance's name for it, or nil.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha512":
		return sha512.New()
	case "sha384":
		return sha512.New384()
	case "sha256":
		return sha256.New()
	case "sha1":
		return sha1.New()
	case "md5":
		return md5.New()
	}
	return nil
}

// upload is PUT /v2/images/{id}/file: queued → saving, the body, then active;
// or back to queued, whatever broke it.
func (g *Glance) upload(x *exchange) error {
	rec, before, err := g.beginUpload(x)
	if err != nil {
		return err
	}
	got, err := g.receive(x, before)
	if errors.Is(err, errDie) {
		got.forget()
		return err
	}
	if err := g.endUpload(rec, before, got, err); err != nil {
		got.forget()
		return err
	}
	g.stats.uploadFinished()
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// beginUpload is the compare-and-set that lets exactly one upload win. It
// returns the record, now saving, and a copy of it from before.
func (g *Glance) beginUpload(x *exchange) (*record, Image, error) {
	if t := x.r.Header.Get("Content-Type"); t != "application/octet-stream" {
		return nil, Image{}, refuse(http.StatusUnsupportedMediaType, "Invalid content type %s", t)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rec, err := g.own(x)
	if err != nil {
		return nil, Image{}, err
	}
	if rec.Status != "queued" {
		return nil, Image{}, refuse(http.StatusConflict, "Image status transition from %s to saving is not allowed", rec.Status)
	}
	if err := rec.formatsMissing(); err != nil {
		return nil, Image{}, err
	}
	before := rec.clone()
	rec.Status = "saving"
	rec.UpdatedAt = g.now()
	g.stats.uploadStarted()
	return rec, before, nil
}

// endUpload makes the image active, or queued again after an error. It returns
// the upload's error, or that the image went away or changed its status
// meanwhile.
func (g *Glance) endUpload(rec *record, before Image, got *content, err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if rec.deleted || rec.Status != "saving" {
		if err != nil {
			return err
		}
		return refuse(http.StatusGone, "Image %s could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.", rec.ID)
	}
	// Glance writes the whole record as it read it when the upload began, after
	// a cut as well.
	rec.Image = before
	rec.UpdatedAt = g.now()
	if err != nil {
		return err
	}
	rec.Status = "active"
	rec.Size = got.size
	rec.Checksum, rec.HashAlgo, rec.HashValue = got.checksum, got.hashAlgo, got.hashValue
	rec.data, rec.path = got.data, got.path
	return nil
}

// download is GET /v2/images/{id}/file.
func (g *Glance) download(x *exchange) error {
	g.mu.Lock()
	rec, err := g.find(x)
	if err != nil {
		g.mu.Unlock()
		return err
	}
	img, data, path := rec.clone(), rec.data, rec.path
	g.mu.Unlock()
	switch {
	case img.Status == "deactivated" && !x.from.user.Admin:
		return refuse(http.StatusForbidden, "The requested image has been deactivated. Image data download is forbidden.")
	case !img.stored():
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	case g.options.Content == HashOnly || g.options.Content == Discard:
		return refuse(http.StatusNotImplemented, "Content is not kept here.")
	}
	var from io.Reader = bytes.NewReader(data)
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	x.w.Header().Set("Content-Type", "application/octet-stream")
	x.w.Header().Set("Content-Length", strconv.FormatInt(img.Size, 10))
	if img.Checksum != "" {
		x.w.Header().Set("Content-MD5", img.Checksum)
	}
	if _, err := io.Copy(x.w, from); err != nil {
		return errCut
	}
	return nil
}

// content is what an upload left.
type content struct {
	size                          int64
	checksum, hashAlgo, hashValue string
	data                          []byte
	path                          string
}

func (c *content) forget() {
	if c.path != "" {
		_ = os.Remove(c.path)
	}
}

// A sink takes the bytes of one upload.
type sink struct {
	*content
	md5, hash hash.Hash // nil if not wanted
	memory    *bytes.Buffer
	file      *os.File
}

func (g *Glance) newSink(id string) (*sink, error) {
	s := &sink{content: &content{}}
	if g.options.Content != Discard {
		s.hash = newHash(g.options.HashAlgorithm)
		if !g.options.NoChecksum {
			s.md5 = md5.New()
		}
	}
	switch g.options.Content {
	case InMemory:
		s.memory = &bytes.Buffer{}
	case InFiles:
		f, err := os.OpenFile(filepath.Join(g.folder, id), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		s.file, s.path = f, f.Name()
	}
	return s, nil
}

func (s *sink) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.md5 != nil {
		s.md5.Write(p)
	}
	if s.hash != nil {
		s.hash.Write(p)
	}
	if s.memory != nil {
		s.memory.Write(p)
	}
	if s.file != nil {
		return s.file.Write(p)
	}
	return len(p), nil
}

// finish computes the sums; with wrong, those of one byte more.
func (s *sink) finish(algorithm string, wrong bool) {
	sum := func(h hash.Hash) string {
		if wrong {
			h.Write([]byte{0})
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	if s.md5 != nil {
		s.checksum = sum(s.md5)
	}
	if s.hash != nil {
		s.hashAlgo, s.hashValue = algorithm, sum(s.hash)
	}
	if s.memory != nil {
		s.data = s.memory.Bytes()
	}
}
