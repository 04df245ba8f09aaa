package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// largestPicture is how many bytes a picture of the documentation may have.
const largestPicture = 150_000

var pictures = []string{"packages", "package", "images", "images-dark", "add-image", "vims", "launch", "jobs", "packages-narrow", "images-narrow"}

// TestPictures takes the pictures of docs/ anew with -update, and looks whether they
// are there without.
func TestPictures(t *testing.T) {
	if *update {
		takePictures(t, startBrowser(t))
	}
	for _, name := range pictures {
		info, err := os.Stat(pictureOf(name))
		if err != nil {
			t.Error(err)
		} else if info.Size() > largestPicture {
			t.Errorf("%s has %d bytes, and may have %d", name, info.Size(), largestPicture)
		}
	}
}

func pictureOf(name string) string {
	return filepath.Join("..", "..", "docs", "pictures", name+".png")
}

// picture keeps what the page shows.
func (p *page) picture(name string) {
	p.t.Helper()
	p.run("focus", chromedp.Evaluate[chromedp.Void](`document.querySelector("dialog") ?? document.activeElement.blur(); undefined`))
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	taken, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.fail("picture: %v", err)
	}
	shown, err := png.Decode(bytes.NewReader(taken))
	if err != nil {
		p.t.Fatal(err)
	}
	var packed bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&packed, fewColours(shown)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(pictureOf(name)), 0o777); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(pictureOf(name), packed.Bytes(), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

// fewColours is a picture in the 256 colours that it has most of, which saves half
// of its bytes.
func fewColours(shown image.Image) *image.Paletted {
	often := make(map[color.Color]int)
	box := shown.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			often[shown.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return often[b] - often[a] })
	few := image.NewPaletted(box, colours[:min(256, len(colours))])
	draw.Draw(few, box, shown, box.Min, draw.Src)
	return few
}

// narrow takes a picture as telephones show the page.
func (p *page) narrow(name string) {
	p.t.Helper()
	p.size(390, 844)
	p.picture(name)
	p.size(1440, 900)
}

func takePictures(t *testing.T, browser context.Context) {
	cloud := resttest.Clouds(t, glancetest.Options{
		Users:   []glancetest.User{{Name: "nfvo", Password: "secret", Project: "nfv"}},
		Regions: []glancetest.Region{{Name: "CoreNorth"}, {Name: "EdgeSouth", HashAlgorithm: "sha256"}},
	})
	origin := origintest.New()
	t.Cleanup(origin.Close)
	s := serveOf(t, "--allow-source", "127.0.0.1")
	sampleProject(t, s, cloud, origin)
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Region: "EdgeSouth", Times: -1, AfterBytes: 20 << 20, Do: func(*http.Request) { <-held }})

	p := open(t, browser, s.URL, notFound)
	p.scheme("light")
	p.logIn(s.admin(t))
	p.sees("6 in all")
	p.picture("packages")
	p.narrow("packages-narrow")
	p.click("link", "openpath/packet-core")
	p.sees("Scripts", "VDUs 3")
	p.picture("package")

	p.click("link", "Images")
	p.holds(`document.querySelector("td .chip.bad") && document.querySelector("td .chip.good")`)
	p.picture("images")
	p.scheme("dark")
	p.picture("images-dark")
	p.scheme("light")
	p.narrow("images-narrow")
	p.click("button", "Add an image")
	p.drop(writeImage(t, "ubuntu-24.04-minimal.qcow2", 8<<30))
	p.sees("Found: qcow2")
	p.picture("add-image")
	p.press("\x1b")

	p.click("link", "VIMs")
	p.sees("differs")
	p.holds(`document.querySelectorAll(".chip").length > 4`)
	p.picture("vims")

	p.click("link", "Launches")
	p.click("link", "New launch")
	p.pick("Package", "northbridge/session-border-controller 1.8")
	p.click("checkbox", "core-north")
	p.click("checkbox", "edge-south")
	p.click("button", "Launch")
	p.bar("session-border-controller-media to edge-south", 0.3)
	p.picture("launch")
	p.jobs()
	p.sees("Running")
	p.picture("jobs")
	release()
	p.misses("Running")
}

