package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func (d *door) vims() {
	tags := []string{"vims"}
	operate(d, read("/api/v1/vims"), huma.Operation{
		OperationID: "list-vims", Tags: tags, Summary: "List VIMs", Description: "Lists the names of the VIMs that the server knows.",
	}, d.listVIMs)
	operate(d, read("/api/v1/vims/{vim}/check"), huma.Operation{
		OperationID: "check-vim", Tags: tags, Summary: "Check a VIM",
		Description: "Finds out whether the VIM can be used, and how, and changes nothing there. What is wrong with it stands in the answer.",
	}, d.checkVIM)
	operate(d, read("/api/v1/vims/{vim}/images"), huma.Operation{
		OperationID: "compare-vim", Tags: tags, Summary: "Tell which images a VIM has",
		Description: "Compares the images of the project that have bytes, by their names, with what the VIM has, whatever it is called there. " +
			"One whose name belongs to other bytes on the VIM differs.",
		Errors: []int{http.StatusBadGateway, http.StatusGatewayTimeout},
	}, d.compareVIM)
	operate(d, change(http.MethodPost, "/api/v1/vims/{vim}/probe", "vim.probe"), huma.Operation{
		OperationID: "probe-vim", Tags: tags, Summary: "Check a VIM and try to publish",
		Description: "Checks the VIM, and finds out for certain whether images can be published there: it creates an empty public image and deletes it.",
	}, d.probeVIM)
}

// AtVIM is the path of a VIM.
type AtVIM struct {
	VIM string `path:"vim" doc:"name"`
}

type oneCheck struct{ Body view.Check }

func (d *door) listVIMs(context.Context, *struct{}) (*struct{ Body []string }, error) {
	return &struct{ Body []string }{append([]string{}, d.VIMs.Names()...)}, nil
}

// checkTime bounds how long one VIM is asked.
const checkTime = 30 * time.Second

func (d *door) checkVIM(ctx context.Context, in *AtVIM) (*oneCheck, error) {
	return d.check(ctx, in.VIM, false)
}

func (d *door) probeVIM(ctx context.Context, in *AtVIM) (*oneCheck, error) {
	rest.Target(ctx, in.VIM)
	// What was created is deleted also when the client has gone.
	return d.check(context.WithoutCancel(ctx), in.VIM, true)
}

type holdingList struct {
	Link string `header:"Link"`
	Body []onboarding.Holding
}

func (d *door) compareVIM(ctx context.Context, in *struct {
	AtVIM
	Page
}) (*holdingList, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	cloud, err := d.VIMs.Open(in.VIM)
	if err != nil {
		return nil, err
	}
	var images []imagerepo.Image
	for img, err := range d.Pipeline.Repository.Catalog().Images(ctx, imagerepo.ImageFilter{
		Project: rest.CallerOf(ctx).Project, After: in.Marker, Limit: in.Limit + 1}) {
		if err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	out := &holdingList{}
	if len(images) > in.Limit {
		images = images[:in.Limit]
		out.Link = next(ctx, in.Limit, images[in.Limit-1].Name)
	}
	out.Body, err = d.Pipeline.Compare(ctx, cloud, images)
	if err != nil && ctx.Err() == nil {
		err = rest.Errorf(http.StatusBadGateway, "%v", err)
	}
	return out, err
}

func (d *door) check(ctx context.Context, name string, probe bool) (*oneCheck, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	check, err := d.VIMs.Check(ctx, name, probe)
	if err != nil {
		return nil, err
	}
	return &oneCheck{check}, nil
}
