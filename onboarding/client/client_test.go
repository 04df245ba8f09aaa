package client_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/tosca"
)

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		options client.Options
		says    string // empty: they work
	}{
		{"no server", client.Options{}, "not an http or https URL"},
		{"another scheme", client.Options{Server: "ftp://example.org"}, "not an http or https URL"},
		{"a host alone", client.Options{Server: "example.org:8080"}, "not an http or https URL"},
		{"credentials in the URL", client.Options{Server: "https://user:secret@example.org"}, "given as a token"},
		{"a query in the URL", client.Options{Server: "https://example.org?token=secret"}, "given as a token"},
		{"a token in clear text", client.Options{Server: "http://example.org", Token: "secret"}, "without TLS"},
		{"a token in clear text that is permitted", client.Options{Server: "http://example.org", Token: "secret", PlainHTTP: true}, ""},
		{"a token in clear text to this machine", client.Options{Server: "http://localhost:8080", Token: "secret"}, ""},
		{"a token in clear text to this machine's address", client.Options{Server: "http://[::1]:8080", Token: "secret"}, ""},
		{"no token in clear text", client.Options{Server: "http://example.org"}, ""},
		{"a token with TLS", client.Options{Server: "https://example.org/gangway/", Token: "secret"}, ""},
		{"a token with a line break", client.Options{Server: "https://example.org", Token: "secret\nmore"}, "right file"},
		{"a CA file that is not there", client.Options{Server: "https://example.org", CAFile: "/nowhere/ca.pem"}, "ca file /nowhere/ca.pem"},
		{"negative patience", client.Options{Server: "https://example.org", Patience: -1}, "positive"},
		{"a smallest pause above the largest", client.Options{Server: "https://example.org", BackoffMin: 2, BackoffMax: 1}, "back-off"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := client.New(test.options)
			if err == nil {
				c.Close()
			}
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("the error is %v, want %q", err, test.says)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestErrorsOfTheServerMeanWhatTheyMeanElsewhere(t *testing.T) {
	f := start(t, nil)
	writer, reader := f.client(nil), f.client(func(o *client.Options) { o.Token = "red-reader" })
	refused := f.client(func(o *client.Options) { o.Token = "nobody" })
	ctx := t.Context()
	for _, test := range []struct {
		name   string
		ask    func() error
		is     error
		status int
	}{
		{"a package", func() error { _, err := writer.Package(ctx, "acme/none:1.0"); return err }, imagerepo.ErrNotFound, 404},
		{"a package to delete", func() error { _, err := writer.DeletePackage(ctx, "none", false); return err }, imagerepo.ErrNotFound, 404},
		{"an image", func() error { _, err := writer.Image(ctx, "none"); return err }, imagerepo.ErrNotFound, 404},
		{"the bytes of an image", func() error { _, err := writer.OpenImage(ctx, "none"); return err }, imagerepo.ErrNotFound, 404},
		{"a job", func() error { _, err := writer.Job(ctx, "none"); return err }, job.ErrNotFound, 404},
		{"the events of a job", func() error {
			for _, err := range writer.WatchJob(ctx, "none", 0) {
				return err
			}
			return nil
		}, job.ErrNotFound, 404},
		{"a VIM", func() error { _, err := writer.CheckVIM(ctx, "none", false); return err }, operation.ErrUnknownVIM, 404},
		{"a package to launch", func() error {
			_, err := writer.Launch(ctx, operation.Launch{Package: "none", VIMs: []string{"region-one"}}, nil)
			return err
		}, imagerepo.ErrNotFound, 404},
		{"what a reader may not do", func() error { _, err := reader.DeleteImage(ctx, "none", false); return err }, client.ErrForbidden, 403},
		{"what a writer may not do", func() error { _, err := writer.Doctor(ctx, imagerepo.DoctorOptions{}); return err }, client.ErrForbidden, 403},
		{"a token that nobody has", func() error { _, err := refused.VIMs(ctx); return err }, access.ErrInvalid, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.ask()
			told, ok := errors.AsType[*client.Error](err)
			if !ok || !errors.Is(err, test.is) || told.Status != test.status || told.RequestID == "" {
				t.Fatalf("%v (%+v), want %v", err, told, test.is)
			}
			if !strings.HasPrefix(err.Error(), "server http://127.0.0.1:") || strings.Contains(err.Error(), "nobody") {
				t.Error(err)
			}
		})
	}
}

func TestWhoHasNoTokenIsToldSo(t *testing.T) {
	f := start(t, nil)
	for token, says := range map[string]string{"": ": wants a token", "nobody": ": token refused: "} {
		_, err := f.client(func(o *client.Options) { o.Token = token }).VIMs(t.Context())
		if !errors.Is(err, access.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("with the token %q: %v", token, err)
		}
	}
}

func TestWhatIsNotGangwayIsToldFromIt(t *testing.T) {
	watchGoroutines(t)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	c, err := client.New(client.Options{Server: web.URL})
	resttest.NoError(t, err)
	defer c.Close()
	_, err = c.Image(t.Context(), "disk")
	if err == nil || errors.Is(err, imagerepo.ErrNotFound) || !strings.Contains(err.Error(), "not as gangway does") {
		t.Error(err)
	}
}

func TestATokenIsNotSentToAnotherServer(t *testing.T) {
	watchGoroutines(t)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was sent to another server", r.Header.Get("Authorization"))
	}))
	defer other.Close()
	var seen http.Header
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen = r.Header; r.URL.Path != "/gangway/api/v1/vims" {
			t.Errorf("the path is %s", r.URL.Path)
		}
		http.Redirect(w, r, other.URL+"/somewhere?secret=1", http.StatusTemporaryRedirect)
	}))
	defer web.Close()
	c, err := client.New(client.Options{Server: web.URL + "/gangway/", Token: "red-writer", Project: "red", UserAgent: "gangway/1.2"})
	resttest.NoError(t, err)
	defer c.Close()
	_, err = c.VIMs(t.Context())
	if err == nil || !strings.Contains(err.Error(), other.URL) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if seen.Get("Authorization") != "Bearer red-writer" || seen.Get("Gangway-Project") != "red" || seen.Get("User-Agent") != "gangway/1.2" {
		t.Errorf("the header is %v", seen)
	}
}

