package glancetest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Page sizes of Glance: limit_param_default and api_limit_max.
const (
	defaultPage = 25
	maxPage     = 1000
)

// list is GET /v2/images: one page of those images that the sender may see and
// that pass all filters, newest first unless sorted otherwise.
func (g *Glance) list(x *exchange) error {
	query := x.r.URL.Query()
	limit, err := pageSize(query.Get("limit"))
	if err != nil {
		return err
	}
	order, err := sorting(query)
	if err != nil {
		return err
	}
	if v := query.Get("visibility"); v != "" && v != "all" && !slices.Contains(visibilities, v) {
		return refuse(http.StatusBadRequest, "Invalid visibility value: %s", v)
	}
	page, err := g.page(x.from, query, order, limit)
	if err != nil {
		return err
	}
	params := url.Values{}
	for name, values := range query {
		params[name] = values[len(values)-1:]
	}
	params.Del("marker")
	body := map[string]any{
		"images": page,
		"first":  link(params),
		"schema": "/v2/schemas/images",
	}
	if len(page) > 0 && len(page) == limit {
		params.Set("marker", page[len(page)-1]["id"].(string))
		body["next"] = link(params)
	}
	return reply(x.w, http.StatusOK, body)
}

func link(params url.Values) string {
	if len(params) == 0 {
		return "/v2/images"
	}
	return "/v2/images?" + params.Encode()
}

func pageSize(param string) (int, error) {
	if param == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(param)
	switch {
	case err != nil:
		return 0, refuse(http.StatusBadRequest, "limit param must be an integer")
	case n < 0:
		return 0, refuse(http.StatusBadRequest, "limit param must be positive")
	}
	return min(n, maxPage), nil
}

func (g *Glance) page(from token, query url.Values, order func(a, b *record) int, limit int) ([]map[string]any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var hits []*record
	for _, rec := range g.order {
		if rec.listedFor(from, query) && rec.passes(query) {
			hits = append(hits, rec)
		}
	}
	slices.SortFunc(hits, order)
	if marker := query.Get("marker"); marker != "" {
		rec := g.images[marker]
		if rec == nil || rec.deleted || !rec.visibleTo(from) {
			return nil, refuse(http.StatusBadRequest, "Invalid marker: image could not be found.")
		}
		// The marker may have stopped to pass: go on where it would stand.
		at, found := slices.BinarySearchFunc(hits, rec, order)
		if found {
			at++
		}
		hits = hits[at:]
	}
	page := make([]map[string]any, 0, min(len(hits), limit))
	for _, rec := range hits[:cap(page)] {
		page = append(page, rec.view())
	}
	return page, nil
}

// listedFor holds the rules of visibility in lists: one's own and public ones;
// community ones only when asked for; hidden ones likewise.
func (img *Image) listedFor(from token, query url.Values) bool {
	own := img.Owner == from.projectID()
	if hidden, _ := strconv.ParseBool(query.Get("os_hidden")); img.Hidden != hidden {
		return false
	}
	wanted := query.Get("visibility")
	switch {
	case !own && !from.user.Admin && img.Visibility != "public" && img.Visibility != "community":
		return false
	case wanted == "all":
		return true
	case wanted != "":
		return img.Visibility == wanted
	}
	return own || img.Visibility != "community"
}

// passes holds the other filters: attributes and properties by equality, some
// by the operator in:, and the bounds of size.
func (img *Image) passes(query url.Values) bool {
	for name, values := range query {
		value := values[len(values)-1]
		switch name {
		case "limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "os_hidden", "member_status":
		case "tag":
			for _, tag := range values {
				if !slices.Contains(img.Tags, tag) {
					return false
				}
			}
		case "size_min", "size_max":
			bound, err := strconv.ParseInt(value, 10, 64)
			if err != nil || !img.stored() || name == "size_min" && img.Size < bound || name == "size_max" && img.Size > bound {
				return false
			}
		case "id", "name", "status", "container_format", "disk_format":
			if list, ok := strings.CutPrefix(value, "in:"); ok {
				if !slices.Contains(quotedList(list), img.filterable(name)) {
					return false
				}
				continue
			}
			if img.filterable(name) != value {
				return false
			}
		default:
			if img.filterable(name) != value {
				return false
			}
		}
	}
	return true
}

