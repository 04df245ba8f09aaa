package etsi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/http"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi/sol013"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// lookup finds the package that a path names.
type lookup func(*http.Request) (vnfpkg.Resource, error)

func (d *door) byID(r *http.Request) (vnfpkg.Resource, error) {
	return d.Packages.Get(r.Context(), project(r), r.PathValue("id"))
}

// byDescriptor finds an onboarded package by its vnfdId. A package that is not
// onboarded has none yet and is found by its own ID, so that a client that names it
// is told its state.
func (d *door) byDescriptor(r *http.Request) (vnfpkg.Resource, error) {
	found, err := d.Packages.ByDescriptor(r.Context(), project(r), r.PathValue("id"))
	if !errors.Is(err, imagerepo.ErrNotFound) {
		return found, err
	}
	found, err = d.byID(r)
	if err != nil {
		return found, err
	}
	if model, err := found.Model(); err != nil || model != nil && vnfdID(found, model) != r.PathValue("id") {
		return found, errors.Join(err, fmt.Errorf("VNFD %s: %w", r.PathValue("id"), imagerepo.ErrNotFound))
	}
	return found, nil
}

// shownByDescriptor finds an onboarded package by its vnfdId, and nothing else.
func (d *door) shownByDescriptor(r *http.Request) (vnfpkg.Resource, error) {
	found, err := d.byDescriptor(r)
	if err == nil && found.State != vnfpkg.Onboarded {
		err = fmt.Errorf("VNFD %s: %w", r.PathValue("id"), imagerepo.ErrNotFound)
	}
	return found, err
}

// settled returns a lookup that waits a while for a package that is PROCESSING:
// clients ask for what they have uploaded as soon as that is accepted.
func (d *door) settled(lookup lookup) lookup {
	return func(r *http.Request) (vnfpkg.Resource, error) {
		found, err := lookup(r)
		if err != nil || found.State != vnfpkg.Processing {
			return found, err
		}
		ctx, cancel := rest.UntilStopping(r.Context())
		defer cancel()
		ctx, stop := context.WithTimeout(ctx, d.Wait)
		defer stop()
		_, err = d.Packages.Queue.Wait(ctx, found.Job)
		switch {
		case errors.Is(context.Cause(ctx), rest.ErrStopping):
			return found, rest.ErrStopping
		case err != nil && ctx.Err() == nil && !errors.Is(err, job.ErrNotFound):
			return found, err
		}
		return lookup(r)
	}
}

// list answers with the packages of a project.
func (d *door) list(onboarded bool) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := parse(d.info, r)
		if err != nil {
			return err
		}
		wanted := details{images: q.Needs("softwareImages"), artifacts: q.Needs("additionalArtifacts")}
		all := d.Packages.List(r.Context(), vnfpkg.Filter{Project: project(r), After: q.After})
		return page(w, r, q, d.PageSize, func(yield func(listed, error) bool) {
			for resource, err := range all {
				if err == nil && onboarded && resource.State != vnfpkg.Onboarded {
					continue
				}
				var info VnfPkgInfo
				if err == nil {
					info, err = d.describe(r, resource, wanted)
				}
				if gone(err) {
					continue // since the list began
				}
				if !yield(listed{resource.ID, info}, err) {
					return
				}
			}
		})
	}
}

// gone reports whether something was deleted while it was looked at.
func gone(err error) bool { return errors.Is(err, imagerepo.ErrNotFound) }

// listed is a resource of a list, with what orders it.
type listed struct {
	id       string
	resource any
}

func parse(t *sol013.Type, r *http.Request) (sol013.Query, error) {
	q, err := t.Parse(r.URL.RawQuery)
	if invalid, ok := errors.AsType[*sol013.Error](err); ok {
		return q, rest.Errorf(http.StatusBadRequest, "%s", invalid)
	}
	return q, err
}

// page answers with those of a list that a query asks for, and a link to the rest if
// they are more than fit (SOL013, clause 5.4).
func page(w http.ResponseWriter, r *http.Request, q sol013.Query, size int, all iter.Seq2[listed, error]) error {
	shown := []map[string]any{}
	var last string
	for one, err := range all {
		if err != nil {
			return err
		}
		tree, err := decoded(one.resource)
		if err != nil {
			return err
		}
		if !q.Matches(tree) {
			continue
		}
		if len(shown) == size {
			next := rest.CallerOf(r.Context()).BaseURL + r.URL.EscapedPath() + "?" + q.Next(last)
			w.Header().Set("Link", "<"+next+`>; rel="next"`)
			break
		}
		q.Select(tree)
		shown, last = append(shown, tree), one.id
	}
	rest.WriteJSON(w, http.StatusOK, shown)
	return nil
}

// decoded is a resource as its JSON has it.
func decoded(resource any) (tree map[string]any, err error) {
	text, err := json.Marshal(resource)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return tree, d.Decode(&tree)
}

