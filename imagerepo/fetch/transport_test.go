package fetch_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
)

// newTLSOrigin starts an origin over TLS and returns an option that trusts it.
func newTLSOrigin(t *testing.T) (*origintest.Origin, func(*fetch.Options)) {
	t.Helper()
	o := origintest.NewTLS()
	t.Cleanup(o.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Certificate()})
	if err := os.WriteFile(file, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	return o, func(o *fetch.Options) { o.CAFile = file }
}

func hostOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func authorizations(o *origintest.Origin) []string {
	var all []string
	for _, q := range o.Requests() {
		all = append(all, q.Header.Get("Authorization"))
	}
	return all
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestCertificatesAreChecked(t *testing.T) {
	o, trusting := newTLSOrigin(t)
	u := o.Serve("/disk.img", origintest.Plain(pattern(100)))
	if _, _, err := get(t, newClient(t, trusting), fetch.Request{URL: u}); err != nil {
		t.Errorf("with the extra CA file: %v", err)
	}
	before := len(o.Requests())
	_, _, err := get(t, newClient(t), fetch.Request{URL: u})
	if err == nil || strings.Contains(err.Error(), "attempts") {
		t.Errorf("without it: got %v, want an error after one attempt", err)
	}
	if n := len(o.Requests()); n != before {
		t.Errorf("the request was sent to a server that was not trusted")
	}
	_, _, err = get(t, newClient(t), fetch.Request{URL: strings.Replace(newOrigin(t).URL, "http:", "https:", 1)})
	if err == nil || strings.Contains(err.Error(), "attempts") {
		t.Errorf("https to a server of http: got %v, want an error after one attempt", err)
	}
}

func TestRedirectsNeverLeaveHTTPS(t *testing.T) {
	secure, trusting := newTLSOrigin(t)
	open := newOrigin(t)
	target := open.Serve("/disk.img", origintest.Plain(pattern(100)))
	_, _, err := get(t, newClient(t, trusting), fetch.Request{URL: secure.Serve("/r", origintest.File{Always: origintest.Redirect(target)})})
	var refused *fetch.RedirectError
	if !errors.As(err, &refused) || len(open.Requests()) != 0 {
		t.Errorf("got %v and %d requests over http, want a RedirectError and none", err, len(open.Requests()))
	}
	up := open.Serve("/up", origintest.File{Always: origintest.Redirect(secure.Serve("/disk.img", origintest.Plain(pattern(100))))})
	if _, _, err := get(t, newClient(t, trusting), fetch.Request{URL: up}); err != nil {
		t.Errorf("from http to https: %v", err)
	}
}

func TestCredentialsGoToTheirOwnHostOnly(t *testing.T) {
	content := pattern(200)
	first, second := newOrigin(t), newOrigin(t)
	// A chain that leaves the first host and comes back to it.
	back := first.Serve("/disk.img", origintest.Plain(content))
	through := second.Serve("/r", origintest.File{Always: origintest.Redirect(strings.Replace(back, "http://", "http://evil:word@", 1))})
	start := first.Serve("/r", origintest.File{Always: origintest.Redirect(through)})

	tests := []struct {
		name        string
		url         string
		credentials map[string]fetch.Credential
		want        string
	}{
		{"a bearer token", start, map[string]fetch.Credential{hostOf(t, start): {Token: "t0k3n", PlainHTTP: true}}, "Bearer t0k3n"},
		{"a password", start, map[string]fetch.Credential{hostOf(t, start): {User: "u", Password: "p", PlainHTTP: true}}, basic("u", "p")},
		{"user info in the URL", strings.Replace(start, "http://", "http://u:p%40@", 1), nil, basic("u", "p@")},
		{"a token that must not be sent in the open", start, map[string]fetch.Credential{hostOf(t, start): {Token: "t0k3n"}}, ""},
		{"a token for another port", start, map[string]fetch.Credential{"127.0.0.1": {Token: "t0k3n", PlainHTTP: true}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seenFirst, seenSecond := len(first.Requests()), len(second.Requests())
			c := newClient(t, func(o *fetch.Options) { o.Credentials = tt.credentials })
			got, _, err := get(t, c, fetch.Request{URL: tt.url + "?sig=geheim"})
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("got %d bytes and %v", len(got), err)
			}
			for _, a := range authorizations(first)[seenFirst:] {
				if a != tt.want {
					t.Errorf("the first host got Authorization %q, want %q", a, tt.want)
				}
			}
			for i, a := range authorizations(second)[seenSecond:] {
				if a != "" {
					t.Errorf("the second host got Authorization %q", a)
				}
				if referer := second.Requests()[seenSecond+i].Header.Get("Referer"); referer != "" {
					t.Errorf("the second host got Referer %q", referer)
				}
			}
		})
	}
}

