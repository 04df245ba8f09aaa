package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
		Description: "Lists the images of the project by their names, or as sort says.",
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
	Search     string `query:"search" maxLength:"255" doc:"a part of the name; letters of ASCII match in any case"`
	Sort       string `query:"sort" enum:"name,-name,size,-size,createdAt,-createdAt" doc:"the order, turned around by a minus; images that are equal in it are ordered by their names"`
	Package    string `query:"package" doc:"the images that a package uses: its ID, name, vendor/name or vendor/name:version"`
}

type imageList struct {
	Link string `header:"Link"`
	Body []view.Image
}

type oneImage struct{ Body view.Image }

func (d *door) listImages(ctx context.Context, in *listImages) (*imageList, error) {
	project := rest.CallerOf(ctx).Project
	filter := imagerepo.ImageFilter{Project: project, Name: in.Name, SHA256: in.SHA256, DiskFormat: in.DiskFormat, Search: in.Search, Limit: in.Limit + 1}
	order := strings.TrimPrefix(in.Sort, "-")
	if filter.Descending = order != in.Sort; order != "name" {
		filter.Sort = imagerepo.ImageSort(order)
	}
	var err error
	if filter.AfterValue, filter.After, err = afterImage(filter.Sort, in.Marker); err != nil {
		return nil, err
	}
	if in.Package != "" {
		pkg, err := d.Pipeline.FindPackage(ctx, project, in.Package)
		if err != nil {
			return nil, err
		}
		filter.Package = pkg.ID
	}
	out := &imageList{Body: []view.Image{}}
	for img, err := range d.Pipeline.Repository.Catalog().Images(ctx, filter) {
		if err != nil {
			return nil, err
		}
		out.Body = append(out.Body, view.NewImage(img))
	}
	slices.SortFunc(out.Body, func(a, b view.Image) int {
		if filter.Descending {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(sortValue(filter.Sort, a), sortValue(filter.Sort, b)), cmp.Compare(a.Name, b.Name))
	})
	if len(out.Body) > in.Limit {
		out.Body = out.Body[:in.Limit]
		last := out.Body[in.Limit-1]
		marker := last.Name
		if filter.Sort != imagerepo.ByName {
			marker = strconv.FormatInt(sortValue(filter.Sort, last), 10) + " " + marker
		}
		out.Link = next(ctx, in.Limit, marker)
	}
	return out, nil
}

// sortValue is what an order looks at before the name.
func sortValue(order imagerepo.ImageSort, img view.Image) int64 {
	switch order {
	case imagerepo.BySize:
		return img.Size
	case imagerepo.ByCreation:
		return img.CreatedAt.UnixMicro()
	}
	return 0
}

// afterImage reads the marker of a page in an order.
func afterImage(order imagerepo.ImageSort, marker string) (value int64, name string, err error) {
	if order == imagerepo.ByName || marker == "" {
		return 0, marker, nil
	}
	text, name, _ := strings.Cut(marker, " ")
	if value, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, "", rest.Errorf(http.StatusUnprocessableEntity, "marker: is none of a list in this order")
	}
	return value, name, nil
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

// address is where one of a collection is, by its ID.
func address(ctx context.Context, collection, id string) string {
	return rest.CallerOf(ctx).BaseURL + "/api/v1/" + collection + "/" + url.PathEscape(id)
}
