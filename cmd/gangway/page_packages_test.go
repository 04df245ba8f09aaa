package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// writePackage writes a package in a form of its own and returns its path.
func writePackage(t *testing.T, name string, container onboardingtest.Container, members []onboardingtest.Member) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := onboardingtest.WriteFile(path, container, members); err != nil {
		t.Fatal(err)
	}
	return path
}

// brings is a package of acme with one image of a size in bytes.
func brings(name, image string, size int64) onboardingtest.Spec {
	return onboardingtest.Spec{Name: name, Vendor: "acme", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed(image, onboardingtest.QCOW2(size, 20<<30, uint64(len(name))))}}
}

// vnf writes a SOL004 package and returns its path.
func vnf(t *testing.T, spec onboardingtest.Spec) string {
	t.Helper()
	return writePackage(t, spec.Name+".csar", onboardingtest.Zip, onboardingtest.SOL004(spec))
}

// onboards has the server take in what a package's file has.
func (s *served) onboards(t *testing.T, path string) {
	t.Helper()
	archive, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if status, text := s.send(t, http.MethodPost, "/api/v1/packages", s.admin(t), archive, "Prefer: wait=60"); status != http.StatusCreated {
		t.Fatalf("%s: %d %s", path, status, text)
	}
}

func pageDrop(t *testing.T, browser context.Context) {
	s := serveOf(t)
	p := open(t, browser, s.URL)
	p.logIn(s.admin(t))
	p.sees("There are no packages yet")
	p.drop(vnf(t, brings("firewall", "firewall-image", 1<<20)),
		writePackage(t, "router.tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "router", Vendor: "acme"})))
	p.sees("Transfers", "acme/firewall 1.0 · 1 image", "acme/router 1.0 · 0 images", "Onboarded")
	p.click("button", "Clear those that ended")
	p.misses("Transfers")

	p.click("link", "acme/firewall")
	p.sees("SHA-256 of the archive", "VDUs 1", "Images 1", "Definitions/firewall.yaml")
	p.click("link", "firewall-image")
	p.sees("1.00 MiB (1,048,576 bytes)", "Packages that use it", "acme/firewall")
	p.click("link", "Images")
	p.sees("firewall-image", "qcow2", "1 in all")
	p.click("link", "firewall 1.0")
	p.sees("VDUs 1")

	p.click("link", "Packages")
	p.sees("2 in all")
	p.write("searchbox", "Search packages", "rout")
	p.sees("1 in all")
	p.misses("acme/firewall")
	p.click("link", "acme/router")
	p.sees("Scripts 1", "scripts/install.sh")
}

func pageRefuses(t *testing.T, browser context.Context) {
	s := serveOf(t)
	p := open(t, browser, s.URL)
	p.logIn(s.admin(t))
	broken := brings("broken", "image", 1<<20)
	broken.Images[0].SHA256 = strings.Repeat("0", 64)
	file := vnf(t, broken)
	p.choose("Upload packages", file)
	finding := []string{`image "image" does not have its stated digest`, "Definitions/broken.yaml:30:11", "Expected", "sha256:" + broken.Images[0].SHA256,
		"Found", "Cure", "Put the right file into the package, or correct the stated digest.", "image-checksum"}
	p.sees(append(finding, "Rejected")...)
	p.click("button", "Dismiss broken.csar")
	p.misses("Put the right file into the package")

	// It stays refused, and the package and the job say why.
	p.click("link", "broken.csar")
	p.sees(append(finding, "Refused")...)
	p.jobs()
	p.click("link", "Onboarding")
	p.sees(finding...)
	p.click("link", "Images")
	p.sees("There are no images yet")
}

func pageDeletes(t *testing.T, browser context.Context) {
	s := serveOf(t)
	s.onboards(t, vnf(t, brings("firewall", "firewall-image", 1<<20)))
	s.onboards(t, vnf(t, brings("router", "router-image", 1<<20)))
	p := open(t, browser, s.URL)
	p.logIn(s.admin(t))
	p.click("button", "Delete acme/firewall")
	p.sees("Only this package uses 1 image, which will go with it:", "firewall-image")
	p.click("button", "Keep")
	p.misses("Only this package uses")
	p.click("button", "Delete acme/firewall")
	p.sees("firewall-image")
	p.click("button", "Delete")
	p.misses("acme/firewall")
	p.click("link", "Images")
	p.sees("router-image", "1 in all")
	p.misses("firewall-image")

	p.click("button", "Delete router-image")
	p.sees("1 package uses it", "acme/router 1.0")
	p.click("button", "Delete it all the same")
	p.sees("There are no images yet")
	if status, text := s.get(t, "/api/v1/images", s.admin(t)); status != http.StatusOK || strings.TrimSpace(text) != "[]" {
		t.Errorf("images: %d %s", status, text)
	}
}

// Names come from vendors, and are texts wherever they are shown.
func pageNames(t *testing.T, browser context.Context) {
	s := serveOf(t)
	markup := func(n string) string { return "<img src=x onerror=alert(" + n + ")>" }
	p := open(t, browser, s.URL)
	p.logIn(s.admin(t))
	spec := onboardingtest.Spec{Name: markup("1"), Vendor: markup("2"), Version: markup("3"), Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed(markup("4"), onboardingtest.QCOW2(1<<20, 1<<30, 1))}}
	p.drop(writePackage(t, markup("5")+".tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(spec)))
	called := markup("2") + "/" + markup("1")
	p.sees(markup("5")+".tar", called+" "+markup("3")+" · 1 image")
	p.click("button", "Clear those that ended")
	p.click("link", called)
	p.sees("VDUs 1", called, markup("3"), markup("4"))
	p.click("button", "Delete "+called)
	p.sees("Delete "+called, "which will go with it")
	p.click("button", "Keep")
	p.click("link", markup("4"))
	p.sees("Packages that use it", markup("4"), called)
	p.click("link", "Images")
	p.sees(markup("4"), markup("1"))
	p.click("button", "Delete "+markup("4"))
	p.sees("1 package uses it", called)
	p.click("button", "Keep")
	p.jobs()
	p.sees(markup("5") + ".tar")
	p.click("link", "Launches")
	p.click("link", "New launch")
	p.sees("No VIM is configured.")
	if n := value[int](p, "document.querySelectorAll('main img, [onerror]').length"); n > 0 {
		t.Errorf("%d texts became elements", n)
	}
}