func TestCertificatesOfAFileAreTrusted(t *testing.T) {
	watchGoroutines(t)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`["one"]`)) }))
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of who does not trust it
	web.StartTLS()
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	resttest.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600))
	for _, test := range []struct {
		file string
		ok   bool
	}{{ca, true}, {"", false}} {
		c, err := client.New(client.Options{Server: web.URL, Token: "red-writer", CAFile: test.file})
		resttest.NoError(t, err)
		if _, err = c.VIMs(t.Context()); (err == nil) != test.ok {
			t.Errorf("with the file %q: %v", test.file, err)
		}
		c.Close()
	}
}

// What was not done for certain is done again; what may have been done is not.
func TestRequestsAreSentAgainWhereThatIsSafe(t *testing.T) {
	gangway := http.Header{"Content-Type": {"application/problem+json"}}
	busy := http.Header{"Content-Type": {"application/problem+json"}, "Retry-After": {"0"}}
	look := func(c *client.Client) error { _, err := c.VIMs(t.Context()); return err }
	change := func(c *client.Client) error { _, err := c.DeleteImage(t.Context(), "x", false); return err }
	for _, test := range []struct {
		name   string
		ask    func(c *client.Client) error
		status int
		header http.Header
		sent   int
	}{
		{"reading, whatever happened", look, 502, nil, 2},
		{"changing what gangway did not take yet", change, 429, busy, 2},
		{"changing what is beyond a limit", change, 429, gangway, 1},
		{"changing what somebody did not take yet", change, 429, http.Header{"Retry-After": {"0"}}, 1},
		{"changing what gangway may have done before it stopped", change, 503, busy, 1},
		{"changing what somebody cannot reach", change, 503, nil, 1},
		{"changing what a server may have changed", change, 502, nil, 1},
		{"what a server refuses", look, 400, gangway, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			sent := 0
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if sent++; sent == 1 {
					maps.Copy(w.Header(), test.header)
					w.WriteHeader(test.status)
					return
				}
				_, _ = w.Write([]byte("null"))
			}))
			defer web.Close()
			c, err := client.New(client.Options{Server: web.URL, BackoffMin: 1, BackoffMax: 1})
			resttest.NoError(t, err)
			defer c.Close()
			if err := test.ask(c); (err == nil) != (test.sent == 2) || sent != test.sent {
				t.Errorf("sent %d times, want %d: %v", sent, test.sent, err)
			}
		})
	}
}

