package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim/glancetest"
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

func TestAVIMIsComparedWithTheRepository(t *testing.T) {
	f := start(t)
	for i, name := range []string{"absent", "differs", "there"} {
		f.Do(t, "PUT", "/api/v1/images/"+name, disk(t, uint64(i))).Want(t, 201)
	}
	var vdus []any
	for _, name := range []string{"differs", "there"} {
		vdus = append(vdus, map[string]any{"name": name, "images": []string{name}})
	}
	f.Do(t, "POST", "/api/v1/launches", map[string]any{"vims": []string{"region-one"}, "vdus": vdus}).Want(t, 200)
	f.Do(t, "DELETE", "/api/v1/images/differs", nil).Want(t, 200)
	f.Do(t, "PUT", "/api/v1/images/differs", disk(t, 7)).Want(t, 201)

	first := f.Do(t, "GET", "/api/v1/vims/region-one/images?limit=2", nil, "X-Auth-Token: red-reader").Want(t, 200)
	link, _, _ := strings.Cut(strings.TrimPrefix(first.Header.Get("Link"), "<"+f.URL), ">")
	second := f.Do(t, "GET", link, nil).Want(t, 200)
	if second.Header.Get("Link") != "" {
		t.Errorf("the last page links to %s", second.Header.Get("Link"))
	}
	got := append(resttest.Into[[]onboarding.Holding](t, first), resttest.Into[[]onboarding.Holding](t, second)...)
	if len(got) != 3 {
		t.Fatalf("there are %+v", got)
	}
	for i, want := range []onboarding.Presence{onboarding.Absent, onboarding.Differs, onboarding.There} {
		h := got[i]
		if h.Presence != want || h.Name != string(want) || h.Size != 384<<10 || (h.VIMID == "") != (want == onboarding.Absent) ||
			(h.Detail == "") != (want != onboarding.Differs) || want == onboarding.Differs && !strings.Contains(h.Detail, "sha512:") {
			t.Errorf("%s is %+v", want, h)
		}
	}
	for _, path := range []string{"/api/v1/vims/region-two/images", "/api/v1/images/absent/vims"} {
		before := f.cloud.Stats().Requests[glancetest.Show]
		f.Do(t, "GET", path, nil).Want(t, 200)
		if n := f.cloud.Stats().Requests[glancetest.Show] - before; n > 0 {
			t.Errorf("%s asked for %d single images", path, n)
		}
	}
	if other := resttest.Into[[]onboarding.Holding](t, f.Do(t, "GET", "/api/v1/vims/region-two/images", nil).Want(t, 200)); len(other) != 3 || other[2].Presence != onboarding.Absent {
		t.Errorf("another VIM has %+v", other)
	}
	f.Do(t, "GET", "/api/v1/vims/nowhere/images", nil).Want(t, 404)
	f.cloud.Inject(glancetest.Fault{Route: glancetest.List, Region: "RegionOne", Times: -1, Status: 403})
	f.Do(t, "GET", "/api/v1/vims/region-one/images", nil).Want(t, 502)
}
