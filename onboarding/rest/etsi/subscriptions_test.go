package etsi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// consumer is a callback that keeps what it is sent.
type consumer struct {
	*httptest.Server
	tests  atomic.Int32
	fails  atomic.Int32 // how many notifications it still refuses
	mu     sync.Mutex
	got    []json.RawMessage
	header http.Header
	came   chan struct{}
}

func newConsumer(t *testing.T) *consumer {
	t.Helper()
	c := &consumer{came: make(chan struct{}, 100)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			c.tests.Add(1)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if c.fails.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		c.got, c.header = append(c.got, body), r.Header
		c.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		c.came <- struct{}{}
	}))
	t.Cleanup(c.Close)
	return c
}

// wait returns the notifications when there are n.
func (c *consumer) wait(t *testing.T, n int) []json.RawMessage {
	t.Helper()
	for {
		c.mu.Lock()
		got := c.got
		c.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-c.came:
		case <-t.Context().Done():
			t.Fatalf("got %d notifications, want %d", len(got), n)
		}
	}
}

func TestSubscriptions(t *testing.T) {
	for _, root := range []string{base, read} {
		t.Run(root, func(t *testing.T) {
			s, c := start(t, options{pageSize: 2, idle: true}), newConsumer(t)
			request := map[string]any{
				"callbackUri": c.URL + "/told", "filter": map[string]any{"notificationTypes": []string{"VnfPackageChangeNotification"}},
				"authentication": map[string]any{"authType": []string{"BASIC"}, "paramsBasic": map[string]string{"userName": "u", "password": "s3cret"}},
			}
			made := s.Do(t, "POST", root+"/subscriptions", request).Want(t, 201)
			if c.tests.Load() != 1 {
				t.Errorf("the callback was tested %d times", c.tests.Load())
			}
			if strings.Contains(made.Text, "s3cret") {
				t.Errorf("the answer shows the password: %s", made.Text)
			}
			var info struct {
				ID, CallbackURI string
				Filter          json.RawMessage
			}
			made.Decode(t, &info)
			location := made.Header.Get("Location")
			if location != s.URL+root+"/subscriptions/"+info.ID || info.CallbackURI != request["callbackUri"] ||
				string(info.Filter) != `{"notificationTypes":["VnfPackageChangeNotification"]}` {
				t.Errorf("made %s at %s", made.Text, location)
			}
			again := s.Do(t, "POST", root+"/subscriptions", request).Want(t, 303)
			if again.Header.Get("Location") != location || c.tests.Load() != 1 {
				t.Errorf("a duplicate leads to %s, after %d tests", again.Header.Get("Location"), c.tests.Load())
			}
			if shown := s.Do(t, "GET", location, nil).Want(t, 200); shown.Text != made.Text {
				t.Errorf("shown is %s, made was %s", shown.Text, made.Text)
			}
			other := read
			if root == read {
				other = base
			}
			s.Do(t, "GET", other+"/subscriptions/"+info.ID, nil).Want(t, 404)
			s.Do(t, "GET", location, nil, "Authorization: Bearer q-admin").Want(t, 404)
			s.Do(t, "DELETE", location, nil, "Authorization: Bearer q-admin").Want(t, 404)

			for i := range 3 {
				s.Do(t, "POST", root+"/subscriptions", map[string]any{"callbackUri": fmt.Sprint(c.URL, "/", i), "filter": nil}).Want(t, 201)
			}
			page := s.Do(t, "GET", root+"/subscriptions", nil).Want(t, 200)
			var list []map[string]any
			if page.Decode(t, &list); len(list) != 2 || page.Header.Get("Link") == "" {
				t.Errorf("the first page is %s", page.Text)
			}
			for _, query := range []string{"callbackUri=" + c.URL + "/told", "filter=(eq,filter/notificationTypes,VnfPackageChangeNotification)", "filter=(eq,id," + info.ID + ")"} {
				if s.Do(t, "GET", root+"/subscriptions?"+query, nil).Want(t, 200).Decode(t, &list); len(list) != 1 || list[0]["id"] != info.ID {
					t.Errorf("%s: got %v", query, list)
				}
			}
			for _, query := range []string{"nfvId=x", "filter=(eq,nfvId,x)", "filter=(eq,filter/nfvId,x)"} {
				s.Do(t, "GET", root+"/subscriptions?"+query, nil).Want(t, 400)
			}
			s.Do(t, "DELETE", location, nil).Want(t, 204)
			s.Do(t, "DELETE", location, nil).Want(t, 404)
			s.Do(t, "GET", location, nil).Want(t, 404)
		})
	}
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	s := start(t, options{idle: true})
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	c := newConsumer(t)
	tests := []struct {
		name string
		body string
		want int
	}{
		{"no body", ``, 400},
		{"no object", `[]`, 400},
		{"no callback", `{}`, 400},
		{"a callback that is no URI", `{"callbackUri": "vnfm"}`, 400},
		{"a filter that is not known", `{"callbackUri": "` + c.URL + `", "filter": {"colour": "red"}}`, 400},
		{"an authentication without its parameters", `{"callbackUri": "` + c.URL + `", "authentication": {"authType": ["BASIC"]}}`, 400},
		{"an authentication that is not supported", `{"callbackUri": "` + c.URL + `", "authentication": {"authType": ["TLS_CERT"]}}`, 422},
		{"a callback that answers 404", `{"callbackUri": "` + refusing.URL + `"}`, 422},
		{"a callback that is not there", `{"callbackUri": "http://127.0.0.1:1/"}`, 422},
		{"a callback that must not be reached", `{"callbackUri": "` + strings.Replace(c.URL, "127.0.0.1", "127.0.0.2", 1) + `"}`, 422},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { s.Do(t, "POST", base+"/subscriptions", tt.body).Want(t, tt.want) })
	}
	if n := c.tests.Load(); n != 0 {
		t.Errorf("the callback was tested %d times", n)
	}
	if got := s.Do(t, "GET", base+"/subscriptions", nil); strings.TrimSpace(got.Text) != "[]" {
		t.Errorf("there are %s", got.Text)
	}
}

