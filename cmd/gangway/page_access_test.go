package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// scheme has the system ask for light or dark colours, and for nothing that moves.
func (p *page) scheme(name string) {
	p.t.Helper()
	do(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// axe is what axe-core finds on the page that keeps people from using it. Without
// rules it looks for everything that it knows.
func (p *page) axe(rules ...string) []string {
	p.t.Helper()
	options := map[string]any{"resultTypes": []string{"violations"}}
	if len(rules) > 0 {
		options["runOnly"] = rules
	}
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](script(`axe.run(document, %s).then((found) => found.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary)))`, options), chromedp.EvalAwaitPromise))
	if err != nil {
		p.fail("axe: %v", err)
	}
	return found
}

// pageForAll looks at each view, as it is wide and narrow, light and dark.
func pageForAll(t *testing.T, browser context.Context) {
	axe, err := os.ReadFile(filepath.FromSlash("../../.cache/axe/node_modules/axe-core/axe.min.js"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("axe-core is not there: .ci/browser brings it")
	}
	resttest.Clouds(t, glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}}})
	s := serveOf(t)
	s.onboards(t, vnf(t, brings("firewall", "firewall-image", 1<<20)))
	s.onboards(t, writePackage(t, "router.tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(brings("router", "router-image", 1<<20))))
	broken := brings("broken", "image", 1<<20)
	broken.Images[0].SHA256 = strings.Repeat("0", 64)
	p := open(t, browser, s.URL)
	p.run("axe", chromedp.Evaluate[chromedp.Void](string(axe)+"; undefined"))

	look := func(name string, texts ...string) {
		t.Helper()
		p.sees(texts...)
		for _, width := range []int64{1440, 390} {
			p.size(width, 900)
			p.scheme("light")
			found := p.axe()
			p.scheme("dark")
			for _, line := range append(found, p.axe("color-contrast")...) {
				t.Errorf("%s, %d wide: %s", name, width, line)
			}
		}
		p.size(360, 740)
		if wide := value[int](p, "document.scrollingElement.scrollWidth"); wide > 360 {
			t.Errorf("%s: %d pixels wide on a screen of 360: %s", name, wide, value[[]string](p,
				`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > 360).map((e) => e.outerHTML.slice(0, 100))`))
		}
		p.size(1440, 900)
	}
	dialog := func(button, name string, texts ...string) {
		t.Helper()
		p.click("button", button)
		look(name, texts...)
		p.run("close", chromedp.KeyEvent("\x1b"))
		p.holds(`!document.querySelector("dialog")`)
	}

	p.write("textbox", "Token", "wrong")
	p.click("button", "Log in")
	look("login", "the token is unknown")
	p.logIn(s.admin(t))
	look("packages", "acme/firewall", "2 in all")
	dialog("Delete acme/firewall", "delete a package", "which will go with it")
	p.drop(vnf(t, broken), vnf(t, brings("dns", "dns-image", 1<<20)))
	look("transfers", "does not have its stated digest", "Onboarded", "Rejected")
	p.click("button", "Clear those that ended")
	p.click("link", "broken.csar")
	look("a refused package", "Put the right file into the package")
	p.click("link", "Packages")
	p.click("link", "acme/router")
	look("a package", "Scripts 1", "Images 1")
	p.click("link", "VIMs")
	look("VIMs", "Reachable", "3 missing")
	p.click("link", "region-one")
	look("a VIM", "Reachable", "missing (3)")
	p.click("link", "Launches")
	p.click("link", "New launch")
	p.click("checkbox", "region-one")
	p.click("button", "See the plan")
	look("a new launch", "The plan: ")
	p.click("button", "Launch")
	look("a launch", "Done", "by the VIM's hash")
	p.click("link", "Launches")
	look("launches", "1 in all")
	p.click("link", "Images")
	p.holds(`document.querySelector("td .chip.good")`)
	look("images", "3 in all")
	dialog("Add an image", "add an image", "Where it is")
	dialog("Delete router-image", "delete an image", "1 package uses it")
	p.click("link", "router-image")
	look("an image", "Packages that use it", "missing")
	p.jobs()
	look("jobs", "6 in all")
	p.run("the refused job", chromedp.Click(chromedp.CSS("tr:has(.chip.bad) a")))
	look("a job", "Put the right file into the package")
}
