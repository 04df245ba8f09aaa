package main

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPage uses the page as people do, in a browser.
func TestPage(t *testing.T) {
	browser := startBrowser(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, context.Context)
	}{
		{"somebody logs in and out", pageLogin},
		{"somebody changes the project", pageProject},
		{"a reader can change nothing", pageReader},
		{"the keyboard suffices", pageKeys},
		{"packages are dropped", pageDrop},
		{"a broken package is refused with its findings", pageRefuses},
		{"packages and images are deleted", pageDeletes},
		{"names stay texts", pageNames},
		{"nobody is kept from using it", pageForAll},
		{"an image comes from a file", pageImageFile},
		{"an image comes from a URL", pageImageURL},
		{"a name is taken", pageImageTaken},
		{"a package is launched", pageLaunch},
		{"launches are cancelled", pageCancel},
		{"an upload goes on when the connection broke", pageCut},
		{"an upload goes on when the server was started anew", pageRestart},
		{"an upload goes on when the page was left", pageLeave},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, browser) })
	}
}

// serveOf starts a server on a home of its own.
func serveOf(t *testing.T, args ...string) *served {
	t.Helper()
	return startServe(t, filepath.Join(t.TempDir(), "home"), args...)
}

// token makes a token for a role in a project.
func (s *served) token(t *testing.T, role, project string) string {
	t.Helper()
	status, text := s.send(t, http.MethodPost, "/api/v1/tokens", s.admin(t), strings.NewReader(`{"role": "`+role+`", "project": "`+project+`"}`), "Content-Type: application/json")
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Token == "" {
		t.Fatalf("token: %d %s", status, text)
	}
	return made.Token
}

// addsImage puts an image of zeros into a project.
func (s *served) addsImage(t *testing.T, project, name string, size int) {
	t.Helper()
	status, text := s.send(t, http.MethodPut, "/api/v1/images/"+name+"?diskFormat=raw", s.admin(t), strings.NewReader(strings.Repeat("\x00", size)), "Gangway-Project: "+project)
	if status != http.StatusCreated {
		t.Fatalf("image: %d %s", status, text)
	}
}

func pageLogin(t *testing.T, browser context.Context) {
	s := serveOf(t)
	p := open(t, browser, s.URL)
	p.write("textbox", "Token", "wrong")
	p.click("button", "Log in")
	p.sees("the token is unknown, expired or revoked")
	p.logIn(s.admin(t))
	p.sees("There are no packages yet")
	p.click("button", "Log out")
	p.sees("VNF packages and images, aboard the telco cloud.")
	p.misses("Packages", "Log out", "admin")

	p.click("radio", "Open Baton user")
	p.write("textbox", "User", "admin")
	p.write("textbox", "Password", "wrong")
	p.click("button", "Log in")
	p.sees("Unauthorized")
	p.write("textbox", "Password", s.admin(t))
	p.click("button", "Log in")
	p.sees("There are no packages yet", "Log out")
	p.run("reload", chromedp.Reload())
	p.sees("There are no packages yet", "Log out")
}

func pageProject(t *testing.T, browser context.Context) {
	s := serveOf(t)
	s.addsImage(t, "red", "of-red", 1000)
	s.addsImage(t, "blue", "of-blue", 1000)
	p := open(t, browser, s.URL+"/#/red/images")
	p.logIn(s.admin(t))
	p.sees("of-red")
	p.pick("Project", "blue")
	p.sees("of-blue")
	p.misses("of-red")
	p.run("back", chromedp.NavigateBack())
	p.sees("of-red")
	p.run("anew", chromedp.Navigate(s.URL+"/#/nowhere/nothing"))
	p.run("anew", chromedp.Reload())
	p.sees("Log out", "There are no packages yet")
}

func pageReader(t *testing.T, browser context.Context) {
	s := serveOf(t)
	s.onboards(t, vnf(t, brings("firewall", "firewall-image", 1<<20)))
	p := open(t, browser, s.URL)
	p.logIn(s.token(t, "reader", "default"))
	changes := []string{"Upload packages", "Add an image", "New launch", "Delete acme/firewall", "Delete firewall-image", "Launch acme/firewall", "Cancel Onboarding"}
	look := func(texts ...string) {
		t.Helper()
		p.sees(texts...)
		for _, name := range changes {
			for _, role := range []string{"button", "link"} {
				if p.has(role, name) {
					t.Errorf("a reader has a %s %q beside %q", role, name, texts)
				}
			}
		}
	}
	look("acme/firewall", "1 in all")
	p.drop(vnf(t, brings("router", "router-image", 1<<20)))
	p.click("link", "acme/firewall")
	look("SHA-256 of the archive", "VDUs 1")
	p.click("link", "firewall-image")
	look("Packages that use it")
	p.click("link", "Images")
	look("firewall-image", "1 in all")
	p.click("link", "Launches")
	look("Nothing was launched yet")
	p.jobs()
	look("Onboarding", "1 in all")
}

// pageKeys has no mouse.
func pageKeys(t *testing.T, browser context.Context) {
	s := serveOf(t)
	s.addsImage(t, "default", "cirros", 1000)
	p := open(t, browser, s.URL)
	p.sees("Token")
	// tab goes on to what has a name.
	tab := func(name string) {
		t.Helper()
		for range 40 {
			if value[string](p, `(document.activeElement.getAttribute("aria-label") ?? document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent).trim()`) == name {
				return
			}
			p.press(kb.Tab)
		}
		p.fail("no tab leads to %s", name)
	}
	tab("Token")
	p.press(s.admin(t) + kb.Enter)
	p.sees("Log out")
	tab("Images")
	p.press(kb.Enter)
	p.sees("cirros")
	tab("Add an image")
	p.press(kb.Enter)
	p.sees("Where it is")
	tab("Cancel")
	p.press(kb.Enter)
	p.misses("Where it is")
	p.holds(`document.activeElement.textContent === "Add an image"`)
	p.press(kb.Enter)
	p.sees("Where it is")
	p.press(kb.Escape)
	p.misses("Where it is")
	tab("Delete cirros")
	p.press(kb.Enter)
	p.sees("Delete cirros?", "No package uses it.")
	tab("Delete")
	p.press(kb.Enter)
	p.sees("There are no images yet")
}
