package openbaton_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// The requests that the Open Baton CLI sends, one by one, each with what it learned
// from those before.
func TestTheRequestsOfTheOpenBatonCLI(t *testing.T) {
	f := start(t)
	known := map[string]string{"PASSWORD": f.writer, "PROJECT": "None", "ID": "", "TOKEN": ""}
	client := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("openbatonOSClient:secret"))
	caller := []string{"Authorization: Bearer TOKEN", "project-id: PROJECT", "Accept: application/json"}
	vdus := []any{map[string]any{"name": "vdu-1", "scale_in_out": 1.0, "vimInstanceName": []any{}, "vm_image": []any{"iperf-image"},
		"vnfc": []any{map[string]any{"connection_point": []any{map[string]any{"virtual_link_reference": "private"}}}}}}

	for _, step := range []struct {
		name         string
		method, path string
		header       []string
		body         string // "package" is the form with one
		status       int
		want         map[string]any // of the answer, or of the only element of a list
		learn        map[string]string
	}{
		{name: "log in", method: "POST", path: "/oauth/token", header: []string{client, "Content-Type: application/x-www-form-urlencoded"},
			body: "username=ci&password=PASSWORD&grant_type=password", status: 200,
			want: map[string]any{"token_type": "bearer"}, learn: map[string]string{"value": "TOKEN"}},
		{name: "look the project up", method: "GET", path: "/api/v1/projects/", header: caller, status: 200,
			want: map[string]any{"name": "red"}, learn: map[string]string{"id": "PROJECT"}},
		{name: "list no packages", method: "GET", path: "/api/v1/vnf-packages/", header: caller, status: 200},
		{name: "upload a package", method: "POST", path: "/api/v1/vnf-packages/", header: caller, body: "package", status: 200,
			want:  map[string]any{"name": "iperf", "vendor": "gangway", "version": "1.0", "endpoint": "generic", "vdu": vdus, "projectId": "red"},
			learn: map[string]string{"id": "ID"}},
		{name: "list packages", method: "GET", path: "/api/v1/vnf-packages/", header: caller, status: 200,
			want: map[string]any{"id": "ID", "name": "iperf", "vimTypes": []any{"openstack"}, "nfvo_version": "6.0.0"}},
		{name: "show a package", method: "GET", path: "/api/v1/vnf-packages/ID", header: caller, status: 200,
			want: map[string]any{"id": "ID", "name": "iperf", "vendor": "gangway", "vnfPackageVersion": "1.0"}},
		{name: "delete it", method: "DELETE", path: "/api/v1/vnf-packages/ID", header: caller, status: 204},
		{name: "show what is not there", method: "GET", path: "/api/v1/vnf-packages/ID", header: caller, status: 404,
			want: map[string]any{"code": "Not Found", "message": `package "ID": not found`}},
		{name: "delete what is not there", method: "DELETE", path: "/api/v1/vnf-packages/ID", header: caller, status: 404,
			want: map[string]any{"message": `package "ID": not found`}},
	} {
		fill := func(text string) string {
			for name, value := range known {
				text = strings.ReplaceAll(text, name, value)
			}
			return text
		}
		var header []string
		for _, line := range step.header {
			header = append(header, fill(line))
		}
		var body io.Reader = strings.NewReader(fill(step.body))
		if step.body == "package" {
			var kind string
			body, kind = form(tarOf(spec("iperf", 1)))
			header = append(header, kind)
		}
		answer := f.Do(t, step.method, fill(step.path), body, header...).Want(t, step.status)
		if step.want == nil {
			if answer.Text != "" && answer.Text != "[]\n" {
				t.Errorf("%s: answer %s", step.name, answer.Text)
			}
			continue
		}
		var got any
		resttest.NoError(t, json.Unmarshal([]byte(answer.Text), &got))
		if list, is := got.([]any); is && len(list) == 1 {
			got = list[0]
		}
		object, is := got.(map[string]any)
		if !is {
			t.Fatalf("%s: answer %s", step.name, answer.Text)
		}
		for member, want := range step.want {
			if text, is := want.(string); is {
				want = fill(text)
			}
			if d := cmp.Diff(want, object[member]); d != "" {
				t.Errorf("%s: %s (-want +got):\n%s", step.name, member, d)
			}
		}
		for member, name := range step.learn {
			known[name], _ = object[member].(string)
			if known[name] == "" {
				t.Fatalf("%s: no %s in %s", step.name, member, answer.Text)
			}
		}
	}
	f.wantNothing(t)
}
