package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

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
}

func (d *door) listVIMs(context.Context, *struct{}) (*struct{ Body []string }, error) {
	return &struct{ Body []string }{append([]string{}, d.VIMs.Names()...)}, nil
}

// checkTime bounds how long one VIM is asked.
const checkTime = 30 * time.Second

func (d *door) checkVIM(ctx context.Context, in *struct {
	VIM string `path:"vim"`
}) (*struct{ Body view.Check }, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	check, err := d.VIMs.Check(ctx, in.VIM)
	if err != nil {
		return nil, err
	}
	return &struct{ Body view.Check }{check}, nil
}
