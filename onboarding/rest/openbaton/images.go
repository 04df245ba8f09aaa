package openbaton

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/tosca"
)

// nfvImage is an image as Open Baton shows it.
type nfvImage struct {
	ID              string    `json:"id"`
	ProjectID       string    `json:"projectId"`
	Name            string    `json:"name"`
	MinRAM          int64     `json:"minRam"`       // MB
	MinDiskSpace    int64     `json:"minDiskSpace"` // GB
	MinCPU          string    `json:"minCPU"`
	IsPublic        bool      `json:"isPublic"`
	DiskFormat      string    `json:"diskFormat"`
	ContainerFormat string    `json:"containerFormat"`
	URL             string    `json:"url,omitempty"`
	Size            int64     `json:"size"` // bytes
	SHA256          string    `json:"sha256,omitempty"`
	InImageRepo     bool      `json:"isInImageRepo"`
	StoredLocally   bool      `json:"storedLocally"`
	Created         time.Time `json:"created"`
}

func newImage(img imagerepo.Image) nfvImage {
	return nfvImage{
		ID: img.ID, ProjectID: img.Project, Name: img.Name, MinRAM: img.MinRAM, MinDiskSpace: img.MinDisk,
		MinCPU: strconv.FormatInt(img.MinCPU, 10), IsPublic: img.IsPublic, DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		URL: fetch.Redact(img.Source.URL), Size: img.Size, SHA256: img.SHA256(), InImageRepo: true, StoredLocally: img.Stored(), Created: img.CreatedAt,
	}
}

func (d *door) repository() *imagerepo.Repository { return d.Packages.Pipeline.Repository }

// addImage adds an image from a file or a URL, unless its name is taken.
func (d *door) addImage(w http.ResponseWriter, r *http.Request) error {
	form, err := readUpload(r, "file", "imageFile")
	if err != nil {
		return err
	}
	description, err := describe(form.fields)
	if err != nil {
		return err
	}
	if (form.file == nil) == (description.URL == "") {
		return rest.Errorf(http.StatusBadRequest, "an image needs exactly one of the form part \"file\" and the parameter \"url\"")
	}
	ctx, project := r.Context(), rest.CallerOf(r.Context()).Project
	taken, err := d.repository().Catalog().ImageByName(ctx, project, description.Name)
	if err == nil {
		return &imagerepo.NameTakenError{Existing: taken}
	}
	if !errors.Is(err, imagerepo.ErrNotFound) {
		return err
	}
	admission, err := d.Packages.Admit(ctx, project, -1)
	if err != nil {
		return err
	}
	defer admission.Close()
	var report onboarding.Report
	if form.file != nil {
		var content io.Reader = form.file
		if d.MaxImage > 0 {
			content = http.MaxBytesReader(w, form.file, d.MaxImage)
		}
		report, err = d.Packages.Pipeline.Add(ctx, onboarding.AddRequest{Description: description, Content: content, Size: -1,
			Options: onboarding.Options{Project: project}, Spend: admission.Spend})
	} else {
		admission.Close() // this request sends nothing, and the job has its own
		report, err = d.fetchImage(ctx, description)
	}
	if err != nil {
		return err
	}
	if report.Status == onboarding.Rejected {
		problem := told(report.Error, report.Findings)
		if slices.ContainsFunc(report.Findings, func(f tosca.Finding) bool { return f.Code == onboarding.CodeImageNameTaken }) {
			problem.Status = http.StatusConflict // another request was faster
		}
		return problem
	}
	img, err := d.repository().Catalog().Image(ctx, report.Images[0].ID)
	if err != nil {
		return err
	}
	if report.Status == onboarding.Unchanged {
		return &imagerepo.NameTakenError{Existing: img} // another request was faster with the same bytes
	}
	rest.Target(ctx, img.ID)
	rest.WriteJSON(w, http.StatusCreated, newImage(img))
	return nil
}

// fetchImage adds an image from its URL, in a job that it waits for.
func (d *door) fetchImage(ctx context.Context, description tosca.ImageDescription) (report onboarding.Report, err error) {
	caller := rest.CallerOf(ctx)
	j, err := d.Operations.AddImage(ctx, operation.Asked{Project: caller.Project, By: caller.Subject}, operation.Image{
		Name: description.Name, URL: description.URL, DiskFormat: description.DiskFormat, ContainerFormat: description.ContainerFormat,
		MinDisk: description.MinDisk, MinRAM: description.MinRAM, MinCPU: description.MinCPU, IsPublic: description.IsPublic,
	})
	if err != nil {
		return report, err
	}
	if j, err = d.wait(ctx, j); err != nil {
		return report, err
	}
	if j.Result != nil {
		if err := json.Unmarshal(j.Result, &report); err != nil {
			return report, err
		}
	}
	if err := failed(report); err != nil {
		return report, err
	}
	if j.State != job.Succeeded && report.Status != onboarding.Rejected {
		return report, told(j.Error, report.Findings)
	}
	return report, nil
}

// describe reads the parameters of an image.
func describe(fields url.Values) (tosca.ImageDescription, error) {
	description := tosca.ImageDescription{
		Name: fields.Get("name"), URL: fields.Get("url"),
		DiskFormat: strings.ToLower(fields.Get("diskFormat")), ContainerFormat: strings.ToLower(fields.Get("containerFormat")),
	}
	if description.Name == "" {
		return description, rest.Errorf(http.StatusBadRequest, "the parameter \"name\" is missing")
	}
	for name, value := range map[string]*int64{"minRam": &description.MinRAM, "minDiskSpace": &description.MinDisk, "minCPU": &description.MinCPU} {
		text := fields.Get(name)
		if text == "" {
			continue
		}
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil || number < 0 {
			return description, rest.Errorf(http.StatusBadRequest, "the parameter %q is not a whole number, but %q", name, text)
		}
		*value = number
	}
	if text := fields.Get("isPublic"); text != "" {
		public, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return description, rest.Errorf(http.StatusBadRequest, "the parameter \"isPublic\" is not true or false, but %q", text)
		}
		description.IsPublic = public
	}
	return description, nil
}

func (d *door) listImages(w http.ResponseWriter, r *http.Request) error {
	images := []nfvImage{}
	filter := imagerepo.ImageFilter{Project: rest.CallerOf(r.Context()).Project}
	for img, err := range d.repository().Catalog().Images(r.Context(), filter) {
		if err != nil {
			return err
		}
		images = append(images, newImage(img))
	}
	rest.WriteJSON(w, http.StatusOK, images)
	return nil
}

// image returns the image that the path names.
func (d *door) image(r *http.Request) (imagerepo.Image, error) {
	return d.repository().Find(r.Context(), rest.CallerOf(r.Context()).Project, r.PathValue("id"))
}

func (d *door) showImage(w http.ResponseWriter, r *http.Request) error {
	img, err := d.image(r)
	if err != nil {
		return err
	}
	rest.WriteJSON(w, http.StatusOK, newImage(img))
	return nil
}

func (d *door) deleteImage(w http.ResponseWriter, r *http.Request) error {
	img, err := d.image(r)
	if err != nil {
		return err
	}
	rest.Target(r.Context(), img.ID)
	if _, err := d.repository().DeleteImage(r.Context(), img.ID, false); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
