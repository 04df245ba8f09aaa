package oidc

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

func TestClaimsSayWhoMayDoWhat(t *testing.T) {
	const config = `
issuer: https://id.example.org
audience: gangway
subject: profile.name
grants:
  groups:
    ops: ['*:reader', 'acme:admin', 'a:b:writer']
    devs: ['acme:writer']
  realm_access.roles: {viewer: ['acme:reader']}
  https://example.org/roles: {ops: ['url:admin']}
  scope: {vnf.read: ['scope:reader'], vnf.write: ['scope:writer']}
  staff: {"true": ['staff:reader']}
`
	var c Config
	if err := yaml.Unmarshal([]byte(config), &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		claims string
		want   map[string]access.Role
	}{
		"by a text":                 {`{"groups": "devs"}`, map[string]access.Role{"acme": access.Writer}},
		"by one of a list":          {`{"groups": ["x", "devs", 7, null]}`, map[string]access.Role{"acme": access.Writer}},
		"several things by one":     {`{"groups": ["ops"]}`, map[string]access.Role{"*": access.Reader, "acme": access.Admin, "a:b": access.Writer}},
		"the most by several":       {`{"groups": ["devs"], "realm_access": {"roles": ["viewer"]}}`, map[string]access.Role{"acme": access.Writer}},
		"by a claim inside another": {`{"realm_access": {"roles": ["viewer"]}}`, map[string]access.Role{"acme": access.Reader}},
		"by a name with dots":       {`{"realm_access.roles": "viewer"}`, map[string]access.Role{"acme": access.Reader}},
		"by a name that is a URL":   {`{"https://example.org/roles": ["ops"]}`, map[string]access.Role{"url": access.Admin}},
		"by a word of the scope":    {`{"scope": "openid vnf.write vnf.read"}`, map[string]access.Role{"scope": access.Writer}},
		"by a truth":                {`{"staff": true}`, map[string]access.Role{"staff": access.Reader}},
		"not by a word of a text":   {`{"groups": "devs ops"}`, nil},
		"not by a part of a text":   {`{"groups": "dev"}`, nil},
		"not by the text of a list": {`{"groups": "[devs]"}`, nil},
		"not by other capitals":     {`{"groups": "Devs"}`, nil},
		"not by an object":          {`{"groups": {"devs": true}}`, nil},
		"not without the claim":     {`{}`, nil},
		"not by half of the way":    {`{"realm_access": ["viewer"]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var claims map[string]any
			if err := json.Unmarshal([]byte(test.claims), &claims); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, c.grants(claims), cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
	if got := c.subject(map[string]any{"sub": "4711", "profile": map[string]any{"name": "ann"}}); got != "ann" {
		t.Errorf("somebody is called %q", got)
	}
	if got := (Config{}).subject(map[string]any{"sub": "4711"}); got != "4711" {
		t.Errorf("somebody is called %q", got)
	}
}

func TestWhatIsWrongWithTheConfigurationIsToldAtOnce(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"nothing said": {"{}", "issuer: is no https URL\naudience: is missing\ngrants: are missing: nobody could do anything"},
		"wrong grants": {"{issuer: 'https://i', audience: a, grants: {g: {v: [x, 'p:root', ':admin', 'p:']}}}",
			"grants: g: v: \"x\" is not PROJECT:ROLE\n" +
				"grants: g: v: \"p:root\": \"root\" is none of admin, writer and reader\n" +
				"grants: g: v: \":admin\": \"\" is no name of a project\n" +
				"grants: g: v: \"p:\": \"\" is none of admin, writer and reader"},
		"an issuer that anybody can be": {"{issuer: 'http://id.example.org', audience: a, grants: {g: {v: ['p:admin']}}}", "issuer: is no https URL"},
		"an issuer with a query":        {"{issuer: 'https://i?x', audience: a, grants: {g: {v: ['p:admin']}}}", "issuer: is no https URL"},
		"all well":                      {"{issuer: 'https://i/realms/x', audience: a, grants: {g: {v: ['p:admin']}}}", ""},
		"an issuer on this machine":     {"{issuer: 'http://localhost:8080', audience: a, grants: {g: {v: ['*:admin']}}}", ""},
		"another spelling of it":        {"{issuer: 'http://[::1]:8080', audience: a, grants: {g: {v: ['*:admin']}}}", ""},
		"one that only begins like it":  {"{issuer: 'http://localhost.example.org', audience: a, grants: {g: {v: ['*:admin']}}}", "issuer: is no https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			var config Config
			if err := yaml.Unmarshal([]byte(test.config), &config); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := config.Check(); err != nil {
				got = err.Error()
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `{"groups": ["ops"]}`, `{"a": {"b": {"c": "v"}}}`, `{"a.b": {"c": "v"}}`, `{"a": {"b.c": "v"}}`, `{"a.b.c": "v"}`, `{"a": null}`} {
		f.Add(seed)
	}
	c := Config{Subject: "a.b.c", Grants: map[string]map[string][]string{"a.b.c": {"v": {"p:admin"}}}}
	f.Fuzz(func(t *testing.T, text string) {
		var claims map[string]any
		if json.Unmarshal([]byte(text), &claims) != nil {
			return
		}
		named, granted := c.subject(claims) == "v", len(c.grants(claims)) > 0
		if named && !granted {
			t.Errorf("%s: the claim is found once, and not again", text)
		}
	})
}
