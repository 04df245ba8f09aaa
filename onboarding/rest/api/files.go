package api

import (
	"cmp"
	"context"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/tosca"
)

// octets is the type of files.
const octets = "application/octet-stream"

func (d *door) imageFiles() {
	tags := []string{"images"}
	operate(d, change(http.MethodPut, "/api/v1/images/{image}", "image.add"), huma.Operation{
		OperationID: "put-image", Tags: tags, Summary: "Add an image from a file", DefaultStatus: http.StatusCreated,
		Description: "The body is the file. A Repr-Digest (RFC 9530) is compared with it, and nothing is kept if they differ. " +
			"A name that belongs to the same bytes is answered with 200 and its image, one that belongs to others is a conflict: an image is never overwritten. " +
			"The action says what became of the bytes: stored, reused because the repository had them, or kept, which means that others stay under the name.",
		RequestBody: binary(), Responses: d.answers(map[int]any{http.StatusCreated: view.Added{}, http.StatusOK: view.Added{}}),
		Errors: []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusInsufficientStorage},
	}, d.putImage)
	operate(d, change(http.MethodPost, "/api/v1/images", "image.add"), huma.Operation{
		OperationID: "fetch-image", Tags: tags, Summary: "Add an image from a URL",
		Description: "Fetches the image in a job, whose result is a report. The URL must pass the server's source guard.",
		Responses:   d.answers(map[int]any{http.StatusAccepted: job.Job{}, http.StatusOK: onboarding.Report{}}),
		Errors:      []int{http.StatusUnprocessableEntity},
	}, d.fetchImage)
	inspect := change(http.MethodPost, "/api/v1/inspect", "")
	inspect.Need = access.Reader
	operate(d, inspect, huma.Operation{
		OperationID: "inspect-image", Tags: tags, Summary: "Tell what a file is as an image",
		Description: "The body is a file's first bytes: 64 KiB or the whole of it at least, and at most 4 MiB. They are judged as when the file is taken in, and nothing is stored. " +
			"What stands at the end of a file is not seen: a fixed VHD looks raw, for example.",
		RequestBody: binary(),
		Errors:      []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity},
	}, d.inspect)
	operate(d, readFile("/api/v1/images/{image}/file"), download("download-image", tags, "Download an image",
		"Answers with the bytes, unless the image is only referenced."), d.downloadImage)
}

// binary is a body that is a file.
func binary() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{octets: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
}