// show answers with one package.
func (d *door) show(lookup lookup) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		resource, err := lookup(r)
		if err != nil {
			return err
		}
		tag := etag(resource)
		w.Header().Set("Etag", tag)
		if match := r.Header.Get("If-None-Match"); match != "" && matches(match, tag, true) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		info, err := d.describe(r, resource, details{true, true})
		if err != nil {
			return err
		}
		rest.WriteJSON(w, http.StatusOK, info)
		return nil
	}
}

// create answers with a new resource, which waits for its package.
func (d *door) create(w http.ResponseWriter, r *http.Request) error {
	var request createRequest
	if r.ContentLength != 0 { // clients leave an empty object out
		if err := rest.ReadJSON(r, &request); err != nil {
			return err
		}
	}
	resource, err := d.Packages.Create(r.Context(), vnfpkg.NewResource{Project: project(r), UserData: request.UserDefinedData, Unique: true})
	if err != nil {
		return err
	}
	rest.Target(r.Context(), resource.ID)
	info, err := d.describe(r, resource, details{})
	if err != nil {
		return err
	}
	w.Header().Set("Location", info.Links.Self.Href)
	w.Header().Set("Etag", etag(resource))
	rest.WriteJSON(w, http.StatusCreated, info)
	return nil
}

// modify changes a package and answers with what was changed.
func (d *door) modify(w http.ResponseWriter, r *http.Request) error {
	if t := r.Header.Get("Content-Type"); t != "" {
		switch media, _, _ := mime.ParseMediaType(t); media {
		case "application/json", "application/merge-patch+json":
		default:
			return rest.Errorf(http.StatusUnsupportedMediaType, "expected application/merge-patch+json or application/json, found %s", t)
		}
	}
	var request struct {
		modifications
		Data json.RawMessage `json:"userDefinedData"` // to tell null from nothing
	}
	if err := rest.ReadJSON(r, &request); err != nil {
		return err
	}
	if request.OperationalState == nil && request.Data == nil {
		return rest.Errorf(http.StatusBadRequest, "expected operationalState or userDefinedData, or both")
	}
	if s := request.OperationalState; s != nil && *s != vnfpkg.Enabled && *s != vnfpkg.Disabled {
		return rest.Errorf(http.StatusBadRequest, "operationalState: expected %s or %s, found %q", vnfpkg.Enabled, vnfpkg.Disabled, *s)
	}
	if request.Data != nil {
		if err := json.Unmarshal(request.Data, &request.UserDefinedData); err != nil {
			return rest.Errorf(http.StatusBadRequest, "userDefinedData: expected an object")
		}
	}
	current, version, err := d.preconditions(r)
	if err != nil {
		return err
	}
	change := vnfpkg.Change{Operational: request.OperationalState, UserData: request.UserDefinedData, IfVersion: version}
	if string(request.Data) == "null" {
		change.UserData = make(map[string]any, len(current.UserData))
		for name := range current.UserData {
			change.UserData[name] = nil
		}
	}
	changed, err := d.Packages.Update(r.Context(), current.Project, current.ID, change)
	if err != nil {
		return err
	}
	w.Header().Set("Etag", etag(changed))
	rest.WriteJSON(w, http.StatusOK, request.modifications)
	return nil
}

// remove deletes a package.
func (d *door) remove(w http.ResponseWriter, r *http.Request) error {
	current, version, err := d.preconditions(r)
	if err != nil {
		return err
	}
	if _, _, err := d.Packages.Delete(r.Context(), current.Project, current.ID, vnfpkg.DeleteOptions{Strict: true, IfVersion: version}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// uploadFrom has the package of a resource got from a URL.
func (d *door) uploadFrom(w http.ResponseWriter, r *http.Request) error {
	var request uploadRequest
	if err := rest.ReadJSON(r, &request); err != nil {
		return err
	}
	if request.AddressInformation == "" {
		return rest.Errorf(http.StatusBadRequest, "addressInformation: expected the URI of a package")
	}
	from := vnfpkg.From{
		URL: request.AddressInformation, User: request.UserName, Password: request.Password, By: rest.CallerOf(r.Context()).Subject,
		Again: knowsNoError(r),
	}
	if _, err := d.Packages.UploadFrom(r.Context(), project(r), r.PathValue("id"), from); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// preconditions returns the package of a request and, if the request has an
// If-Match, the version that a change must find (RFC 9110, section 13.1.1).
func (d *door) preconditions(r *http.Request) (vnfpkg.Resource, *int64, error) {
	current, err := d.byID(r)
	match := r.Header.Get("If-Match")
	if err != nil || match == "" {
		return current, nil, err
	}
	if !matches(match, etag(current), false) {
		return current, nil, vnfpkg.ErrVersion
	}
	return current, &current.Version, nil
}
