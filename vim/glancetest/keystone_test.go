package glancetest_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/vim/glancetest"
)

func TestTokensExpire(t *testing.T) {
	var now atomic.Pointer[time.Time]
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now.Store(&begin)
	c := start(t, glancetest.Options{TokenLifetime: time.Minute, Now: func() time.Time { return *now.Load() }})
	show := func() int { status, _, _ := c.send("GET", "/v2/images/"+idA, nil); return status }

	late := begin.Add(59 * time.Second)
	now.Store(&late)
	if status := show(); status != http.StatusOK {
		t.Errorf("a second before: %d", status)
	}
	end := begin.Add(time.Minute)
	now.Store(&end)
	if status := show(); status != http.StatusUnauthorized {
		t.Errorf("after its lifetime: %d", status)
	}
	c.token = c.login("nfvo")
	if status := show(); status != http.StatusOK {
		t.Errorf("a new one: %d", status)
	}
	c.ExpireTokens()
	if status := show(); status != http.StatusUnauthorized {
		t.Errorf("after ExpireTokens: %d", status)
	}
}

func TestTokenThatExpiresInAnUploadDoesNotEndIt(t *testing.T) {
	c := start(t, glancetest.Options{})
	c.Inject(glancetest.Fault{Route: glancetest.Upload, AfterBytes: 1, Do: func(*http.Request) { c.ExpireTokens() }})
	if status := c.upload("content"); status != http.StatusNoContent {
		t.Error(status)
	}
}

func TestRevokedTokenIsRefused(t *testing.T) {
	c := start(t, glancetest.Options{})
	admin := c.login("admin")
	req, err := http.NewRequest("DELETE", c.AuthURL+"/auth/tokens", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", admin)
	req.Header.Set("X-Subject-Token", c.token)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if status, _, _ := c.send("GET", "/v2/images", nil); resp.StatusCode != http.StatusNoContent || status != http.StatusUnauthorized {
		t.Errorf("DELETE %d, then %d", resp.StatusCode, status)
	}
}

func TestCloudsYAMLHasEachUserInEachRegion(t *testing.T) {
	c := start(t, glancetest.Options{
		Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "edge"}},
		Users:   []glancetest.User{{Name: "nfvo", Password: "secret", Project: "nfvo"}, {Name: "ops", Password: `q"\`, Project: "p", Admin: true}},
	})
	var names []string
	for line := range strings.Lines(string(c.CloudsYAML())) {
		if strings.HasPrefix(line, "  ") && line[2] != ' ' {
			names = append(names, strings.Trim(line, " :\n"))
		}
	}
	want := []string{"region-one", "edge", "ops-one", "ops-edge"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("clouds (-want +got):\n%s", diff)
	}
	if got := glancetest.CloudName("ops", "RegionOne"); got != "ops-one" {
		t.Errorf("CloudName: %s", got)
	}
	tenants := login(t, c.CloudsYAML())
	if got := tenants["ops-edge"]; got.glance != c.Glance("edge").URL || got.project != glancetest.ProjectID("p") {
		t.Errorf("ops-edge: %+v", got)
	}
}
