package glance

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/gangway-nfv/gangway/vim"
)

// A Check says what a VIM is like. What could not be found out is empty, and
// Problems says why where that is worth knowing.
type Check struct {
	VIM         string
	AuthURL     string
	Region      string
	User        string
	Project     vim.Project
	Roles       []string
	Endpoint    string // of the image service
	APIVersion  string // the current one of the image service, as v2.15
	Latency     time.Duration
	ImportTypes []string // import methods that are offered
	// HashAlgorithm is os_hash_algo of the newest image that has one; Glance
	// tells it in no other way.
	HashAlgorithm string
	Quotas        []Quota
	// MayPublish says whether the user may make images public.
	MayPublish Answer
	// Err is why the VIM cannot be used, nil if it can.
	Err      error
	Problems []string
}

// A Quota is a limit that the VIM keeps for the project, in the unit of its
// name: MiB for sizes, else a count.
type Quota struct {
	Name  string
	Limit int64 // -1: none
	Used  int64
}

// An Answer is what was found out about a yes-or-no question, and how.
type Answer struct {
	Verdict Verdict
	How     string
}

// A Verdict is yes, no or unknown.
type Verdict string

const (
	Yes     Verdict = "yes"
	No      Verdict = "no"
	Unknown Verdict = "unknown"
)

// Check asks a VIM what it is like. It changes nothing on the VIM, unless probe
// is set: then it creates a public image without content and deletes it, to see
// whether the user may publish. Without probe that is told from the user's
// roles: by Glance's default policy, publicize_image takes the role admin.
func (c *Cloud) Check(ctx context.Context, probe bool) Check {
	check := Check{VIM: c.name, AuthURL: c.auth.IdentityEndpoint, Region: c.endpoint.Region}
	s, err := c.connect(ctx)
	if err != nil {
		check.Err = err
		return check
	}
	check.User, check.Project, check.Roles, check.Endpoint = s.user, s.project, s.roles, s.images.Endpoint
	check.Latency, check.Err = c.latency(ctx)
	if check.Err != nil {
		return check
	}
	tell := func(what string, err error) {
		if err != nil && !errors.Is(err, vim.ErrNotFound) {
			check.Problems = append(check.Problems, what+": "+err.Error())
		}
	}
	check.APIVersion, err = c.version(ctx)
	tell("api version", err)
	check.HashAlgorithm, err = c.hashAlgorithm(ctx)
	tell("hash algorithm", err)
	check.ImportTypes, err = c.importMethods(ctx)
	tell("import methods", err)
	check.Quotas, err = c.quotas(ctx)
	tell("quota", err)
	check.MayPublish = byRole(s.roles)
	if probe {
		check.MayPublish, err = c.tryPublishing(ctx)
		tell("publishing", err)
	}
	return check
}

func (c *Cloud) get(ctx context.Context, address func(*gophercloud.ServiceClient) string, into any, ok ...int) error {
	return c.call(ctx, func(ctx context.Context, client *gophercloud.ServiceClient) (*http.Response, error) {
		return client.Get(ctx, address(client), into, &gophercloud.RequestOpts{OkCodes: append(ok, http.StatusOK)})
	})
}

func resource(parts ...string) func(*gophercloud.ServiceClient) string {
	return func(client *gophercloud.ServiceClient) string { return client.ServiceURL(parts...) }
}

// latency times a small request that needs a token.
func (c *Cloud) latency(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	err := c.get(ctx, resource("images?limit=1"), &struct{}{})
	return time.Since(start), err
}

func (c *Cloud) version(ctx context.Context) (string, error) {
	var known struct {
		Versions []struct{ ID, Status string }
	}
	root := func(client *gophercloud.ServiceClient) string { return client.Endpoint }
	if err := c.get(ctx, root, &known, http.StatusMultipleChoices); err != nil {
		return "", err
	}
	for _, v := range known.Versions {
		if v.Status == "CURRENT" {
			return v.ID, nil
		}
	}
	return "", errors.New("none is current")
}

func (c *Cloud) hashAlgorithm(ctx context.Context) (string, error) {
	images, _, err := c.page(ctx, "status=active&sort=created_at:desc&limit=25")
	for _, img := range images {
		if img.HashAlgorithm != nil && *img.HashAlgorithm != "" {
			return *img.HashAlgorithm, nil
		}
	}
	return "", err
}

func (c *Cloud) importMethods(ctx context.Context) ([]string, error) {
	var info struct {
		Methods struct{ Value []string } `json:"import-methods"`
	}
	err := c.get(ctx, resource("info", "import"), &info)
	return info.Methods.Value, err
}

// quotas are known where Glance keeps limits in Keystone (use_keystone_limits),
// since Image API 2.14.
func (c *Cloud) quotas(ctx context.Context) ([]Quota, error) {
	var info struct {
		Usage map[string]struct{ Limit, Usage int64 }
	}
	if err := c.get(ctx, resource("info", "usage"), &info); err != nil {
		return nil, err
	}
	var all []Quota
	for name, q := range info.Usage {
		all = append(all, Quota{Name: name, Limit: q.Limit, Used: q.Usage})
	}
	slices.SortFunc(all, func(a, b Quota) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func byRole(roles []string) Answer {
	if slices.Contains(roles, "admin") {
		return Answer{Yes, "the user has the role admin"}
	}
	return Answer{Unknown, "by default policy only the role admin may; the user has " + strings.Join(roles, ", ")}
}

// tryPublishing creates a public image and deletes it.
func (c *Cloud) tryPublishing(ctx context.Context) (Answer, error) {
	probe := vim.Record{
		ID: uuid.NewString(), Name: "gangway-check", Visibility: "public",
		DiskFormat: "raw", ContainerFormat: "bare",
	}
	_, err := c.Create(ctx, probe)
	var refused *vim.RefusedError
	if errors.As(err, &refused) && refused.By == vim.ByPolicy {
		return Answer{No, "policy " + refused.Rule + " refused a trial"}, nil
	}
	if err != nil {
		return Answer{Unknown, "a trial failed"}, err
	}
	return Answer{Yes, "a trial was allowed"}, c.Delete(context.WithoutCancel(ctx), probe.ID)
}
