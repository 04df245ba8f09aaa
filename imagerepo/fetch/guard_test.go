package fetch_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
)

func newGuard(t *testing.T, private bool, allow ...string) *fetch.Guard {
	t.Helper()
	g, err := fetch.NewGuard(private, allow)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGuardKnowsWhatIsNotPublic(t *testing.T) {
	strict, private := newGuard(t, false), newGuard(t, true)
	tests := []struct {
		address         string
		public, private bool // passes without and with private sources
	}{
		{"93.184.215.14", true, true},
		{"2606:4700::1111", true, true},
		{"172.32.0.1", true, true},
		{"100.128.0.1", true, true},
		{"127.0.0.1", false, true},
		{"127.255.255.254", false, true},
		{"::1", false, true},
		{"10.0.0.1", false, true},
		{"172.16.0.1", false, true},
		{"172.31.255.255", false, true},
		{"192.168.1.1", false, true},
		{"fd12:3456::1", false, true},
		{"fec0::1", false, true},
		{"100.64.0.1", false, true},
		{"169.254.1.1", false, true},
		{"fe80::1%eth0", false, true},
		{"198.18.0.1", false, true},
		{"2001:db8::1", false, true},
		{"169.254.169.254", false, false},
		{"100.100.100.200", false, false},
		{"fd00:ec2::254", false, false},
		{"0.0.0.0", false, false},
		{"0.1.2.3", false, false},
		{"::", false, false},
		{"224.0.0.1", false, false},
		{"ff02::1", false, false},
		{"240.0.0.1", false, false},
		{"255.255.255.255", false, false},
		{"192.0.0.1", false, false},
		{"2001::1", false, false},                // Teredo
		{"::ffff:127.0.0.1", false, true},        // IPv4-mapped
		{"::ffff:169.254.169.254", false, false}, // IPv4-mapped
		{"::ffff:93.184.215.14", true, true},     // IPv4-mapped
		{"::127.0.0.1", false, true},             // IPv4-compatible
		{"64:ff9b::10.0.0.1", false, true},       // NAT64
		{"64:ff9b::a9fe:a9fe", false, false},     // NAT64
		{"64:ff9b::93.184.215.14", true, true},   // NAT64
		{"64:ff9b:1::1", false, true},            // NAT64 of one's own
		{"2002:7f00:1::", false, true},           // 6to4
		{"2002:5db8:d70e::1", true, true},        // 6to4
		{"2606:4700::5efe:10.0.0.1", false, true},
	}
	for _, tt := range tests {
		addr := netip.MustParseAddr(tt.address)
		for name, c := range map[string]struct {
			guard *fetch.Guard
			want  bool
		}{"strict": {strict, tt.public}, "private": {private, tt.private}} {
			err := c.guard.Check(addr)
			var blocked *fetch.BlockedError
			if (err == nil) != c.want || err != nil && (!errors.As(err, &blocked) || blocked.Kind == "") {
				t.Errorf("%s, %s guard: got %v, want pass = %v", tt.address, name, err, c.want)
			}
		}
	}
}

func TestGuardAllowsWhatIsListed(t *testing.T) {
	g := newGuard(t, false, "10.1.0.0/16", "169.254.169.254", "::ffff:192.168.0.1", "fd00::/8", "Images.Example.")
	for address, want := range map[string]bool{
		"10.1.255.255": true, "10.2.0.0": false, "169.254.169.254": true, "169.254.169.253": false,
		"192.168.0.1": true, "192.168.0.2": false, "fd12::1": true, "fc00::1": false, "::ffff:10.1.2.3": true,
	} {
		if err := g.Check(netip.MustParseAddr(address)); (err == nil) != want {
			t.Errorf("%s: got %v, want pass = %v", address, err, want)
		}
	}
}

func TestGuardRefusesEntriesThatAreNoNames(t *testing.T) {
	for _, entry := range []string{"", "http://host", "host:80", "10.0.0.0/33", "*.example", "user@host", "a b"} {
		if _, err := fetch.NewGuard(false, []string{entry}); err == nil {
			t.Errorf("%q: got no error", entry)
		}
	}
}

func TestGuardChecksNamesForAProxy(t *testing.T) {
	g := newGuard(t, false, "vault.internal", "10.0.0.0/8")
	for host, want := range map[string]bool{
		"images.example": true, "example.": true, "93.184.215.14": true, "10.1.2.3": true, "VAULT.internal.": true,
		"localhost": false, "a.localhost": false, "LOCALHOST.": false, "127.0.0.1": false, "127.0.0.1.": false, "::1": false,
		"127.1": false, "2130706433": false, "0x7f000001": false, "0x7f.1": false, "0177.0.0.1": false, "169.254.169.254": false, "": false,
	} {
		if err := g.CheckName(host); (err == nil) != want {
			t.Errorf("%q: got %v, want pass = %v", host, err, want)
		}
	}
}

func TestPrivateAddressesAreRefusedAtConnectTime(t *testing.T) {
	o := newOrigin(t)
	direct := o.Serve("/disk.img", origintest.Plain(pattern(100)))
	port := direct[len("http://127.0.0.1:") : len(direct)-len("/disk.img")]
	strict := func(o *fetch.Options) { o.AllowPrivate = false }
	var blocked *fetch.BlockedError
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		_, _, err := get(t, newClient(t, strict), fetch.Request{URL: "http://" + host + ":" + port + "/disk.img"})
		if !errors.As(err, &blocked) {
			t.Errorf("%s: got %v, want a BlockedError", host, err)
		}
	}
	if n := len(o.Requests()); n != 0 {
		t.Errorf("got %d requests, want none", n)
	}
	for _, entry := range []string{"127.0.0.0/8", "127.0.0.1"} {
		c := newClient(t, strict, func(o *fetch.Options) { o.AllowPrivate, o.Allow = false, []string{entry} })
		if _, _, err := get(t, c, fetch.Request{URL: direct}); err != nil {
			t.Errorf("with %s allowed: %v", entry, err)
		}
	}
}