// What gangway says to have failed at is not sent once more; what a proxy says for it is.
func TestFilesAreSentAgainWhereThatMayHelp(t *testing.T) {
	path := file(t, archive("fw", mib))
	content := disk(t, 1)
	for _, call := range []struct {
		name string
		ask  func(c *client.Client) error
	}{
		{"a check", func(c *client.Client) error {
			_, err := c.Validate(t.Context(), onboarding.FileSource(path), onboarding.Options{})
			return err
		}},
		{"a check of a URL", func(c *client.Client) error {
			_, err := c.Validate(t.Context(), onboarding.URLSource("http://127.0.0.1:1/p", nil), onboarding.Options{})
			return err
		}},
		{"an image", func(c *client.Client) error {
			_, err := c.AddImage(t.Context(), onboarding.AddRequest{Description: tosca.ImageDescription{Name: "disk"}, Content: bytes.NewReader(content), Size: int64(len(content))})
			return err
		}},
	} {
		for _, test := range []struct {
			name   string
			status int
			header http.Header
			sent   int64
		}{
			{"gangway's 500", 500, http.Header{"Content-Type": {"application/problem+json"}}, 1},
			{"gangway's 502", 502, http.Header{"Content-Type": {"application/problem+json"}}, 1},
			{"gangway's 504", 504, http.Header{"Content-Type": {"application/problem+json"}}, 1},
			{"gangway's 502 that asks to come back", 502, http.Header{"Content-Type": {"application/problem+json"}, "Retry-After": {"1"}}, 2},
			{"gangway's 503", 503, http.Header{"Content-Type": {"application/problem+json"}}, 2},
			{"a proxy's 502", 502, nil, 2},
		} {
			t.Run(call.name+", "+test.name, func(t *testing.T) {
				var sent atomic.Int64
				web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if sent.Add(1) > 1 {
						w.WriteHeader(http.StatusTeapot)
						return
					}
					maps.Copy(w.Header(), test.header)
					w.WriteHeader(test.status)
				}))
				defer web.Close()
				c, err := client.New(client.Options{Server: web.URL, BackoffMin: 1, BackoffMax: 1})
				resttest.NoError(t, err)
				defer c.Close()
				if err := call.ask(c); err == nil || sent.Load() != test.sent {
					t.Errorf("sent %d times, want %d: %v", sent.Load(), test.sent, err)
				}
			})
		}
	}
}

// The path of such a name would be that of something else.
func TestWhatNothingIsCalledIsNotAskedFor(t *testing.T) {
	f := start(t, nil)
	c := f.client(nil)
	for _, called := range []string{"", ".", ".."} {
		for what, ask := range map[string]func() error{
			"a package": func() error { _, err := c.Package(t.Context(), called); return err },
			"an image":  func() error { _, err := c.DeleteImage(t.Context(), called, true); return err },
			"its bytes": func() error { _, err := c.OpenImage(t.Context(), called); return err },
		} {
			if err := ask(); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("%s called %q: %v", what, called, err)
			}
		}
	}
	if n := f.count(""); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
