package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// writeImage writes a disk image of 1 MiB and returns its path.
func writeImage(t *testing.T, name string, virtual int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content(t, onboardingtest.QCOW2(1<<20, virtual, 7)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, image onboardingtest.Image) []byte {
	t.Helper()
	all, err := io.ReadAll(image.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A name is looked for before an image of it is added.
const notFound = "status of 404"

func pageImageFile(t *testing.T, browser context.Context) {
	s := serveOf(t)
	p := open(t, browser, s.URL+"/#/default/images", notFound)
	p.logIn(s.admin(t))
	p.click("button", "Add an image")
	p.drop(writeImage(t, "cirros.qcow2", 20<<30))
	p.sees("Found: qcow2, a disk of 20.0 GiB.")
	for _, field := range []struct{ role, name, want string }{
		{"textbox", "Name", "cirros"}, {"combobox", "Disk format", "qcow2"}, {"combobox", "Container format", "bare"}, {"spinbutton", "Min disk, GB", "20"},
	} {
		if got := on[string](p, field.role, field.name, `function() { return this.value; }`); got != field.want {
			t.Errorf("%s is %q, want %q", field.name, got, field.want)
		}
	}
	p.write("spinbutton", "Min RAM, MB", "512")
	p.write("textbox", "Expected digest", "none")
	p.click("button", "Add")
	p.sees("This is neither the 64 hex digits of a SHA-256 nor the 128 of a SHA-512.")
	p.write("textbox", "Expected digest", "")
	p.click("button", "Add")
	p.sees("Transfers", "Onboarded", "1 in all", "cirros", "20 GB", "512 MB")

	_, text := s.get(t, "/api/v1/images/cirros", s.admin(t))
	for _, part := range []string{`"diskFormat":"qcow2"`, `"minDisk":20`, `"minRam":512`, `"isPublic":false`, `"size":1048576`} {
		if !strings.Contains(text, part) {
			t.Errorf("the image has no %s: %s", part, text)
		}
	}
}

func pageImageURL(t *testing.T, browser context.Context) {
	origin := origintest.New()
	t.Cleanup(origin.Close)
	origin.Serve("/debian-12.qcow2", origintest.Plain(content(t, onboardingtest.QCOW2(1<<20, 3<<30, 8))))
	s := serveOf(t, "--allow-source", "127.0.0.1")
	p := open(t, browser, s.URL+"/#/default/images", notFound)
	p.logIn(s.admin(t))
	p.click("button", "Add an image")
	p.click("radio", "A URL")
	p.write("textbox", "URL", origin.URL+"/debian-12.qcow2")
	p.holds(`[...document.querySelectorAll("dialog input")].some((field) => field.value === "debian-12")`)
	p.click("button", "Add")
	p.sees("Transfers", "Onboarded", "1 in all", "qcow2")
	p.click("link", "debian-12")
	p.sees(origin.URL+"/debian-12.qcow2", "1.00 MiB")

	// What cannot be fetched says why.
	p.click("link", "Images")
	p.click("button", "Add an image")
	p.click("radio", "A URL")
	p.write("textbox", "URL", origin.URL+"/none.qcow2")
	p.click("button", "Add")
	p.sees("Rejected", "status 404 Not Found", "Correct the URL, or permit its address.", "image-url")
}

func pageImageTaken(t *testing.T, browser context.Context) {
	s := serveOf(t)
	s.addsImage(t, "default", "cirros", 1000)
	p := open(t, browser, s.URL+"/#/default/images", notFound)
	p.logIn(s.admin(t))
	p.click("button", "Add an image")
	p.choose("File: No file chosen", writeImage(t, "other.qcow2", 1<<30))
	p.sees("Found: qcow2")
	p.write("textbox", "Name", "cirros")
	taken := "The name is taken by an image of 1000 bytes."
	p.sees(taken)
	p.click("button", "Add")
	p.holds(`document.activeElement.matches("[aria-invalid=true]")`)
	p.sees(taken, "Where it is")
	_, metrics := s.get(t, "/metrics", s.admin(t))
	if puts := `gangway_http_requests_total{door="api",method="PUT"`; strings.Count(metrics, puts) != 1 ||
		!strings.Contains(metrics, puts+`,route="/api/v1/images/{image}",status="201"} 1`) {
		t.Errorf("the image was sent: %s", metrics)
	}
	p.write("textbox", "Name", "other")
	p.misses(taken)
	p.click("button", "Add")
	p.sees("Onboarded", "2 in all")
	if status, text := s.get(t, "/api/v1/images/other", s.admin(t)); status != http.StatusOK {
		t.Errorf("other: %d %s", status, text)
	}
}