func TestSubscribersAreNotified(t *testing.T) {
	s := start(t, options{})
	all, changes := newConsumer(t), newConsumer(t)
	all.fails.Store(1)
	s.Do(t, "POST", base+"/subscriptions", map[string]any{"callbackUri": all.URL}).Want(t, 201)
	s.Do(t, "POST", read+"/subscriptions", map[string]any{"callbackUri": changes.URL, "filter": map[string]any{
		"notificationTypes": []string{"VnfPackageChangeNotification"}, "vnfdId": []string{"small-1.0"}, "operationalState": []string{"DISABLED"}}}).Want(t, 201)
	s.upload(t, []byte("no archive"))
	one := s.onboard(t, small("1.0"))
	url := one.Links.Self.Href
	s.Do(t, "PATCH", url, `{"userDefinedData": {"a": 1}}`).Want(t, 200)
	s.Do(t, "PATCH", url, `{"operationalState": "DISABLED"}`).Want(t, 200)
	s.Do(t, "DELETE", url, nil).Want(t, 204)

	type said struct {
		Type, State, Change, Package, VNFD, Link string
	}
	read := func(root string, got []json.RawMessage) (all []said) {
		for _, text := range got {
			var n struct {
				ID, NotificationType, ChangeType, OperationalState, VNFPkgID, VNFDID, SubscriptionID string
				Links                                                                                struct {
					VNFPackage, Subscription struct{ Href string }
				} `json:"_links"`
			}
			if err := json.Unmarshal(text, &n); err != nil {
				t.Fatal(err)
			}
			s.valid(t, n.NotificationType, string(text))
			s.Do(t, "GET", n.Links.Subscription.Href, nil).Want(t, 200)
			if !strings.HasSuffix(n.Links.Subscription.Href, root+"/subscriptions/"+n.SubscriptionID) {
				t.Errorf("subscription %s links to %s", n.SubscriptionID, n.Links.Subscription.Href)
			}
			all = append(all, said{n.NotificationType, n.OperationalState, n.ChangeType, n.VNFPkgID, n.VNFDID, n.Links.VNFPackage.Href})
		}
		return all
	}
	want := []said{
		{"VnfPackageOnboardingNotification", "", "", one.ID, "small-1.0", url},
		{"VnfPackageChangeNotification", "DISABLED", "OP_STATE_CHANGE", one.ID, "small-1.0", url},
		{"VnfPackageChangeNotification", "", "PKG_DELETE", one.ID, "small-1.0", url},
	}
	if diff := cmp.Diff(want, read(base, all.wait(t, 3))); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if got := all.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("notifications are %s", got)
	}
	for i := range want {
		want[i].Link = strings.Replace(url, "/sol005/", "/sol003/", 1)
	}
	if diff := cmp.Diff(want[1:], read("/sol003/vnfpkgm/v1", changes.wait(t, 2))); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestAProjectHasSoManySubscriptions(t *testing.T) {
	s, c := start(t, options{subscriptions: 2, idle: true}), newConsumer(t)
	subscribe := func(root, path string, status int) resttest.Answer {
		t.Helper()
		return s.Do(t, "POST", root+"/subscriptions", map[string]any{"callbackUri": c.URL + path}).Want(t, status)
	}
	first := subscribe(base, "/1", 201)
	subscribe(read, "/1", 201)
	subscribe(base, "/2", 429)
	subscribe(read, "/2", 429)
	subscribe(base, "/1", 303)
	if n := c.tests.Load(); n != 2 {
		t.Errorf("%d callbacks were tested", n)
	}
	s.Do(t, "DELETE", first.Header.Get("Location"), nil).Want(t, 204)
	subscribe(base, "/2", 201)
}