// sampleProject fills a server with packages of several vendors, one of them refused,
// and an image by URL, and gives the VIMs some of it.
func sampleProject(t *testing.T, s *served, cloud *glancetest.Server, origin *origintest.Origin) {
	image := func(name string, size, disk int64) onboardingtest.SoftwareImage {
		made := onboardingtest.Embed(name, onboardingtest.QCOW2(size, disk<<30, uint64(size)))
		made.MinDisk, made.MinRAM = int(disk), 2048
		return made
	}
	link := "/debian-12-genericcloud-amd64.qcow2"
	origin.Serve(link, origintest.Plain(content(t, onboardingtest.QCOW2(9<<20, 3<<30, 8))))
	if status, text := s.send(t, http.MethodPost, "/api/v1/images", s.admin(t), strings.NewReader(`{"name": "debian-12-genericcloud-amd64", "minDisk": 3, "minRam": 512, "url": "`+origin.URL+link+`"}`),
		"Prefer: wait=60", "Content-Type: application/json"); status != http.StatusOK {
		t.Fatalf("image: %d %s", status, text)
	}
	tar := func(spec onboardingtest.Spec) string {
		return writePackage(t, spec.Name+".tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(spec))
	}
	s.onboards(t, tar(onboardingtest.Spec{Vendor: "acme", Name: "firewall", Version: "2.4.1", Images: []onboardingtest.SoftwareImage{image("firewall-2.4.1", 14<<20, 20)}}))
	s.onboards(t, tar(onboardingtest.Spec{Vendor: "openpath", Name: "packet-core", Version: "4.0.2", Images: []onboardingtest.SoftwareImage{
		image("packet-core-control", 22<<20, 40), image("packet-core-user-plane", 31<<20, 40), image("packet-core-subscribers", 18<<20, 80)}}))
	s.onboards(t, vnf(t, onboardingtest.Spec{Vendor: "openpath", Name: "dns", Version: "1.2", Images: []onboardingtest.SoftwareImage{image("dns-1.2", 6<<20, 10)}}))
	s.onboards(t, tar(onboardingtest.Spec{Vendor: "northbridge", Name: "session-border-controller", Version: "1.8", Images: []onboardingtest.SoftwareImage{
		image("session-border-controller-signalling", 24<<20, 20), image("session-border-controller-media", 48<<20, 20)}}))
	for _, launch := range []string{`{"package": "firewall", "vims": ["core-north", "edge-south"]}`, `{"package": "dns", "vims": ["core-north"]}`, `{"package": "packet-core", "vims": ["core-north"]}`} {
		if status, text := s.send(t, http.MethodPost, "/api/v1/launches", s.admin(t), strings.NewReader(launch), "Content-Type: application/json"); status != http.StatusOK {
			t.Fatalf("launch: %d %s", status, text)
		}
	}
	cloud.Glance("EdgeSouth").Put(glancetest.Image{Name: "dns-1.2", Owner: glancetest.ProjectID("nfv"), Status: "active", Visibility: "private", DiskFormat: "qcow2", ContainerFormat: "bare",
		Size: 5 << 20, HashAlgo: "sha256", HashValue: strings.Repeat("0", 64)})
	s.onboards(t, tar(onboardingtest.Spec{Vendor: "acme", Name: "firewall", Version: "2.5.0", Images: []onboardingtest.SoftwareImage{image("firewall-2.5.0", 15<<20, 20)}}))
	broken := onboardingtest.Spec{Vendor: "northbridge", Name: "load-balancer", Images: []onboardingtest.SoftwareImage{image("load-balancer", 2<<20, 10)}}
	broken.Images[0].SHA256 = strings.Repeat("0", 64)
	if status, text := s.send(t, http.MethodPost, "/api/v1/packages?name=load-balancer.csar", s.admin(t), bytes.NewReader(onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(broken))), "Prefer: wait=60"); status != http.StatusUnprocessableEntity {
		t.Fatalf("package: %d %s", status, text)
	}
}