func TestARedirectIsCheckedLikeTheURL(t *testing.T) {
	inner := newOrigin(t)
	secret := inner.Serve("/latest/meta-data", origintest.Plain(pattern(100)))
	outer := newOrigin(t)
	// The name is allowed, the address that the redirect leads to is not.
	name := "http://localhost" + outer.URL[len("http://127.0.0.1"):]
	outer.Serve("/disk.img", origintest.File{Always: origintest.Redirect(secret)})
	c := newClient(t, func(o *fetch.Options) { o.AllowPrivate, o.Allow = false, []string{"localhost"} })
	_, _, err := get(t, c, fetch.Request{URL: name + "/disk.img"})
	var blocked *fetch.BlockedError
	if !errors.As(err, &blocked) || len(inner.Requests()) != 0 {
		t.Errorf("got %v and %d requests behind the redirect, want a BlockedError and none", err, len(inner.Requests()))
	}
	if n := len(outer.Requests()); n != 1 {
		t.Errorf("got %d requests at the first host, want 1: a refused address is not tried again", n)
	}
}

func TestAURLIsCheckedWithoutAskingAnybody(t *testing.T) {
	client := newClient(t, func(o *fetch.Options) { o.AllowPrivate, o.Allow = false, []string{"192.168.7.7"} })
	for url, want := range map[string]string{
		"https://example.org/image": "", "http://192.168.7.7/image": "", "http://93.184.216.34": "",
		"http://127.0.0.1/": "blocked", "http://user:secret@[::1]:80/": "blocked", "http://localhost/": "blocked", "http://2130706433/": "blocked",
		"http://169.254.169.254/": "blocked", "ftp://example.org/": "no URL", "example.org": "no URL", "": "no URL",
	} {
		err := client.Check(url)
		var blocked *fetch.BlockedError
		got := ""
		switch {
		case errors.As(err, &blocked):
			got = "blocked"
		case errors.Is(err, fetch.ErrURL):
			got = "no URL"
		}
		if got != want || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
