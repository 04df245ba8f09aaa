package keystone

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Config says which Keystone is asked, and what its projects and roles mean.
type Config struct {
	// URL is the address of the Keystone, such as
	// https://cloud.example.org:5000/v3. A token is asked about in its own name,
	// which every Keystone allows by default.
	URL string `yaml:"url"`
	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string `yaml:"ca-file"`
	// Cloud is, instead of both, the name of a cloud in clouds.yaml. Its
	// Keystone is asked in the name of the user there, who must be allowed to
	// validate tokens.
	Cloud string `yaml:"cloud"`
	// Domain is the name of the domain whose users and projects go by their
	// names alone. The default is Default. Those of other domains are called
	// DOMAIN/NAME.
	Domain string `yaml:"domain"`
	// Projects has the project of gangway, or * for all of them, that each
	// project of the Keystone stands for; the keys are names as above, or IDs;
	// what has the form of an ID, 32 hexadecimal digits, is one.
	// Tokens of other projects may do nothing then. Without it, a project of the
	// Keystone stands for that of the same name.
	Projects map[string]string `yaml:"projects"`
	// Roles has the role that each role of the Keystone stands for. The default
	// is admin: admin, member: writer, reader: reader.
	Roles map[string]access.Role `yaml:"roles"`
}

// Check returns everything that is wrong.
func (c Config) Check() error {
	var errs []error
	address, err := url.Parse(c.URL)
	switch {
	case (c.URL == "") == (c.Cloud == ""):
		errs = append(errs, errors.New("wants either url or cloud"))
	case c.Cloud != "" && c.CAFile != "":
		errs = append(errs, errors.New("ca-file: does not go with cloud, which has a cacert of its own"))
	case c.URL != "" && (err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http"):
		errs = append(errs, errors.New("url: is no http or https URL"))
	case c.URL != "" && (address.User != nil || address.RawQuery != "" || address.Fragment != ""):
		errs = append(errs, errors.New("url: must have no user, query or fragment"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Projects)) {
		if to := c.Projects[name]; to != access.AllProjects && !access.ValidProject(to) {
			errs = append(errs, fmt.Errorf("projects: %s: %q is no name of a project", name, to))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Roles)) {
		if role := c.Roles[name]; !role.Valid() {
			errs = append(errs, fmt.Errorf("roles: %s: %q is none of admin, writer and reader", name, role))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	c.Domain = cmp.Or(c.Domain, "Default")
	if c.Roles == nil {
		c.Roles = map[string]access.Role{"admin": access.Admin, "member": access.Writer, "reader": access.Reader}
	}
	return c
}

// grants returns what somebody may do who has roles in a project of the
// Keystone.
func (c Config) grants(project tokens.Project, roles []tokens.Role) map[string]access.Role {
	to, known := c.project(project)
	if !known {
		return nil
	}
	var most access.Role
	for _, r := range roles {
		if role := c.Roles[r.Name]; !most.Includes(role) {
			most = role
		}
	}
	if !most.Valid() {
		return nil
	}
	return map[string]access.Role{to: most}
}

// project returns the project of gangway that one of the Keystone stands for.
func (c Config) project(of tokens.Project) (string, bool) {
	name, unique := c.name(of.Domain.Name, of.Name)
	if c.Projects == nil {
		return name, unique && access.ValidProject(name)
	}
	if to, listed := c.Projects[of.ID]; listed {
		return to, true
	}
	to, listed := c.Projects[name]
	return to, listed && unique && !isID.MatchString(name)
}

// isID matches the IDs of projects: who may name a project after the ID of another
// shall not become that one.
var isID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// name returns what a user or project is called, and whether nothing else can
// be called so: names that have a slash themselves can be those of others.
func (c Config) name(domain, name string) (string, bool) {
	unique := !strings.Contains(domain, "/") && !strings.Contains(name, "/")
	if domain == c.Domain {
		return name, unique
	}
	return domain + "/" + name, unique
}
