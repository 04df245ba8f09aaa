package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

func TestVIMsAreListedCheckedAndProbed(t *testing.T) {
	f := start(t)
	got := resttest.Into[[]string](t, f.Do(t, "GET", "/api/v1/vims", nil).Want(t, 200))
	if !slices.Contains(got, "region-one") || !slices.Contains(got, "region-two") {
		t.Errorf("VIMs are %q", got)
	}
	checked := resttest.Into[view.Check](t, f.Do(t, "GET", "/api/v1/vims/region-one/check", nil, "X-Auth-Token: red-reader").Want(t, 200))
	if checked.VIM != "region-one" || checked.Project.ID == "" || strings.Contains(checked.MayPublish.How, "trial") {
		t.Errorf("checked: %+v", checked)
	}
	f.Do(t, "POST", "/api/v1/vims/region-one/probe", nil, "X-Auth-Token: red-reader").Want(t, 403)
	probed := resttest.Into[view.Check](t, f.Do(t, "POST", "/api/v1/vims/region-one/probe", nil).Want(t, 200))
	if d := cmp.Diff(view.Answer{Verdict: "no", How: "policy publicize_image refused a trial"}, probed.MayPublish); d != "" {
		t.Errorf("probed (-want +got):\n%s", d)
	}
	if left := f.cloud.Glance("RegionOne").Images(); len(left) != 0 {
		t.Errorf("the probe left %+v", left)
	}
	f.Do(t, "GET", "/api/v1/vims/nowhere/check", nil).Want(t, 404)
	f.Do(t, "POST", "/api/v1/vims/nowhere/probe", nil).Want(t, 404)
	if d := cmp.Diff([]string{"vim.probe /api/v1/vims/region-one/probe refused", "vim.probe region-one done", "vim.probe nowhere refused"}, told(f.Audit.Take())); d != "" {
		t.Errorf("audit log (-want +got):\n%s", d)
	}
}
