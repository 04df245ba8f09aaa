package openbaton

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

// made is the answer that only tells an ID.
type made struct {
	ID string `json:"id"`
}

// uploadPackage answers with the descriptor of the package.
func (d *door) uploadPackage(w http.ResponseWriter, r *http.Request) error {
	id, err := d.upload(r)
	if err != nil {
		return err
	}
	vnfd, err := d.descriptor(r.Context(), id)
	if err != nil {
		return err
	}
	rest.WriteJSON(w, http.StatusOK, vnfd)
	return nil
}

// uploadCSAR answers with the package's ID.
func (d *door) uploadCSAR(w http.ResponseWriter, r *http.Request) error {
	id, err := d.upload(r)
	if err != nil {
		return err
	}
	rest.WriteJSON(w, http.StatusOK, made{id})
	return nil
}

// upload onboards the package in a form and returns its ID.
func (d *door) upload(r *http.Request) (string, error) {
	form, err := readUpload(r, "file")
	if err != nil {
		return "", err
	}
	if form.file == nil {
		return "", rest.Errorf(http.StatusBadRequest, "the form has no part \"file\" with the package")
	}
	return d.onboard(r.Context(), func(project, by, id string) (vnfpkg.Receipt, error) {
		return d.Packages.Receive(r.Context(), project, id, form.file, vnfpkg.ReceiveOptions{Filename: form.file.FileName(), By: by})
	})
}

// fetchPackage onboards the package at a link.
func (d *door) fetchPackage(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Link string }
	if err := rest.ReadJSON(r, &body); err != nil {
		return err
	}
	if body.Link == "" {
		return rest.Errorf(http.StatusBadRequest, "the request has no link")
	}
	id, err := d.onboard(r.Context(), func(project, by, id string) (vnfpkg.Receipt, error) {
		return d.Packages.UploadFrom(r.Context(), project, id, vnfpkg.From{URL: body.Link, By: by})
	})
	if err != nil {
		return err
	}
	rest.WriteJSON(w, http.StatusOK, made{id})
	return nil
}

// onboard waits until the archive that fill brings is a package of the project, and
// returns its ID. What the project had already is not an error, and of what was
// refused nothing is left.
func (d *door) onboard(ctx context.Context, fill func(project, by, id string) (vnfpkg.Receipt, error)) (string, error) {
	caller := rest.CallerOf(ctx)
	receipt, err := d.Packages.Fill(ctx, vnfpkg.NewResource{Project: caller.Project, Options: vnfpkg.Options{OnConflict: onboarding.Keep}},
		func(id string) (vnfpkg.Receipt, error) {
			rest.Target(ctx, id)
			return fill(caller.Project, caller.Subject, id)
		})
	if err != nil {
		return "", err
	}
	last, err := d.wait(ctx, receipt.Job)
	if err != nil {
		return "", err
	}
	outcome, err := vnfpkg.OutcomeOf(last)
	if err != nil {
		_, _, undone := d.Packages.Delete(context.WithoutCancel(ctx), caller.Project, receipt.Resource.ID, vnfpkg.DeleteOptions{})
		if undone != nil && !errors.Is(undone, imagerepo.ErrNotFound) {
			return "", errors.Join(err, undone)
		}
		if why := failed(outcome.Report); why != nil {
			return "", why
		}
		return "", refused(err)
	}
	rest.Target(ctx, outcome.Package)
	return outcome.Package, nil
}

// failed is the error of what the server could not take in, or nil if it was not the
// server that was at fault.
func failed(report onboarding.Report) error {
	switch report.Cause {
	case onboarding.CauseLimit:
		return rest.Errorf(http.StatusRequestEntityTooLarge, "%s", report.Error)
	case onboarding.CauseSpace:
		return vnfpkg.ErrNoSpace
	case onboarding.CauseInternal:
		return rest.Errorf(http.StatusInternalServerError, "%s", report.Error)
	}
	return nil
}

// refused tells why there is no package.
func refused(err error) error {
	no, is := errors.AsType[*vnfpkg.NoPackageError](err)
	if !is {
		return err
	}
	return told(no.Failure.Detail, no.Failure.Findings)
}

// told is the problem of what has these findings, all of which are in its message.
func told(detail string, findings tosca.Findings) rest.Problem {
	lines := []string{detail}
	if len(findings) > 0 {
		lines = nil
	}
	for _, f := range findings {
		line := f.String()
		if f.Expected != "" || f.Found != "" {
			line += fmt.Sprintf("; expected %q, found %q", f.Expected, f.Found)
		}
		if f.Cure != "" {
			line += ". " + f.Cure
		}
		lines = append(lines, line)
	}
	problem := rest.Errorf(http.StatusUnprocessableEntity, "%s", strings.Join(lines, "\n"))
	if len(findings) > 0 {
		problem.More = map[string]any{"findings": findings}
	}
	return problem
}

