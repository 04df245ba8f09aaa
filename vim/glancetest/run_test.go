package glancetest_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// patience is how long a cloud may take to reach an awaited state.
const patience = 20 * time.Second

// A run is one scenario on one cloud.
type run struct {
	*testing.T
	client  *http.Client
	tenants map[string]tenant
	names   []string // placeholder, value, …
	held    *held
}

// held is a request whose body is half sent.
type held struct {
	rest string
	body *io.PipeWriter
	done chan result
}

type result struct {
	*http.Response
	body []byte
	err  error
}

// errCut is why a body ends in its middle.
var errCut = errors.New("cut by the test")

func newRun(t *testing.T, tenants map[string]tenant) *run {
	nfvo := tenants["region-one"]
	r := &run{T: t, tenants: tenants, client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(r.client.CloseIdleConnections)
	r.names = []string{
		"{N}", "conformance-" + strings.ToLower(rand.Text()),
		"{project}", nfvo.project, "{user}", nfvo.user, "{token}", nfvo.token, "{auth}", nfvo.auth,
	}
	for _, name := range []string{"{A}", "{B}", "{C}", "{D}"} {
		id := uuid.NewString()
		r.names = append(r.names, name, id)
		t.Cleanup(func() { r.remove(id) })
	}
	t.Cleanup(func() {
		if r.held != nil {
			r.held.body.CloseWithError(errCut)
			<-r.held.done
		}
	})
	return r
}

// remove deletes what a scenario left behind.
func (r *run) remove(id string) {
	admin := r.tenants["admin-one"]
	for _, step := range []struct{ method, body string }{
		{"PATCH", `[{"op": "replace", "path": "/protected", "value": false}]`},
		{"DELETE", ""},
	} {
		req, err := http.NewRequest(step.method, admin.glance+"/v2/images/"+id, strings.NewReader(step.body))
		if err != nil {
			r.Error(err)
			return
		}
		req.Header.Set("X-Auth-Token", admin.token)
		req.Header.Set("Content-Type", "application/openstack-images-v2.1-json-patch")
		if resp, err := r.client.Do(req); err == nil {
			resp.Body.Close()
		}
	}
}

// fill puts the scenario's values in the places of their names.
func (r *run) fill(s string) string { return strings.NewReplacer(r.names...).Replace(s) }

// fillValue is fill for what a JSON document may have.
func (r *run) fillValue(value any) any {
	switch v := value.(type) {
	case string:
		return r.fill(v)
	case []any:
		filled := []any{}
		for _, item := range v {
			filled = append(filled, r.fillValue(item))
		}
		return filled
	}
	return value
}

func (r *run) step(number int, st step) {
	r.Helper()
	label := fmt.Sprintf("step %d, %s", number, r.fill(st.send))
	switch {
	case st.hold:
		r.hold(st)
		return
	case st.cut:
		r.held.body.CloseWithError(errCut)
		<-r.held.done
		r.held = nil
		return
	case st.finish:
		_, _ = io.WriteString(r.held.body, r.held.rest)
		r.held.body.Close()
		res := <-r.held.done
		r.held = nil
		r.check(label, st, res)
		return
	}
	res := r.exchange(r.request(st, strings.NewReader(r.fill(st.body))))
	if st.await {
		// Other processes change the state: there is nothing to wait on.
		deadline := time.Now().Add(patience)
		for r.problem(st, res) != "" && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
			res = r.exchange(r.request(st, strings.NewReader(r.fill(st.body))))
		}
	}
	r.check(label, st, res)
}

func (r *run) request(st step, body io.Reader) *http.Request {
	r.Helper()
	as := st.as
	if as == "" || as == "nobody" {
		as = "region-one"
	}
	who, ok := r.tenants[as]
	if !ok {
		r.Fatalf("no cloud %s in clouds.yaml", as)
	}
	method, path, _ := strings.Cut(r.fill(st.send), " ")
	base := who.glance
	if strings.HasPrefix(path, "/v3") {
		base = who.auth
	}
	req, err := http.NewRequestWithContext(r.Context(), method, base+path, body)
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	switch {
	case strings.HasSuffix(path, "/file"):
		req.Header.Set("Content-Type", "application/octet-stream")
	case method == "PATCH":
		req.Header.Set("Content-Type", "application/openstack-images-v2.1-json-patch")
	case method == "POST":
		req.Header.Set("Content-Type", "application/json")
	}
	if st.as != "nobody" {
		req.Header.Set("X-Auth-Token", who.token)
	}
	for name, value := range st.header {
		req.Header.Set(name, r.fill(value))
	}
	return req
}

func (r *run) exchange(req *http.Request) result {
	resp, err := r.client.Do(req)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return result{Response: resp, body: body, err: err}
}

// hold begins a request.
func (r *run) hold(st step) {
	r.Helper()
	half := len(st.body) / 2
	from, to := io.Pipe()
	req := r.request(st, from)
	if st.sized {
		req.ContentLength = int64(len(st.body))
	}
	r.held = &held{rest: st.body[half:], body: to, done: make(chan result, 1)}
	go func(h *held) {
		h.done <- r.exchange(req)
		from.CloseWithError(errCut)
	}(r.held)
	if _, err := io.WriteString(to, st.body[:half]); err != nil {
		r.Fatalf("%s: %v, %v", st.send, err, <-r.held.done)
	}
}

func (r *run) check(label string, st step, res result) {
	r.Helper()
	if problem := r.problem(st, res); problem != "" {
		r.Fatalf("%s: %s", label, problem)
	}
	for name, path := range st.save {
		value, ok := dig(res.body, path).(string)
		if !ok {
			r.Fatalf("%s: no string %s in %s", label, path, res.body)
		}
		r.names = append(r.names, name, value)
	}
}

// problem says what is wrong with an answer.
func (r *run) problem(st step, res result) string {
	if res.err != nil {
		return res.err.Error()
	}
	if res.StatusCode != st.status {
		return fmt.Sprintf("status %d, want %d: %s", res.StatusCode, st.status, res.body)
	}
	if text := r.fill(st.text); !strings.Contains(string(res.body), text) {
		return fmt.Sprintf("answer has no %q: %s", text, res.body)
	}
	want, got := make(map[string]any), make(map[string]any)
	for path, value := range st.fields {
		want[path], got[path] = r.fillValue(value), dig(res.body, path)
	}
	for name, value := range st.headers {
		want[name], got[name] = r.fill(value), res.Header.Get(name)
	}
	if st.ids != nil {
		var images struct{ Images []struct{ ID string } }
		_ = json.Unmarshal(res.body, &images)
		wantIDs, gotIDs := []string{}, []string{}
		for _, id := range st.ids {
			wantIDs = append(wantIDs, r.fill(id))
		}
		for _, img := range images.Images {
			gotIDs = append(gotIDs, img.ID)
		}
		want["ids"], got["ids"] = wantIDs, gotIDs
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return "answer (-want +got):\n" + diff
	}
	return ""
}

// dig returns a value of a JSON document by its path: names with dots between.
// What is not there is "absent". Numbers are float64.
func dig(body []byte, path string) any {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return "no JSON"
	}
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		value, ok := object[name]
		if !ok {
			return "absent"
		}
		v = value
	}
	return v
}
