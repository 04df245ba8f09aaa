package api

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

func (d *door) packages() {
	tags := []string{"packages"}
	operate(d, read("/api/v1/packages"), huma.Operation{
		OperationID: "list-packages", Tags: tags, Summary: "List packages",
		Description: "Lists the packages of the project in the order of their creation, or as sort says, with those that are under way or were refused. " +
			"What they say, and the findings of those that were refused, are told where one is shown.",
	}, d.listPackages)
	operate(d, change(http.MethodPost, "/api/v1/packages", "package.upload"), huma.Operation{
		OperationID: "upload-package", Tags: tags, Summary: "Onboard a package",
		Description: "The body is the archive, or JSON that says from where to fetch it. The answer comes when the bytes are there, and a job does the rest. " +
			"With Prefer: wait the answer is the report, 201 for a new package and 200 for one that was there; one that is refused is a problem with all findings. " +
			"A Repr-Digest (RFC 9530) is compared with the archive, and nothing is kept if they differ.",
		Responses: d.answers(map[int]any{http.StatusAccepted: job.Job{}, http.StatusCreated: onboarding.Report{}, http.StatusOK: onboarding.Report{}}),
		Errors:    []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusInsufficientStorage},
	}, d.uploadPackage)
	operate(d, read("/api/v1/packages/{package}"), huma.Operation{
		OperationID: "show-package", Tags: tags, Summary: "Show a package",
		Description: "Shows a package with what it says (model) and its files.", Errors: []int{http.StatusConflict},
	}, d.showPackage)
	operate(d, change(http.MethodDelete, "/api/v1/packages/{package}", "package.delete"), huma.Operation{
		OperationID: "delete-package", Tags: tags, Summary: "Delete a package",
		Description: "Deletes a package, the images that only it brought, and its archive, and tells what is gone. What is under way for it is cancelled. With dryRun it tells the same and changes nothing.",
		Errors:      []int{http.StatusConflict},
	}, d.deletePackage)
	operate(d, readFile("/api/v1/packages/{package}/file"), download("download-package", tags, "Download the original package",
		"Answers with the archive as it was uploaded, if the server keeps archives."), d.downloadPackage)
	operate(d, readFile("/api/v1/packages/{package}/files/{path...}"), download("download-package-file", tags, "Download a file of a package",
		"Answers with one file of an onboarded package, by its path. One that only the archive has takes a server that keeps archives."), d.downloadPackageFile)
	operate(d, change(http.MethodPost, "/api/v1/validate", ""), huma.Operation{
		OperationID: "validate-package", Tags: tags, Summary: "Check a package",
		Description: "The body is the archive, or JSON that says from where to fetch it. It is checked as it would be for onboarding, and nothing is stored, nor are images fetched. " +
			"With repository it is also compared with what the project has, for which the images that it names by URL are fetched and looked at, too, unless they are to be referenced. " +
			"A package that would be refused is a problem with all findings.",
		Responses: d.answers(map[int]any{http.StatusOK: onboarding.Report{}}),
		Errors:    []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusBadGateway},
	}, d.validatePackage)
	// Huma would read a body that may be JSON.
	body := binary()
	body.Content["application/json"] = &huma.MediaType{Schema: d.schema(packageSource{})}
	for _, at := range []string{"/api/v1/packages", "/api/v1/validate"} {
		d.api.OpenAPI().Paths[at].Post.RequestBody = body
	}
}

// AtPackage is the path of a package.
type AtPackage struct {
	Package string `path:"package" doc:"ID, name, vendor/name or vendor/name:version"`
}

type listPackages struct {
	Page
	Vendor  string       `query:"vendor"`
	Name    string       `query:"name"`
	Version string       `query:"version"`
	Search  string       `query:"search" maxLength:"255" doc:"a part of the vendor, the name or the version, in any case"`
	Sort    string       `query:"sort" enum:"name,-name,createdAt,-createdAt" doc:"the order, turned around by a minus; packages that are equal in it are ordered by their IDs"`
	State   vnfpkg.State `query:"state" enum:"CREATED,UPLOADING,PROCESSING,ONBOARDED,ERROR"`
}

func (l *listPackages) has(v view.Resource) bool {
	return (l.Vendor == "" || v.Vendor == l.Vendor) && (l.Name == "" || v.Name == l.Name) &&
		(l.Version == "" || v.Version == l.Version) && (l.State == "" || v.State == l.State) && l.finds(v)
}

func (l *listPackages) finds(v view.Resource) bool {
	return l.Search == "" || slices.ContainsFunc([]string{v.Vendor, v.Name, v.Version}, func(text string) bool {
		return strings.Contains(strings.ToLower(text), strings.ToLower(l.Search))
	})
}

// marker is where a package stands in the order.
func (l *listPackages) marker(v view.Resource) string {
	switch strings.TrimPrefix(l.Sort, "-") {
	case "name":
		return v.Name + " " + v.ID
	case "createdAt":
		return v.CreatedAt.UTC().Format(sortableTime) + " " + v.ID
	}
	return v.ID
}