// get returns a package of the caller's project.
func (d *door) get(ctx context.Context, id string) (vnfpkg.Resource, *tosca.Package, error) {
	r, err := d.Packages.Get(ctx, rest.CallerOf(ctx).Project, id)
	if err == nil && r.Package == nil {
		err = rest.Errorf(http.StatusNotFound, "package %s is not onboarded: it is %s", id, r.State)
	}
	if err != nil {
		return r, nil, err
	}
	model, err := r.Model()
	return r, model, err
}

func (d *door) listPackages(w http.ResponseWriter, r *http.Request) error {
	packages := []vnfPackage{}
	for res, err := range d.Packages.List(r.Context(), vnfpkg.Filter{Project: rest.CallerOf(r.Context()).Project}) {
		if err != nil {
			return err
		}
		if res.Package == nil {
			continue
		}
		model, err := res.Model()
		if err != nil {
			return err
		}
		packages = append(packages, newPackage(res, model))
	}
	rest.WriteJSON(w, http.StatusOK, packages)
	return nil
}

func (d *door) showPackage(w http.ResponseWriter, r *http.Request) error {
	res, model, err := d.get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	rest.WriteJSON(w, http.StatusOK, newPackage(res, model))
	return nil
}

// updatePackage accepts what is so already. Name and images are the package's
// content, which is not changed.
func (d *door) updatePackage(w http.ResponseWriter, r *http.Request) error {
	res, model, err := d.get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	var wanted map[string]any
	if err := rest.ReadJSON(r, &wanted); err != nil {
		return err
	}
	is := newPackage(res, model)
	has, err := is.members()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if value, known := has[name]; known && !reflect.DeepEqual(value, wanted[name]) {
			return rest.Errorf(http.StatusUnprocessableEntity, "%q of package %s is what the package says, and does not change: "+
				"upload the package with another one in it, and delete this one", name, res.ID)
		}
	}
	if image, asked := wanted["image"].(map[string]any); asked && !is.uses(image["id"], image["name"]) {
		return rest.Errorf(http.StatusUnprocessableEntity, "the images of package %s are those that its descriptor names: "+
			"upload the package with another image in it and a higher version", res.ID)
	}
	rest.WriteJSON(w, http.StatusAccepted, is)
	return nil
}

func (d *door) deletePackage(w http.ResponseWriter, r *http.Request) error {
	project := rest.CallerOf(r.Context()).Project
	if _, _, err := d.Packages.Delete(r.Context(), project, r.PathValue("id"), vnfpkg.DeleteOptions{}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deletePackages deletes all packages of a list, or none if one of them is not
// there.
func (d *door) deletePackages(w http.ResponseWriter, r *http.Request) error {
	var ids []string
	if err := rest.ReadJSON(r, &ids); err != nil {
		return err
	}
	ctx, project := r.Context(), rest.CallerOf(r.Context()).Project
	slices.Sort(ids)
	ids = slices.Compact(ids)
	rest.Target(ctx, strings.Join(ids, " "))
	for _, id := range ids {
		if _, err := d.Packages.Get(ctx, project, id); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if _, _, err := d.Packages.Delete(ctx, project, id, vnfpkg.DeleteOptions{}); err != nil && !errors.Is(err, imagerepo.ErrNotFound) {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// findScript returns the path of a script.
func (d *door) findScript(r *http.Request) (pkg, path string, err error) {
	res, model, err := d.get(r.Context(), r.PathValue("id"))
	if err != nil {
		return "", "", err
	}
	wanted := r.PathValue("script")
	for _, s := range newPackage(res, model).Scripts {
		if s.ID == wanted {
			return res.ID, s.Path, nil
		}
	}
	return "", "", rest.Errorf(http.StatusNotFound, "package %s has no script %s", res.ID, wanted)
}

func (d *door) showScript(w http.ResponseWriter, r *http.Request) error {
	pkg, path, err := d.findScript(r)
	if err != nil {
		return err
	}
	content, err := d.Packages.Artifact(r.Context(), rest.CallerOf(r.Context()).Project, pkg, path)
	if err != nil {
		return err
	}
	defer content.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Etag", `"`+content.SHA256+`"`)
	rest.ServeContent(w, r, content.ModTime, content)
	return nil
}

// updateScript refuses what it is asked for.
func (d *door) updateScript(_ http.ResponseWriter, r *http.Request) error {
	pkg, path, err := d.findScript(r)
	if err != nil {
		return err
	}
	return rest.Errorf(http.StatusConflict, "the content of package %s does not change, as its fingerprint tells it from others: "+
		"put the new %s into the package, give it a higher version, upload it, and delete this one", pkg, path)
}