func TestCredentialsAreForTheDefaultPorts(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Host+" "+r.Header.Get("Authorization"))
		w.Write(pattern(10))
	}))
	defer proxy.Close()
	c := newClient(t, func(o *fetch.Options) {
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
		o.Credentials = map[string]fetch.Credential{"Images.example": {Token: "t", PlainHTTP: true}}
	})
	for _, host := range []string{"images.example", "images.example:80", "images.example:8080", "other.example"} {
		if _, _, err := get(t, c, fetch.Request{URL: "http://" + host + "/x"}); err != nil {
			t.Fatal(err)
		}
	}
	want := "images.example Bearer t|images.example:80 Bearer t|images.example:8080 |other.example "
	if got := strings.Join(asked, "|"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProxyIsUsedAndTargetsAreStillChecked(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Host)
		if r.URL.Host == "redirect.example" {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
			return
		}
		w.Write(pattern(1000))
	}))
	defer proxy.Close()
	c := newClient(t, func(o *fetch.Options) {
		o.AllowPrivate = false // the proxy itself is on loopback
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	})
	if _, _, err := get(t, c, fetch.Request{URL: "http://images.example/disk.img"}); err != nil {
		t.Errorf("through the proxy: %v", err)
	}
	var blocked *fetch.BlockedError
	for _, u := range []string{"http://127.0.0.1/x", "http://localhost/x", "http://0x7f.1/x", "http://redirect.example/x"} {
		if _, _, err := get(t, c, fetch.Request{URL: u}); !errors.As(err, &blocked) {
			t.Errorf("%s: got %v, want a BlockedError", u, err)
		}
	}
	if got := strings.Join(asked, " "); got != "images.example redirect.example" {
		t.Errorf("the proxy was asked for %s", got)
	}
}

func TestABadProxyDoesNotTellItsPassword(t *testing.T) {
	c := newClient(t, func(o *fetch.Options) {
		o.Attempts = 1
		o.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("proxy http://u:geheim@%zz") }
	})
	if _, _, err := get(t, c, fetch.Request{URL: "http://images.example/"}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"https://h/p":                         "https://h/p",
		"https://user:pass@h/p":               "https://xxxxx@h/p",
		"https://token@h/p#frag":              "https://xxxxx@h/p",
		"https://h/p?X-Amz-Signature=a&b=&c":  "https://h/p?X-Amz-Signature=xxxxx&b=xxxxx&xxxxx",
		"http:user:pass@h":                    "http:xxxxx",
		"https://user:pass@h:port/":           "(not a URL)",
		"https://user:p%zz@h/":                "(not a URL)",
		"http://h/x?redirect=http://u:p@h/&x": "http://h/x?redirect=xxxxx&xxxxx",
	} {
		if got := fetch.Redact(raw); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

func TestTheClientForShortRequestsIsGuardedAndKnowsNoCredentials(t *testing.T) {
	o, trusting := newTLSOrigin(t)
	u := o.Serve("/hook", origintest.Plain([]byte("x")))
	client := func(change ...func(*fetch.Options)) *http.Client {
		return newClient(t, append(change, trusting, func(o *fetch.Options) {
			o.Credentials = map[string]fetch.Credential{hostOf(t, u): {Token: "secret"}}
		})...).HTTP()
	}
	for range 2 {
		resp, err := client().Get(u)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); !resp.Close {
			t.Error("the connection is kept")
		}
	}
	if got := authorizations(o); len(got) != 2 || got[0] != "" || got[1] != "" {
		t.Errorf("got Authorization %q, want none", got)
	}
	_, err := client(func(o *fetch.Options) { o.AllowPrivate = false }).Get(u)
	if _, blocked := errors.AsType[*fetch.BlockedError](err); !blocked {
		t.Errorf("got %v, want loopback refused", err)
	}
	resp, err := client().Get(o.Serve("/away", origintest.File{Always: origintest.Status(302, "Location", u)}))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("got %d, want the redirect itself", resp.StatusCode)
	}
}
