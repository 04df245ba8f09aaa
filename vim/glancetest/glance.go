package glancetest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// A Glance is the image service of one region. All its methods are safe for
// concurrent use.
type Glance struct {
	// Region is its name, URL its endpoint in the catalogue.
	Region string
	URL    string

	options Region
	server  *Server
	now     func() time.Time
	stats   stats
	folder  string // of kept content, when InFiles

	mu     sync.Mutex
	images map[string]*record // by ID, deleted ones as well: IDs stay taken
	order  []*record          // oldest first, without the deleted ones
}

func newGlance(s *Server, o Region, url string, now func() time.Time) (*Glance, error) {
	if o.HashAlgorithm == "" {
		o.HashAlgorithm = "sha512"
	}
	if newHash(o.HashAlgorithm) == nil {
		return nil, fmt.Errorf("hash algorithm %q: unknown", o.HashAlgorithm)
	}
	g := &Glance{
		Region: o.Name, URL: url, options: o, server: s, now: now,
		images: make(map[string]*record),
	}
	if o.Content == InFiles {
		folder, err := os.MkdirTemp("", "glancetest-")
		if err != nil {
			return nil, err
		}
		g.folder = folder
	}
	return g, nil
}

func (g *Glance) removeContent() {
	if g.folder != "" {
		_ = os.RemoveAll(g.folder)
	}
}

func (g *Glance) routes() http.Handler {
	mux := http.NewServeMux()
	for route, h := range map[Route]handler{
		List: g.list, Create: g.create, Show: g.show, Update: g.update, Delete: g.remove,
		Upload: g.upload, Download: g.download,
		"GET /v2/info/import": g.showImport,
		"GET /v2/info/stores": g.showStores,
		"GET /v2/info/usage":  g.showUsage,
	} {
		g.server.handle(mux, route, g.Region, &g.stats, g.authorised(h), glanceError)
	}
	for route, status := range map[Route]int{
		"GET /{$}": http.StatusMultipleChoices, "GET /versions": http.StatusOK,
	} {
		g.server.handle(mux, route, g.Region, &g.stats, func(x *exchange) error {
			return reply(x.w, status, g.versions())
		}, glanceError)
	}
	return mux
}

// authorised is h for those with a token of a project.
func (g *Glance) authorised(h handler) handler {
	return func(x *exchange) error {
		from, ok := g.server.keystone.lookup(x.r.Header.Get("X-Auth-Token"))
		if !ok || !from.scoped {
			x.w.Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", g.server.AuthURL))
			return refuse(http.StatusUnauthorized, "The request you have made requires authentication.")
		}
		x.from = from
		return h(x)
	}
}

// find returns the image that a request names, if its sender may see it. The
// caller holds g.mu.
func (g *Glance) find(x *exchange) (*record, error) {
	id := x.r.PathValue("id")
	rec := g.images[id]
	if rec == nil || rec.deleted || !rec.visibleTo(x.from) {
		return nil, refuse(http.StatusNotFound, "No image found with ID %s", id)
	}
	return rec, nil
}

// own is find for those who mean to change the image. The caller holds g.mu.
func (g *Glance) own(x *exchange) (*record, error) {
	rec, err := g.find(x)
	if err == nil && !x.from.user.Admin && rec.Owner != x.from.projectID() {
		err = refuse(http.StatusForbidden, "You do not own this image")
	}
	return rec, err
}

// add makes a record known. The caller holds g.mu.
func (g *Glance) add(rec *record) {
	g.images[rec.ID] = rec
	g.order = append(g.order, rec)
}

// drop makes a record a tombstone. The caller holds g.mu.
func (g *Glance) drop(rec *record) {
	rec.deleted = true
	rec.forgetContent()
	g.order = slices.DeleteFunc(g.order, func(r *record) bool { return r == rec })
}

// Images returns copies of all images, oldest first, whoever owns them.
func (g *Glance) Images() []Image {
	g.mu.Lock()
	defer g.mu.Unlock()
	images := make([]Image, len(g.order))
	for i, rec := range g.order {
		images[i] = rec.clone()
	}
	return images
}

// Image returns a copy of one image; ok is false if there is none or it was
// deleted.
func (g *Glance) Image(id string) (img Image, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	rec := g.images[id]
	if rec == nil || rec.deleted {
		return Image{}, false
	}
	return rec.clone(), true
}

// Put sets the scene: it stores img as it is, in place of one with its ID, also
// in the middle of that one's upload. Empty fields get Glance's defaults: a
// random ID, the status queued, the visibility shared, the times of now. A
// tombstone is woken up. Put returns what was stored.
func (g *Glance) Put(img Image) Image {
	if img.ID == "" {
		img.ID = newUUID()
	}
	if img.Status == "" {
		img.Status = "queued"
	}
	if img.Visibility == "" {
		img.Visibility = "shared"
	}
	now := g.now()
	if img.CreatedAt.IsZero() {
		img.CreatedAt = now
	}
	if img.UpdatedAt.IsZero() {
		img.UpdatedAt = now
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rec := g.images[img.ID]
	if rec == nil || rec.deleted {
		rec = &record{}
		rec.Image = img.clone()
		g.add(rec)
	} else {
		rec.Image = img.clone()
	}
	return img.clone()
}

// Delete removes an image and leaves the tombstone that Glance leaves. It
// reports whether there was one.
func (g *Glance) Delete(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	rec := g.images[id]
	if rec == nil || rec.deleted {
		return false
	}
	g.drop(rec)
	return true
}

// newUUID returns a random UUID of version 4 (RFC 9562, 5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