// compare orders the markers of packages, of which the ID has no space.
func (l *listPackages) compare(a, b string) int {
	if strings.HasPrefix(l.Sort, "-") {
		a, b = b, a
	}
	i, j := strings.LastIndexByte(a, ' '), strings.LastIndexByte(b, ' ')
	return cmp.Or(cmp.Compare(a[:max(i, 0)], b[:max(j, 0)]), cmp.Compare(a[i+1:], b[j+1:]))
}

// sortableTime renders times so that their order is that of the texts.
const sortableTime = "2006-01-02T15:04:05.000000000"

type packageList struct {
	Link string `header:"Link"`
	Body []view.Resource
}

type onePackage struct{ Body view.Resource }

func (d *door) listPackages(ctx context.Context, in *listPackages) (*packageList, error) {
	out := &packageList{Body: []view.Resource{}}
	filter := vnfpkg.Filter{Project: rest.CallerOf(ctx).Project}
	if in.Sort == "" {
		filter.After = in.Marker
	}
	for r, err := range d.Packages.List(ctx, filter) {
		if err != nil {
			return nil, err
		}
		shown := view.NewResource(r, nil)
		shown.Model = nil
		if shown.Failure != nil {
			shown.Failure = &vnfpkg.Failure{Detail: shown.Failure.Detail, Findings: tosca.Findings{}}
		}
		if !in.has(shown) || in.Sort != "" && in.Marker != "" && in.compare(in.marker(shown), in.Marker) <= 0 {
			continue
		}
		out.Body = append(out.Body, shown)
		if in.Sort == "" && len(out.Body) > in.Limit {
			break
		}
	}
	if in.Sort != "" {
		slices.SortFunc(out.Body, func(a, b view.Resource) int { return in.compare(in.marker(a), in.marker(b)) })
	}
	if len(out.Body) > in.Limit {
		out.Body = out.Body[:in.Limit]
		out.Link = next(ctx, in.Limit, in.marker(out.Body[in.Limit-1]))
	}
	return out, nil
}

// resource finds a package by its ID, whatever its state, or by its names.
func (d *door) resource(ctx context.Context, called string) (vnfpkg.Resource, error) {
	project := rest.CallerOf(ctx).Project
	if !imagerepo.ValidID(called) {
		pkg, err := d.Pipeline.FindPackage(ctx, project, called)
		if err != nil {
			return vnfpkg.Resource{}, err
		}
		called = pkg.ID
	}
	return d.Packages.Get(ctx, project, called)
}

func (d *door) showPackage(ctx context.Context, in *AtPackage) (*onePackage, error) {
	r, err := d.resource(ctx, in.Package)
	if err != nil {
		return nil, err
	}
	var files []imagerepo.PackageFile
	if r.State == vnfpkg.Onboarded {
		if files, err = d.Pipeline.Repository.Catalog().PackageFiles(ctx, r.ID); err != nil {
			return nil, err
		}
	}
	return &onePackage{view.NewResource(r, files)}, nil
}

func (d *door) deletePackage(ctx context.Context, in *struct {
	AtPackage
	KeepImages bool `query:"keepImages" doc:"keep the images"`
	DryRun     bool `query:"dryRun" doc:"tell what would go, and change nothing"`
}) (*struct{ Body view.Deleted }, error) {
	r, err := d.resource(ctx, in.Package)
	if err != nil {
		return nil, err
	}
	rest.Target(ctx, r.ID)
	var pkg imagerepo.Package
	var images []imagerepo.Image
	if in.DryRun {
		rest.Unchanged(ctx)
		pkg, images, err = d.Packages.DeletedWith(ctx, r.Project, r.ID, in.KeepImages)
	} else {
		pkg, images, err = d.Packages.Delete(ctx, r.Project, r.ID, vnfpkg.DeleteOptions{KeepImages: in.KeepImages})
	}
	if err != nil {
		return nil, err
	}
	return &struct{ Body view.Deleted }{view.NewDeleted(pkg, images)}, nil
}

