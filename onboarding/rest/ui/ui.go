package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/rest"
)

//go:embed files
var files embed.FS

// policy lets the page load its own files and speak with its own server, and nobody
// frame it. Strings cannot become markup or scripts.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// New returns the door. The page is at /, and its files are below /ui.
func New() (rest.Door, error) {
	door := rest.Door{Name: "ui", Quiet: true}
	err := fs.WalkDir(files, "files", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "files/")
		served, err := newAsset(short, content)
		if err != nil {
			return fmt.Errorf("%s: %w", short, err)
		}
		pattern := "/ui/" + short
		if short == "index.html" {
			pattern = "/{$}"
		}
		door.Routes = append(door.Routes, rest.Route{Method: http.MethodGet, Pattern: pattern, Need: rest.Public, Handler: served})
		return nil
	})
	return door, err
}

// kinds are the media types of the files, whatever the system thinks of their names.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// asset is a file, as it is and packed.
type asset struct {
	kind, tag     string
	plain, packed []byte
}

func newAsset(name string, content []byte) (*asset, error) {
	sum := sha256.Sum256(content)
	a := &asset{kind: kinds[path.Ext(name)], tag: hex.EncodeToString(sum[:16]), plain: content}
	if a.kind == "" {
		return nil, errors.New("has no media type")
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	a.packed = packed.Bytes()
	return a, nil
}

// ServeHTTP implements [http.Handler]. A browser keeps the file and asks each time
// whether it is still the same, so that a page that is opened fits its server.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", a.kind)
	content, tag := a.plain, a.tag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") { // browsers do not forbid it
		content, tag = a.packed, a.tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(content)))
	}
	h.Set("Etag", `"`+tag+`"`)
	rest.ServeContent(w, r, time.Time{}, bytes.NewReader(content))
}
