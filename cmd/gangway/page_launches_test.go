package main

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// bar waits until a bar is beyond a part of its whole, and returns where it is then.
func (p *page) bar(name string, beyond float64) float64 {
	p.t.Helper()
	return on[float64](p, "progressbar", name, `function(beyond) { return this.value > beyond ? this.value : null; }`, beyond)
}

func pageLaunch(t *testing.T, browser context.Context) {
	cloud := resttest.Clouds(t, glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}}})
	const size = 32 << 20 // connections hold some 10 MiB of it
	first, second := make(chan struct{}), make(chan struct{})
	goOn := []func(){sync.OnceFunc(func() { close(first) }), sync.OnceFunc(func() { close(second) })}
	defer goOn[0]()
	defer goOn[1]() // else a server that a failed test leaves could not stop
	cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Region: "RegionOne", AfterBytes: 2 << 20, Do: func(*http.Request) { <-first }})
	cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Region: "RegionOne", AfterBytes: 14 << 20, Do: func(*http.Request) { <-second }})
	s := serveOf(t)
	s.onboards(t, vnf(t, brings("firewall", "firewall-image", size)))
	p := open(t, browser, s.URL)
	p.logIn(s.admin(t))
	p.click("link", "VIMs")
	p.sees("region-one", "region-two", "Reachable", "RegionTwo", "1 missing")

	p.click("link", "Packages")
	p.click("link", "Launch acme/firewall")
	p.click("checkbox", "region-one")
	p.click("button", "See the plan")
	p.sees("The plan: ", "1 image to upload (32.0 MiB)", "To upload")
	p.click("button", "Launch")
	p.sees("Running", "All uploads", "firewall-image to region-one")
	held := p.bar("firewall-image to region-one", 0)
	if held > 0.4 {
		t.Errorf("the bar is at %g although the upload stands still", held)
	}
	goOn[0]()
	if moved := p.bar("firewall-image to region-one", 0.4); moved <= held || moved >= 1 {
		t.Errorf("the bar has gone from %g to %g", held, moved)
	}
	// Who leaves and comes back sees the same.
	p.click("link", "Jobs 1 under way")
	p.sees("Running")
	p.click("link", "Launch")
	p.bar("firewall-image to region-one", 0.4)
	goOn[1]()
	there := cloud.Glance("RegionOne").Images()[0]
	p.sees("Done", "Uploaded", "by the VIM's hash", there.ID)
	if !p.has("button", there.ID+", copy the Glance ID") {
		t.Error("the Glance ID cannot be copied")
	}
	if got := p.bar("firewall-image to region-one", 0.4); got != 1 {
		t.Errorf("the bar ends at %g", got)
	}

	p.click("link", "Launches")
	p.sees("acme/firewall 1.0", "region-one", "Done", "1 in all")
	p.click("link", "Images")
	p.click("link", "firewall-image")
	p.sees("there", there.ID, "missing")
}

func pageCancel(t *testing.T, browser context.Context) {
	cloud := resttest.Clouds(t, glancetest.Options{})
	cloud.Inject(glancetest.Fault{Route: glancetest.Upload, Times: -1, Hang: true, AfterBytes: glancetest.WholeBody})
	s := serveOf(t)
	s.onboards(t, vnf(t, brings("firewall", "firewall-image", 1<<20)))
	p := open(t, browser, s.URL+"/#/default/launches/new")
	p.logIn(s.admin(t))
	launch := func() {
		p.click("checkbox", "region-one")
		p.click("button", "Launch")
		p.sees("Running")
	}
	launch()
	p.click("button", "Cancel")
	p.sees("Cancelled")
	p.click("link", "Launches")
	p.click("link", "New launch")
	launch()
	p.click("link", "Jobs 1 under way")
	p.click("button", "Cancel Launch acme/firewall 1.0")
	p.misses("Running")
	p.sees("Cancelled")
}