// packageSource says from where to fetch a package.
type packageSource struct {
	URL      string `json:"url" format:"uri" doc:"http or https"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

// HowToOnboard says how a package is taken in.
type HowToOnboard struct {
	Name       string               `query:"name" maxLength:"1024" doc:"what the report calls the package's source"`
	OnConflict onboarding.Conflict  `query:"onConflict" enum:"reject,keep" default:"reject" doc:"when the name of an image belongs to other bytes: refuse the package, or keep the image that is there"`
	Images     onboarding.URLImages `query:"images" enum:"fetch,reference" default:"fetch" doc:"fetch images by URL, or store the reference only"`
}

type uploadPackage struct {
	Prefer
	HowToOnboard
	ReprDigest string `header:"Repr-Digest" doc:"expected digests of the archive, sha-256 or sha-512"`
}

// linked returns where the package is that a request is about, or nil if the body is
// the package.
func (d *door) linked(r request, name string) (*vnfpkg.From, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, nil
	}
	var from packageSource
	if err := rest.ReadJSON(r.Request, &from); err != nil {
		return nil, err
	}
	if err := d.Pipeline.Fetch.Check(from.URL); err != nil {
		return nil, err
	}
	return &vnfpkg.From{URL: from.URL, User: from.User, Password: from.Password, Filename: name, By: rest.CallerOf(r.Context()).Subject}, nil
}

func (d *door) uploadPackage(ctx context.Context, in *uploadPackage) (*accepted, error) {
	digests, err := rest.StatedDigests(in.ReprDigest)
	if err != nil {
		return nil, err
	}
	caller, r := rest.CallerOf(ctx), requestOf(ctx)
	from, err := d.linked(r, in.Name)
	if err != nil {
		return nil, err
	}
	if from != nil && digests != nil {
		return nil, rest.Errorf(http.StatusBadRequest, "Repr-Digest: goes with an archive, not with where it is")
	}
	var body io.Reader
	var size int64
	if from == nil {
		if body, size, err = file(r, 0); err != nil { // the service knows the limit
			return nil, err
		}
	}
	receipt, err := d.Packages.Fill(ctx, vnfpkg.NewResource{Project: caller.Project,
		Options: vnfpkg.Options{OnConflict: in.OnConflict, Images: in.Images}}, func(id string) (vnfpkg.Receipt, error) {
		rest.Target(ctx, id)
		if from != nil {
			return d.Packages.UploadFrom(ctx, caller.Project, id, *from)
		}
		return d.Packages.Receive(ctx, caller.Project, id, body, vnfpkg.ReceiveOptions{Size: size, Digests: digests, Filename: in.Name, By: caller.Subject})
	})
	if err != nil {
		return nil, err
	}
	return d.onboarded(ctx, receipt.Job)
}

// onboarded is [door.outcome] for a package.
func (d *door) onboarded(ctx context.Context, j job.Job) (*accepted, error) {
	answer, err := d.outcome(ctx, j)
	if err != nil || answer.Status != http.StatusOK {
		return answer, err
	}
	var outcome vnfpkg.Outcome
	if err := json.Unmarshal(answer.Body.(json.RawMessage), &outcome); err != nil {
		return nil, err
	}
	answer.Location, answer.Body = address(ctx, "packages", outcome.Package), outcome.Report
	if !outcome.Existing {
		answer.Status = http.StatusCreated
	}
	return answer, nil
}

func (d *door) downloadPackage(ctx context.Context, in *struct {
	AtPackage
	ByLink
}) (*huma.StreamResponse, error) {
	r, err := d.resource(ctx, in.Package)
	if err != nil {
		return nil, err
	}
	content, err := d.Packages.Content(ctx, r.Project, r.ID)
	if err != nil {
		return nil, err
	}
	return sent(content), nil
}

func (d *door) downloadPackageFile(ctx context.Context, in *struct {
	AtPackage
	ByLink
	Path string `path:"path" doc:"of the file in the package, slashes and all"`
}) (*huma.StreamResponse, error) {
	r, err := d.resource(ctx, in.Package)
	if err != nil {
		return nil, err
	}
	content, err := d.Packages.Artifact(ctx, r.Project, r.ID, in.Path)
	if err != nil {
		return nil, err
	}
	return sent(content), nil
}

// sent answers with a file, and closes it.
func sent(content *vnfpkg.Content) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer content.Close()
		r, w := humago.Unwrap(hc)
		fileHeader(w.Header(), path.Base(content.Name), imagerepo.Digests{imagerepo.SHA256: content.SHA256})
		rest.ServeContent(w, r, content.ModTime, content)
	}}
}

type validatePackage struct {
	HowToOnboard
	Repository bool `query:"repository" doc:"compare the package with what the project has, as for onboarding"`
}

func (d *door) validatePackage(ctx context.Context, in *validatePackage) (*struct{ Body onboarding.Report }, error) {
	r := requestOf(ctx)
	from, err := d.linked(r, in.Name)
	if err != nil {
		return nil, err
	}
	var src onboarding.Source
	var size int64
	if from != nil {
		src, err = from.Source(d.Pipeline.Fetch)
	} else {
		var body io.Reader
		body, size, err = file(r, 0) // the service knows the limit
		src = onboarding.StreamSource(cmp.Or(in.Name, "body"), body)
	}
	if err != nil {
		return nil, err
	}
	report, err := d.Packages.Validate(ctx, src, size, onboarding.Options{Project: rest.CallerOf(ctx).Project,
		OnConflict: in.OnConflict, Images: in.Images, DryRun: in.Repository})
	if err != nil {
		return nil, err
	}
	if report.Status == onboarding.Rejected {
		return nil, rejected(report)
	}
	return &struct{ Body onboarding.Report }{report}, nil
}
