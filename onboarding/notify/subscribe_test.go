package notify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/notify"
)

// guarded returns the client that servers use, with an allow list.
func guarded(t *testing.T, allow ...string) *http.Client {
	t.Helper()
	c, err := fetch.New(fetch.Options{Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.HTTP()
}

// serve starts a server on loopback that ends with the test.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheCallbackIsTestedOnce(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	tests := []struct {
		name   string
		answer http.HandlerFunc
		allow  []string
		want   string // in the error
		asked  int32
	}{
		{"it answers 204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, []string{"127.0.0.1"}, "", 1},
		{"it answers 200", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, []string{"127.0.0.1"}, "answered 200 OK", 1},
		{"it answers 404", http.NotFound, []string{"127.0.0.1"}, "answered 404 Not Found", 1},
		{"it leads elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) }, []string{"127.0.0.1"}, "answered 302", 1},
		{"it cuts the connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, []string{"127.0.0.1"}, "EOF", 1},
		{"it answers without an end", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, []string{"127.0.0.1"}, "answered 200 OK", 1},
		{"it does not answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{"127.0.0.1"}, "exceeded", 1},
		{"it must not be reached", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, nil, "127.0.0.1 refused: loopback", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if r.Method != http.MethodGet || r.ContentLength > 0 {
					t.Errorf("got %s with %d bytes", r.Method, r.ContentLength)
				}
				tt.answer(w, r)
			})
			b := newBench(t, notify.Config{Client: guarded(t, tt.allow...), Timeout: 300 * time.Millisecond})
			made, existed, err := b.Subscribe(t.Context(), notify.Request{Project: "p", API: "sol005", CallbackURI: url + "/x?token=hidden"})
			if asked.Load() != tt.asked {
				t.Errorf("the callback was asked %d times, want %d", asked.Load(), tt.asked)
			}
			if tt.want == "" {
				if err != nil || existed {
					t.Fatalf("existed %t, %v", existed, err)
				}
				got, err := b.Get(t.Context(), "p", "sol005", made.ID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(made, got, cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Millisecond })); diff != "" {
					t.Errorf("subscription (-want +got):\n%s", diff)
				}
				return
			}
			var failed *notify.EndpointError
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("got %v, want an EndpointError with %q and without the query", err, tt.want)
			}
			for range b.List(t.Context(), "p", "sol005", "") {
				t.Error("there is a subscription")
			}
		})
	}
}

func TestSubscriptionsThatAreTheSame(t *testing.T) {
	c := &consumer{}
	b := newBench(t, notify.Config{Client: c.client()})
	filter := func(s string) json.RawMessage { return json.RawMessage(s) }
	request := func(change func(*notify.Request)) notify.Request {
		r := notify.Request{Project: "p", API: "sol005", CallbackURI: "http://vnfm.example/a",
			Filter: filter(`{"vnfdId": ["x", "y"], "notificationTypes": "VnfPackageOnboardingNotification"}`)}
		change(&r)
		return r
	}
	first, _, err := b.Subscribe(t.Context(), request(func(*notify.Request) {}))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*notify.Request)
		same   bool
	}{
		{"all equal", func(*notify.Request) {}, true},
		{"another spelling of the filter", func(r *notify.Request) {
			r.Filter = filter(`{"notificationTypes":["VnfPackageOnboardingNotification"],"vnfdId":["y","x","x"]}`)
		}, true},
		{"another root and authentication", func(r *notify.Request) {
			r.Root, r.Authentication = "http://elsewhere", &notify.Authentication{Types: []string{"BASIC"}, Basic: &notify.Basic{User: "u"}}
		}, true},
		{"another callback", func(r *notify.Request) { r.CallbackURI += "b" }, false},
		{"another filter", func(r *notify.Request) { r.Filter = filter(`{"vnfdId": ["x"]}`) }, false},
		{"no filter", func(r *notify.Request) { r.Filter = nil }, false},
		{"an empty filter is none", func(r *notify.Request) { r.Filter = filter(`{}`) }, true}, // as the one before
		{"another project", func(r *notify.Request) { r.Project = "q" }, false},
		{"another API", func(r *notify.Request) { r.API = "sol003" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := c.tests
			got, existed, err := b.Subscribe(t.Context(), request(tt.change))
			if err != nil || existed != tt.same {
				t.Fatalf("existed %t, want %t; %v", existed, tt.same, err)
			}
			if asked := c.tests - before; (asked == 0) != tt.same {
				t.Errorf("the callback was asked %d times", asked)
			}
			if tt.same && !strings.HasPrefix(tt.name, "an empty") && got.ID != first.ID {
				t.Errorf("got %s, want %s", got.ID, first.ID)
			}
		})
	}
	if _, err := b.Get(t.Context(), "q", "sol005", first.ID); !errors.Is(err, notify.ErrNotFound) {
		t.Errorf("another project's subscription: %v", err)
	}
	if _, err := b.Get(t.Context(), "p", "sol003", first.ID); !errors.Is(err, notify.ErrNotFound) {
		t.Errorf("another API's subscription: %v", err)
	}
	if err := b.Unsubscribe(t.Context(), "q", "sol005", first.ID); !errors.Is(err, notify.ErrNotFound) {
		t.Errorf("unsubscribing for another project: %v", err)
	}
	if err := b.Unsubscribe(t.Context(), "p", "sol005", first.ID); err != nil {
		t.Error(err)
	}
	if err := b.Unsubscribe(t.Context(), "p", "sol005", first.ID); !errors.Is(err, notify.ErrNotFound) {
		t.Errorf("unsubscribing twice: %v", err)
	}
}

