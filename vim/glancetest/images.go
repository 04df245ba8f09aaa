package glancetest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// create is POST /v2/images.
func (g *Glance) create(x *exchange) error {
	var body map[string]any
	if err := x.decode(&body); err != nil {
		return err
	}
	now := g.now()
	img := Image{
		ID: newUUID(), Owner: x.from.projectID(), Status: "queued", Visibility: "shared",
		CreatedAt: now, UpdatedAt: now,
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		switch {
		case name == "id":
			id, ok := body[name].(string)
			if !ok || !uuidForm.MatchString(id) {
				return mismatch(body[name], "does not match the pattern of an ID")
			}
			img.ID = id
		case slices.Contains(hashes, name):
			// Glance takes them and forgets them.
		default:
			if err := guard(name); err != nil {
				return err
			}
			if err := img.set(name, body[name]); err != nil {
				return err
			}
		}
	}
	if err := mayPublish(x, &img); err != nil {
		return err
	}
	if img.Owner != x.from.projectID() && !x.from.user.Admin {
		return refuse(http.StatusForbidden, "You are not permitted to create images owned by '%s'.", img.Owner)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.images[img.ID] != nil {
		return refuse(http.StatusConflict, "Image ID %s already exists!", img.ID)
	}
	g.add(&record{Image: img})
	x.w.Header().Set("Location", "/v2/images/"+img.ID)
	x.w.Header().Set("OpenStack-Image-Store-Ids", "local")
	return reply(x.w, http.StatusCreated, img.view())
}

// mayPublish holds the policy publicize_image.
func mayPublish(x *exchange, img *Image) error {
	if img.Visibility == "public" && !x.from.user.Admin {
		return refuse(http.StatusForbidden, "You are not authorized to complete publicize_image action.")
	}
	return nil
}

// show is GET /v2/images/{id}.
func (g *Glance) show(x *exchange) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	rec, err := g.find(x)
	if err != nil {
		return err
	}
	return reply(x.w, http.StatusOK, rec.view())
}

// remove is DELETE /v2/images/{id}.
func (g *Glance) remove(x *exchange) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	rec, err := g.own(x)
	if err != nil {
		return err
	}
	if rec.Protected {
		return refuse(http.StatusForbidden, "Image %s is protected and cannot be deleted.", rec.ID)
	}
	g.drop(rec)
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// patchType is the media type of PATCH (Image API v2, "HTTP PATCH media
// types"); the older v2.0 form is not taken.
const patchType = "application/openstack-images-v2.1-json-patch"

type change struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// update is PATCH /v2/images/{id}: a JSON patch whose paths are one attribute
// or property deep. All its changes are made or none.
func (g *Glance) update(x *exchange) error {
	if x.r.Header.Get("Content-Type") != patchType {
		x.w.Header().Set("Accept-Patch", patchType)
		return refuse(http.StatusUnsupportedMediaType, "The request media type is not supported by this server.")
	}
	var changes []change
	if err := x.decode(&changes); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rec, err := g.own(x)
	if err != nil {
		return err
	}
	img := rec.clone()
	for _, c := range changes {
		if err := img.patch(c); err != nil {
			return err
		}
	}
	if rec.Visibility != img.Visibility {
		if err := mayPublish(x, &img); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		img.UpdatedAt = g.now()
	}
	rec.Image = img
	return reply(x.w, http.StatusOK, img.view())
}

// pointer decodes the escapes of a JSON pointer (RFC 6901, 3).
var pointer = strings.NewReplacer("~1", "/", "~0", "~")

func (img *Image) patch(c change) error {
	name, ok := strings.CutPrefix(c.Path, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return refuse(http.StatusBadRequest, "Invalid JSON pointer for this resource: '%s'", c.Path)
	}
	name = pointer.Replace(name)
	if name == "id" || slices.Contains(hashes, name) {
		return refuse(http.StatusForbidden, "Attribute '%s' is read-only.", name)
	}
	if err := guard(name); err != nil {
		return err
	}
	if img.Status != "queued" && (name == "disk_format" || name == "container_format") {
		return refuse(http.StatusForbidden, "Attribute %s can be only replaced for a queued image.", name)
	}
	_, set := img.Properties[name]
	switch c.Op {
	case "add":
		return img.set(name, c.Value)
	case "replace":
		if !set && !base(name) {
			return refuse(http.StatusConflict, "Property %s does not exist.", name)
		}
		return img.set(name, c.Value)
	case "remove":
		if base(name) {
			return refuse(http.StatusForbidden, "Property %s may not be removed.", name)
		}
		if !set {
			return refuse(http.StatusConflict, "Property %s does not exist.", name)
		}
		delete(img.Properties, name)
		return nil
	}
	return refuse(http.StatusBadRequest, "Invalid operation: `%s`. It must be one of the following: add, remove, replace.", c.Op)
}