// download describes an operation that answers with a file.
func download(id string, tags []string, summary, description string) huma.Operation {
	return huma.Operation{
		OperationID: id, Tags: tags, Summary: summary,
		Description: description + " A Range (RFC 9110) is honoured. The ETag is the SHA-256, and Repr-Digest (RFC 9530) has the digests that are known.",
		Responses: map[string]*huma.Response{"200": {Description: "The bytes", Content: map[string]*huma.MediaType{
			octets: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}},
		Errors: []int{http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable},
	}
}

// fileHeader describes a file that is sent.
func fileHeader(h http.Header, name string, digests imagerepo.Digests) {
	h.Set("Content-Type", octets)
	h.Set("Etag", `"`+digests[imagerepo.SHA256]+`"`)
	h.Set("Repr-Digest", rest.ReprDigest(digests))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

type putImage struct {
	Image           string              `path:"image" maxLength:"255" doc:"name of the new image"`
	DiskFormat      string              `query:"diskFormat" doc:"as Glance spells it; found from the bytes if it is left out"`
	ContainerFormat string              `query:"containerFormat" default:"bare" doc:"as Glance spells it"`
	MinDisk         int64               `query:"minDisk" minimum:"0" doc:"GB"`
	MinRAM          int64               `query:"minRam" minimum:"0" doc:"MB"`
	MinCPU          int64               `query:"minCPU" minimum:"0"`
	IsPublic        bool                `query:"isPublic" doc:"publish the image on VIMs"`
	OnConflict      onboarding.Conflict `query:"onConflict" enum:"reject,keep" default:"reject" doc:"when the name belongs to other bytes: refuse, or answer with the image that is there"`
	ReprDigest      string              `header:"Repr-Digest" doc:"expected digests, sha-256 or sha-512"`
}

type putImageAnswer struct {
	Status   int
	Location string `header:"Location"`
	Body     view.Added
}

func (d *door) putImage(ctx context.Context, in *putImage) (*putImageAnswer, error) {
	digests, err := rest.StatedDigests(in.ReprDigest)
	if err != nil {
		return nil, err
	}
	body, size, err := file(requestOf(ctx), d.MaxImage)
	if err != nil {
		return nil, err
	}
	project := rest.CallerOf(ctx).Project
	admission, err := d.Packages.Admit(ctx, project, size)
	if err != nil {
		return nil, err
	}
	defer admission.Close()
	report, err := d.Pipeline.Add(ctx, onboarding.AddRequest{
		Description: tosca.ImageDescription{
			Name: in.Image, DiskFormat: in.DiskFormat, ContainerFormat: in.ContainerFormat,
			MinDisk: in.MinDisk, MinRAM: in.MinRAM, MinCPU: in.MinCPU, IsPublic: in.IsPublic, Digests: digests,
		},
		Content: body, Size: size, Options: onboarding.Options{Project: project, OnConflict: in.OnConflict}, Spend: admission.Spend,
	})
	if err != nil {
		return nil, err
	}
	if report.Status == onboarding.Rejected {
		return nil, rejected(report)
	}
	img, err := d.Pipeline.Repository.Catalog().Image(ctx, report.Images[0].ID)
	if err != nil {
		return nil, err
	}
	rest.Target(ctx, img.ID)
	answer := &putImageAnswer{Status: http.StatusOK, Location: address(ctx, "images", img.ID),
		Body: view.Added{Image: view.NewImage(img), Action: report.Images[0].Action, Findings: report.Findings}}
	if report.Status == onboarding.Onboarded {
		answer.Status = http.StatusCreated
	}
	return answer, nil
}

func (d *door) fetchImage(ctx context.Context, in *struct {
	Prefer
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255"`
	Body           operation.Image
}) (*accepted, error) {
	// How many bytes will come is not known; a project that has none left gets none.
	admission, err := d.Packages.Admit(ctx, rest.CallerOf(ctx).Project, -1)
	if err != nil {
		return nil, err
	}
	admission.Close()
	j, err := d.Operations.AddImage(ctx, asked(ctx, in.IdempotencyKey), in.Body)
	if err != nil {
		return nil, err
	}
	return d.outcome(ctx, j)
}

// file returns the body of a request that is a file, with its size in bytes, or -1.
// A body that turns out to be larger than the limit fails with
// *[http.MaxBytesError]. Zero means no limit.
func file(r request, limit int64) (io.Reader, int64, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, 0, rest.Errorf(http.StatusUnsupportedMediaType, "the body is encoded as %s: send the file as it is", encoding)
	}
	if r.ContentLength == 0 {
		return nil, 0, rest.Errorf(http.StatusBadRequest, "the request has no body")
	}
	if limit == 0 {
		return r.Body, r.ContentLength, nil
	}
	if r.ContentLength > limit {
		return nil, 0, rest.Errorf(http.StatusRequestEntityTooLarge, "the body has %d bytes, and the limit of this server is %d", r.ContentLength, limit)
	}
	return http.MaxBytesReader(r.w, r.Body, limit), r.ContentLength, nil
}

// mostInspected is how many bytes of a file are looked at.
const mostInspected = 4 << 20

func (d *door) inspect(ctx context.Context, in *struct {
	Size int64 `query:"size" minimum:"0" doc:"of the file, in bytes; that of the body if it is left out"`
}) (*struct{ Body onboarding.Inspection }, error) {
	body, _, err := file(requestOf(ctx), mostInspected)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	read := int64(len(head))
	size := cmp.Or(in.Size, read)
	switch {
	case size < read:
		return nil, rest.Errorf(http.StatusUnprocessableEntity, "the size is %d bytes, and the body has %d", size, read)
	case size > read && read < onboarding.InspectedHead:
		return nil, rest.Errorf(http.StatusUnprocessableEntity, "the body has %d of %d bytes: send the first %d at least", read, size, onboarding.InspectedHead)
	}
	return &struct{ Body onboarding.Inspection }{onboarding.Inspect(head, size)}, nil
}

// rejected is the problem of what the pipeline has rejected.
func rejected(report onboarding.Report) rest.Problem {
	p := rest.Errorf(http.StatusUnprocessableEntity, "%v", (&operation.RejectedError{Report: report}).Error())
	for _, f := range report.Findings {
		if f.Severity == tosca.Error && slices.Contains([]tosca.Code{onboarding.CodeImageNameTaken, onboarding.CodePackageExists}, f.Code) {
			p.Status = http.StatusConflict
		}
	}
	p.More = map[string]any{"report": report}
	return p
}

func (d *door) downloadImage(ctx context.Context, in *struct {
	Named
	ByLink
}) (*huma.StreamResponse, error) {
	img, err := d.Pipeline.Repository.Find(ctx, rest.CallerOf(ctx).Project, in.Image)
	if err != nil {
		return nil, err
	}
	if !img.Stored() {
		return nil, rest.Errorf(http.StatusConflict, "image %q is only referenced: its bytes are at %s", img.Name, fetch.Redact(img.Source.URL))
	}
	blob, err := d.Pipeline.Repository.Open(ctx, img)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer blob.Close()
		r, w := humago.Unwrap(hc)
		fileHeader(w.Header(), img.Name, img.Digests)
		rest.ServeContent(w, r, img.CreatedAt, io.NewSectionReader(blob, 0, blob.Size()))
	}}, nil
}