func TestWhatCannotBeSubscribedTo(t *testing.T) {
	basic := func(types ...string) *notify.Authentication {
		return &notify.Authentication{Types: types, Basic: &notify.Basic{User: "u", Password: "p"}}
	}
	oauth := func(endpoint string) *notify.Authentication {
		return &notify.Authentication{Types: []string{"OAUTH2_CLIENT_CREDENTIALS"}, OAuth2: &notify.OAuth2{ClientID: "c", TokenEndpoint: endpoint}}
	}
	tests := []struct {
		callback, filter string
		authentication   *notify.Authentication
		attribute        string
		unsupported      bool
	}{
		{"", "", nil, "callbackUri", false},
		{"/told", "", nil, "callbackUri", false},
		{"ftp://vnfm.example", "", nil, "callbackUri", false},
		{"http://user:secret@vnfm.example", "", nil, "callbackUri", false},
		{"http://vnfm.example:x", "", nil, "callbackUri", false},
		{"http://vnfm.example", "[]", nil, "filter", false},
		{"http://vnfm.example", "{} {}", nil, "filter", false},
		{"http://vnfm.example", `{"vnfd": ["x"]}`, nil, "filter", false},
		{"http://vnfm.example", `{"vnfdId": [1]}`, nil, "filter", false},
		{"http://vnfm.example", `{"notificationTypes": ["Any"]}`, nil, "filter/notificationTypes", false},
		{"http://vnfm.example", `{"operationalState": ["ON"]}`, nil, "filter/operationalState", false},
		{"http://vnfm.example", `{"usageState": "USED"}`, nil, "filter/usageState", false},
		{"http://vnfm.example", "", basic(), "authentication/authType", false},
		{"http://vnfm.example", "", basic("DIGEST"), "authentication/authType", false},
		{"http://vnfm.example", "", basic("TLS_CERT"), "authentication/authType", true},
		{"http://vnfm.example", "", basic("OAUTH2_CLIENT_CREDENTIALS"), "authentication/paramsOauth2ClientCredentials", false},
		{"http://vnfm.example", "", &notify.Authentication{Types: []string{"BASIC"}}, "authentication/paramsBasic", false},
		{"http://vnfm.example", "", oauth("file:///etc/passwd"), "authentication/paramsOauth2ClientCredentials/tokenEndpoint", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.callback, tt.filter, tt.attribute), func(t *testing.T) {
			c := &consumer{}
			b := newBench(t, notify.Config{Client: c.client()})
			_, _, err := b.Subscribe(t.Context(), notify.Request{
				Project: "p", API: "sol005", CallbackURI: tt.callback, Filter: json.RawMessage(tt.filter), Authentication: tt.authentication,
			})
			var invalid *notify.InvalidError
			if !errors.As(err, &invalid) || invalid.Attribute != tt.attribute || invalid.Unsupported != tt.unsupported {
				t.Errorf("got %v, want an InvalidError about %s", err, tt.attribute)
			}
			if c.tests > 0 {
				t.Error("the callback was asked")
			}
		})
	}
}

