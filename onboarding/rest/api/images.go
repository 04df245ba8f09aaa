package api

import (
	"cmp"
	"context"

	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func (d *door) images() {
	tags := []string{"images"}
	operate(d, read("/api/v1/images"), huma.Operation{
		OperationID: "list-images", Tags: tags, Summary: "List images",
		Description: "Lists the images of the project by their names.",
	}, d.listImages)
	operate(d, read("/api/v1/images/{image}"), huma.Operation{
		OperationID: "show-image", Tags: tags, Summary: "Show an image",
		Description: "Shows an image with the packages that use it.",
	}, d.showImage)
	operate(d, change(http.MethodDelete, "/api/v1/images/{image}", "image.delete"), huma.Operation{
		OperationID: "delete-image", Tags: tags, Summary: "Delete an image",
		Description: "Deletes an image, and tells which. One that packages use is refused unless force is set.", Errors: []int{http.StatusConflict},
	}, d.deleteImage)
	operate(d, read("/api/v1/images/{image}/vims"), huma.Operation{
		OperationID: "locate-image", Tags: tags, Summary: "Tell which VIMs have an image",
		Description: "Asks all VIMs whether they have the bytes of the image, under whatever name.",
	}, d.locateImage)
}

// Named is the path of an image.
type Named struct {
	Image string `path:"image" doc:"name or ID"`
}

type listImages struct {
	Page
	Name       string `query:"name"`
	SHA256     string `query:"sha256" pattern:"^[0-9a-f]{64}$"`
	DiskFormat string `query:"diskFormat" doc:"as Glance spells it"`
	Package    string `query:"package" doc:"the images that a package uses: its ID, name, vendor/name or vendor/name:version"`
}

type imageList struct {
	Link string `header:"Link"`
	Body []view.Image
}

type oneImage struct{ Body view.Image }

func (d *door) listImages(ctx context.Context, in *listImages) (*imageList, error) {
	project := rest.CallerOf(ctx).Project
	filter := imagerepo.ImageFilter{Project: project, Name: in.Name, SHA256: in.SHA256, DiskFormat: in.DiskFormat, After: in.Marker, Limit: in.Limit + 1}
	if in.Package != "" {
		pkg, err := d.Pipeline.FindPackage(ctx, project, in.Package)
		if err != nil {
			return nil, err
		}
		filter.Package = pkg.ID
	}
	if in.SHA256 != "" {
		filter.Limit = 0 // these come in no order
	}
	out := &imageList{Body: []view.Image{}}
	for img, err := range d.Pipeline.Repository.Catalog().Images(ctx, filter) {
		if err != nil {
			return nil, err
		}
		out.Body = append(out.Body, view.NewImage(img))
	}
	slices.SortFunc(out.Body, func(a, b view.Image) int { return cmp.Compare(a.Name, b.Name) })
	if len(out.Body) > in.Limit {
		out.Body = out.Body[:in.Limit]
		out.Link = next(ctx, in.Limit, out.Body[in.Limit-1].Name)
	}
	return out, nil
}

func (d *door) showImage(ctx context.Context, in *Named) (*oneImage, error) {
	img, err := d.Pipeline.Repository.Find(ctx, rest.CallerOf(ctx).Project, in.Image)
	if err != nil {
		return nil, err
	}
	return &oneImage{view.NewImage(img)}, nil
}

func (d *door) deleteImage(ctx context.Context, in *struct {
	Named
	Force bool `query:"force" doc:"delete an image that packages use, too"`
}) (*struct{ Body imagerepo.ImageRef }, error) {
	img, err := d.Pipeline.Repository.Find(ctx, rest.CallerOf(ctx).Project, in.Image)
	if err != nil {
		return nil, err
	}
	rest.Target(ctx, img.ID)
	if img, err = d.Pipeline.Repository.DeleteImage(ctx, img.ID, in.Force); err != nil {
		return nil, err
	}
	return &struct{ Body imagerepo.ImageRef }{imagerepo.ImageRef{ID: img.ID, Name: img.Name}}, nil
}

// locateTime bounds how long VIMs are asked, in all.
const locateTime = 20 * time.Second

func (d *door) locateImage(ctx context.Context, in *Named) (*struct{ Body []onboarding.Location }, error) {
	ctx, cancel := context.WithTimeout(ctx, locateTime)
	defer cancel()
	locations, err := d.Operations.Locate(ctx, rest.CallerOf(ctx).Project, in.Image)
	if err != nil {
		return nil, err
	}
	return &struct{ Body []onboarding.Location }{locations}, nil
}

// address is where an image is, by its ID.
func address(ctx context.Context, collection, id string) string {
	return rest.CallerOf(ctx).BaseURL + "/api/v1/" + collection + "/" + url.PathEscape(id)
}
