package ui_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/rest/ui"
)

func start(t *testing.T) *httptest.Server {
	t.Helper()
	door, err := ui.New()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := rest.New([]rest.Door{door}, rest.Options{Gate: resttest.Gate{}, Audit: &resttest.Audit{}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

// get asks as a browser does, which says itself what packing it takes.
func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

var reference = regexp.MustCompile(`(?:src|href)="(/[^"]*)"|from "\./([^"]+)"|url\("(/[^"]*)"\)`)

// All that the page loads is its own, and what a browser must get before it shows
// something has less than 100 KB.
func TestThePageIsWholeAndSmall(t *testing.T) {
	s := start(t)
	kinds := map[string]string{"": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	sent := 0
	seen := map[string]bool{}
	for wanted := []string{"/"}; len(wanted) > 0; wanted = wanted[1:] {
		path := wanted[0]
		if seen[path] {
			continue
		}
		seen[path] = true
		resp, text := get(t, s.URL+path)
		_, extension, _ := strings.Cut(path, ".")
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != kinds[extension] || text == "" {
			t.Errorf("%s: %s of type %q with %d bytes", path, resp.Status, resp.Header.Get("Content-Type"), len(text))
		}
		for _, found := range reference.FindAllStringSubmatch(text, -1) {
			next := found[1] + found[3]
			if found[2] != "" {
				next = "/ui/" + found[2]
			}
			wanted = append(wanted, next)
		}
		_, packed := get(t, s.URL+path, "Accept-Encoding", "gzip, br")
		sent += len(packed)
	}
	for _, file := range []string{"/ui/app.js", "/ui/upload.js", "/ui/copy.svg"} {
		if !seen[file] {
			t.Errorf("nothing leads to %s", file)
		}
	}
	if sent >= 100_000 {
		t.Errorf("the page has %d bytes", sent)
	}
}

func TestABrowserMayOnlyRunThePagesOwnFiles(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/", "/ui/app.js"} {
		resp, text := get(t, s.URL+path)
		policy := resp.Header.Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, rule) {
				t.Errorf("%s: the policy %q lacks %q", path, policy, rule)
			}
		}
		if strings.Contains(policy, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: header is %v", path, resp.Header)
		}
		if strings.Contains(text, "innerHTML") || strings.Contains(text, " style=") {
			t.Errorf("%s has markup made of text, or a style of an element", path)
		}
	}
}

func TestABrowserKeepsWhatHasNotChanged(t *testing.T) {
	s := start(t)
	for _, coding := range []string{"identity", "gzip"} {
		resp, text := get(t, s.URL+"/ui/app.js", "Accept-Encoding", coding)
		if packed := resp.Header.Get("Content-Encoding"); (packed == "gzip") != (coding == "gzip") {
			t.Errorf("%s is answered with %q", coding, packed)
		}
		if coding == "gzip" {
			r, err := gzip.NewReader(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil || !strings.Contains(string(plain), "import ") {
				t.Errorf("what is packed has %d bytes, %v", len(plain), err)
			}
		}
		again, text := get(t, s.URL+"/ui/app.js", "Accept-Encoding", coding, "If-None-Match", resp.Header.Get("Etag"))
		if again.StatusCode != http.StatusNotModified || text != "" {
			t.Errorf("asked again with %s: %s and %d bytes", coding, again.Status, len(text))
		}
	}
}

func TestThePageIsAtTheRootOnly(t *testing.T) {
	s := start(t)
	for path, want := range map[string]int{"/": 200, "/packages": 404, "/ui": 404, "/ui/none.js": 404, "/ui/index.html": 404} {
		if resp, _ := get(t, s.URL+path); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
}