func TestSubscribersAreAuthenticatedTo(t *testing.T) {
	const secret = "s3cret-of-the-subscriber"
	var tokens atomic.Int32
	issuer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.FormValue("grant_type") != "client_credentials" || user != "client" || password != secret {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, tokens.Add(1))
	})
	oauth := func(password string) *notify.Authentication {
		return &notify.Authentication{Types: []string{"OAUTH2_CLIENT_CREDENTIALS", "BASIC"},
			Basic:  &notify.Basic{User: "user", Password: secret},
			OAuth2: &notify.OAuth2{ClientID: "client", Password: password, TokenEndpoint: issuer}}
	}
	t.Run("by password", func(t *testing.T) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if user, password, ok := r.BasicAuth(); !ok || user != "user" || password != secret {
				t.Errorf("%s came with %s", r.Method, r.Header.Get("Authorization"))
			}
			w.WriteHeader(http.StatusNoContent)
		})
		b := newBench(t, notify.Config{Client: guarded(t, "127.0.0.1")})
		b.subscribe(t, notify.Request{CallbackURI: url, Authentication: &notify.Authentication{
			Types: []string{"BASIC"}, Basic: &notify.Basic{User: "user", Password: secret},
		}})
		b.tell(t, onboarded("a"))
		b.delivered(t)
		b.keeps(t, secret)
	})
	t.Run("by tokens that are used while they are good", func(t *testing.T) {
		tokens.Store(0)
		var seen []string
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("Authorization"))
			if len(seen) == 4 {
				w.WriteHeader(http.StatusUnauthorized) // revoked
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		b := newBench(t, notify.Config{Client: guarded(t, "127.0.0.1")})
		b.subscribe(t, notify.Request{CallbackURI: url, Authentication: oauth(secret)})
		for _, id := range []string{"a", "b", "c"} {
			b.tell(t, onboarded(id))
		}
		b.delivered(t)
		if diff := cmp.Diff([]string{"Bearer t1", "Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"}, seen); diff != "" {
			t.Errorf("tokens (-want +got):\n%s", diff)
		}
		b.keeps(t, secret)
	})
	t.Run("not with a token that is not given", func(t *testing.T) {
		url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the callback was asked") })
		b := newBench(t, notify.Config{Client: guarded(t, "127.0.0.1")})
		_, _, err := b.Subscribe(t.Context(), notify.Request{Project: "p", CallbackURI: url, Authentication: oauth("wrong")})
		var failed *notify.EndpointError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "the token endpoint answered 401 invalid_client") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not by a token endpoint that must not be reached", func(t *testing.T) {
		b := newBench(t, notify.Config{Client: guarded(t)})
		_, _, err := b.Subscribe(t.Context(), notify.Request{Project: "p", CallbackURI: "http://192.0.2.1", Authentication: oauth(secret)})
		var blocked *fetch.BlockedError
		if !errors.As(err, &blocked) || blocked.Kind != "loopback" {
			t.Errorf("got %v, want the token endpoint refused", err)
		}
	})
}

// delivered waits until everything is delivered.
func (b *bench) delivered(t *testing.T) {
	t.Helper()
	q, stop := b.run(t)
	defer stop()
	for _, j := range b.deliveries(t) {
		if ended, err := q.Wait(t.Context(), j.ID); err != nil || ended.State != job.Succeeded {
			t.Errorf("delivery %s: %s %q, %v", j.ID, ended.State, ended.Error, err)
		}
	}
}

// keeps fails if the database shows a secret.
func (b *bench) keeps(t *testing.T, secret string) {
	t.Helper()
	for _, name := range []string{b.path, b.path + "-wal"} {
		file, err := os.Open(name)
		if err != nil {
			continue // no log at this moment
		}
		text, err := io.ReadAll(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s shows the secret", name)
		}
	}
}
