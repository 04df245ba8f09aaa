package keystone

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

func TestAProjectOfAKeystoneStandsForOneOfGangway(t *testing.T) {
	const explicit = "url: http://k\nprojects: {nfvo: vnfs, other/ops: '*', 4711: by-id, 0123456789abcdef0123456789abcdef: by-id}"
	for name, test := range map[string]struct {
		config         string
		id, domain, in string
		roles          []string
		want           map[string]access.Role
	}{
		"by its name":                     {"url: http://k", "1", "Default", "nfvo", []string{"member"}, map[string]access.Role{"nfvo": access.Writer}},
		"of another domain by both names": {"url: http://k", "1", "other", "nfvo", []string{"member"}, map[string]access.Role{"other/nfvo": access.Writer}},
		"not with a slash in its name":    {"url: http://k", "1", "Default", "other/nfvo", []string{"admin"}, nil},
		"not with one in its domain":      {"url: http://k", "1", "a/b", "c", []string{"admin"}, nil},
		"never for all of them":           {"url: http://k", "1", "Default", "*", []string{"admin"}, nil},
		"not with a name that is none":    {"url: http://k", "1", "Default", "a\nb", []string{"admin"}, nil},
		"with another domain as default":  {"{url: http://k, domain: other}", "1", "other", "nfvo", []string{"member"}, map[string]access.Role{"nfvo": access.Writer}},
		"and the default one as another":  {"{url: http://k, domain: other}", "1", "Default", "nfvo", []string{"member"}, map[string]access.Role{"Default/nfvo": access.Writer}},
		"as it is listed":                 {explicit, "1", "Default", "nfvo", []string{"member"}, map[string]access.Role{"vnfs": access.Writer}},
		"as it is listed with its domain": {explicit, "1", "other", "ops", []string{"reader"}, map[string]access.Role{"*": access.Reader}},
		"as it is listed by its ID":       {explicit, "4711", "Default", "a/b", []string{"reader"}, map[string]access.Role{"by-id": access.Reader}},
		"not by a name like a listed ID":  {explicit, "1", "Default", "0123456789abcdef0123456789abcdef", []string{"admin"}, nil},
		"not when others are listed":      {explicit, "1", "Default", "vnfs", []string{"admin"}, nil},
		"not by a name made to look so":   {explicit, "1", "Default", "other/ops", []string{"admin"}, nil},
		"when none is listed, for none":   {"{url: http://k, projects: {}}", "1", "Default", "nfvo", []string{"admin"}, nil},
		"with the most of several roles":  {"url: http://k", "1", "Default", "p", []string{"x", "reader", "admin", "member"}, map[string]access.Role{"p": access.Admin}},
		"not without a role that counts":  {"url: http://k", "1", "Default", "p", []string{"heat_stack_owner"}, nil},
		"with roles as they are listed":   {"{url: http://k, roles: {onboarder: writer}}", "1", "Default", "p", []string{"onboarder", "admin"}, map[string]access.Role{"p": access.Writer}},
	} {
		t.Run(name, func(t *testing.T) {
			var config Config
			if err := yaml.Unmarshal([]byte(test.config), &config); err != nil {
				t.Fatal(err)
			}
			if err := config.Check(); err != nil {
				t.Fatal(err)
			}
			var roles []tokens.Role
			for _, role := range test.roles {
				roles = append(roles, tokens.Role{Name: role})
			}
			got := config.withDefaults().grants(tokens.Project{ID: test.id, Name: test.in, Domain: tokens.Domain{Name: test.domain}}, roles)
			if d := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatIsWrongWithTheConfigurationIsToldAtOnce(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"nothing said": {"{}", "wants either url or cloud"},
		"two ways":     {"{url: 'http://k', cloud: c}", "wants either url or cloud"},
		"all else": {"{url: 'ftp://k', projects: {a: '', b: \"x\\ny\"}, roles: {m: root}}",
			"url: is no http or https URL\n" +
				"projects: a: \"\" is no name of a project\n" +
				"projects: b: \"x\\ny\" is no name of a project\n" +
				"roles: m: \"root\" is none of admin, writer and reader"},
		"a password in the URL":     {"url: https://u:p@k/v3", "url: must have no user, query or fragment"},
		"a CA file beside a cloud":  {"{cloud: c, ca-file: f}", "ca-file: does not go with cloud, which has a cacert of its own"},
		"a path instead of a URL":   {"url: /v3", "url: is no http or https URL"},
		"a URL that cannot be read": {"url: 'http://k:x'", "url: is no http or https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			var config Config
			if err := yaml.Unmarshal([]byte(test.config), &config); err != nil {
				t.Fatal(err)
			}
			err := config.Check()
			if err == nil {
				t.Fatal("nothing is wrong with it")
			}
			if d := cmp.Diff(test.want, err.Error()); d != "" {
				t.Error(d)
			}
		})
	}
	if _, err := New(Config{URL: "http://k", CAFile: "missing.pem"}); err == nil {
		t.Error("a CA file that is missing is not told")
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", "missing.yaml")
	if _, err := New(Config{Cloud: "c"}); err == nil {
		t.Error("a clouds.yaml that is missing is not told")
	}
}
