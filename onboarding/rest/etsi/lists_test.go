package etsi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

func TestLists(t *testing.T) {
	s := start(t, options{})
	fw := s.onboard(t, firewall("1.0"))
	one := s.onboard(t, small("1.0"))
	bad := s.upload(t, []byte("no archive"))
	made := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "POST", base+"/vnf_packages", `{"userDefinedData": {"team": "a;b", "deep": {"er": 3}}}`))
	names := map[string]string{fw.ID: "fw", one.ID: "one", bad.ID: "bad", made.ID: "made"}
	tests := []struct{ query, want string }{
		{"", "fw one bad made"},
		{"filter=(eq,id," + one.ID + ")", "one"},
		{"filter=(eq,vnfdId,small-1.0)", "one"},
		{"filter=(neq,vnfdId,small-1.0)", "fw bad made"},
		{"filter=(in,vnfProductName,small,firewall)", "fw one"},
		{"filter=(cont,vnfProductName,wall)", "fw"},
		{"filter=(eq,vnfProvider,Acme);(eq,vnfSoftwareVersion,7.1.0)", "one"},
		{"filter=(eq,vnfdVersion,1.0)", "fw one"},
		{"filter=(eq,onboardingState,CREATED)", "made"},
		{"filter=(in,onboardingState,ERROR,CREATED)", "bad made"},
		{"filter=(eq,operationalState,ENABLED)", "fw one"},
		{"filter=(eq,usageState,NOT_IN_USE)", "fw one bad made"},
		{"filter=(eq,checksum/algorithm,SHA-256)", "fw one"},
		{"filter=(eq,checksum/hash," + fw.Checksum.Hash + ")", "fw"},
		{"filter=(eq,softwareImages/diskFormat,QCOW2)", "fw"},
		{"filter=(eq,softwareImages/name,fw-1.0);(eq,softwareImages/diskFormat,RAW)", ""},
		{"filter=(gt,softwareImages/size,100000)", "fw"},
		{"filter=(gte,softwareImages/createdAt,2020-01-01T00:00:00Z)", "fw"},
		{"filter=(eq,softwareImages/checksum/hash," + fw.SoftwareImages[0].Checksum.Hash + ")", "fw"},
		{"filter=(eq,additionalArtifacts/artifactPath,Scripts/start.sh)", "fw"},
		{"filter=(eq,userDefinedData/team,'a;b')", "made"},
		{"filter=(eq,userDefinedData/deep/er,3)", "made"},
		{"filter=(eq,onboardingFailureDetails/status,422)", "bad"},
		{"filter=(eq,_links/self/href," + made.Links.Self.Href + ")", "made"},
		{"filter=" + url.QueryEscape("(eq,vnfProvider,Acme);(eq,vnfProductName,small)"), "one"},
		{"vnfdId=small-1.0", "one"},
		{"vnfProvider.eq=Acme&vnfProductName.neq=small", "fw"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			var got []string
			for _, info := range resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", base+"/vnf_packages?"+tt.query, nil).Want(t, 200)) {
				got = append(got, names[info.ID])
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
		})
	}
	for _, query := range []string{
		"filter=(eq,nfvId,x)", "filter=(eq,softwareImages/colour,x)", "filter=eq,id,x", "filter=(gt,softwareImages/size,big)", "nfvId=x",
		"fields=colour", "exclude_fields=colour", "all_fields&fields=checksum", "nextpage_opaque_marker=x", "filter=(eq,id,%zz)", "unknown",
	} {
		t.Run(query, func(t *testing.T) { s.Do(t, "GET", base+"/vnf_packages?"+query, nil).Want(t, 400) })
	}
}

func TestSelectors(t *testing.T) {
	s := start(t, options{})
	s.onboard(t, firewall("1.0"))
	url := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", base+"/vnf_packages", nil))[0].Links.Self.Href
	s.Do(t, "PATCH", url, `{"userDefinedData": {"a": 1}}`).Want(t, 200)
	const simple = "_links id onboardingState operationalState usageState vnfProductName vnfProvider vnfSoftwareVersion vnfdId vnfdVersion"
	tests := []struct{ query, want string }{
		{"", simple},
		{"?exclude_default", simple},
		{"?all_fields", simple + " additionalArtifacts checksum softwareImages userDefinedData"},
		{"?fields=softwareImages,additionalArtifacts", simple + " additionalArtifacts softwareImages"},
		{"?fields=checksum&exclude_default", simple + " checksum"},
		{"?fields=softwareImages/userMetadata", simple + " softwareImages"},
		{"?exclude_fields=softwareImages,additionalArtifacts", simple + " checksum userDefinedData"},
		{"?exclude_fields=vnfProvider,id", strings.Replace(simple, " vnfProvider", "", 1) + " additionalArtifacts checksum softwareImages userDefinedData"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			var got []map[string]json.RawMessage
			s.Do(t, "GET", base+"/vnf_packages"+tt.query, nil).Want(t, 200).Decode(t, &got)
			want := make(map[string]bool)
			for _, name := range strings.Fields(tt.want) {
				want[name] = true
			}
			have := make(map[string]bool)
			for name := range got[0] {
				have[name] = true
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListsComeInPages(t *testing.T) {
	s := start(t, options{pageSize: 2, idle: true})
	var want []string
	for i := range 7 {
		info := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "POST", base+"/vnf_packages", fmt.Sprintf(`{"userDefinedData": {"odd": %d}}`, i%2)))
		if i%2 == 1 || i == 0 {
			want = append(want, info.ID)
		}
	}
	s.Do(t, "PATCH", base+"/vnf_packages/"+want[0], `{"userDefinedData": {"odd": 1}}`).Want(t, 200)
	var got []string
	next, pages := s.URL+base+"/vnf_packages?all_fields&filter=(eq,userDefinedData/odd,1)", 0
	for next != "" {
		a := s.Do(t, "GET", next, nil).Want(t, 200)
		for _, info := range resttest.Into[[]etsi.VnfPkgInfo](t, a) {
			if info.UserDefinedData == nil {
				t.Error("a page does not show what the first was asked for")
			}
			got = append(got, info.ID)
		}
		pages++
		link := a.Header.Get("Link")
		next = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		if link != "" && link != "<"+next+`>; rel="next"` {
			t.Fatalf("Link is %s", link)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 2 {
		t.Errorf("%d pages; packages (-want +got):\n%s", pages, diff)
	}
	if a := s.Do(t, "GET", base+"/vnf_packages?filter=(eq,id,"+want[0]+")", nil); a.Header.Get("Link") != "" {
		t.Error("the only page has a Link")
	}
}