// filterable is the text that a filter compares. What the image doesn't have is
// the empty string.
func (img *Image) filterable(name string) string {
	switch name {
	case "id":
		return img.ID
	case "name":
		return img.Name
	case "status":
		return img.Status
	case "checksum":
		return img.Checksum
	case "os_hash_value":
		return img.HashValue
	}
	if property, ok := img.Properties[name]; ok {
		return property
	}
	switch value := img.view()[name].(type) {
	case nil, []string:
		return ""
	case bool:
		return strconv.FormatBool(value)
	default:
		return fmt.Sprint(value)
	}
}

// quotedList splits at commas outside of double quotes.
func quotedList(s string) []string {
	var items []string
	var item strings.Builder
	quoted := false
	for _, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			items = append(items, item.String())
			item.Reset()
		default:
			item.WriteRune(r)
		}
	}
	return append(items, item.String())
}

var sortKeys = []string{"name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"}

// sorting reads sort=key:dir,… or the older sort_key and sort_dir. The last
// resort is the time of creation and the ID, in the direction of the first key.
func sorting(query url.Values) (func(a, b *record) int, error) {
	keys, dirs := query["sort_key"], query["sort_dir"]
	if sort := query.Get("sort"); sort != "" {
		if keys != nil || dirs != nil {
			return nil, refuse(http.StatusBadRequest, "Old and new sorting syntax cannot be combined")
		}
		for pair := range strings.SplitSeq(sort, ",") {
			key, dir, _ := strings.Cut(pair, ":")
			keys = append(keys, strings.TrimSpace(key))
			dirs = append(dirs, cmp.Or(strings.TrimSpace(dir), "desc"))
		}
	}
	if len(keys) == 0 {
		keys = []string{"created_at"}
	}
	if len(dirs) == 0 {
		dirs = []string{"desc"}
	}
	if len(dirs) > 1 && len(dirs) != len(keys) {
		return nil, refuse(http.StatusBadRequest, "Number of sort dirs does not match the number of sort keys")
	}
	for _, key := range keys {
		if !slices.Contains(sortKeys, key) {
			return nil, refuse(http.StatusBadRequest, "Invalid sort key: %s. It must be one of the following: %s.", key, strings.Join(sortKeys, ", "))
		}
	}
	for _, dir := range dirs {
		if dir != "asc" && dir != "desc" {
			return nil, refuse(http.StatusBadRequest, "Invalid sort direction: %s", dir)
		}
	}
	for _, key := range []string{"created_at", "id"} {
		if !slices.Contains(keys, key) {
			keys = append(slices.Clone(keys), key)
		}
	}
	for len(dirs) < len(keys) {
		dirs = append(slices.Clone(dirs), dirs[0])
	}
	return func(a, b *record) int {
		for i, key := range keys {
			if c := compare(a, b, key); c != 0 {
				if dirs[i] == "desc" {
					return -c
				}
				return c
			}
		}
		return 0
	}, nil
}

func compare(a, b *record, key string) int {
	switch key {
	case "name":
		return cmp.Compare(a.Name, b.Name)
	case "status":
		return cmp.Compare(a.Status, b.Status)
	case "container_format":
		return cmp.Compare(a.ContainerFormat, b.ContainerFormat)
	case "disk_format":
		return cmp.Compare(a.DiskFormat, b.DiskFormat)
	case "size":
		return cmp.Compare(a.Size, b.Size)
	case "created_at":
		return a.CreatedAt.Compare(b.CreatedAt)
	case "updated_at":
		return a.UpdatedAt.Compare(b.UpdatedAt)
	}
	return cmp.Compare(a.ID, b.ID)
}
