package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// upload compares a launch that uploads one image with curl sending the same
// file to the same service.
func (b *bench) upload(ctx context.Context) error {
	home, pkg, raw := b.path("home"), b.path("upload.tar"), b.path("upload.img")
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	image := onboardingtest.Raw(b.size, 3)
	if err := onboardingtest.WriteFile(pkg, onboardingtest.Tar, onboardingtest.OpenBatonTar(spec("upload", image))); err != nil {
		return err
	}
	defer os.Remove(pkg)
	if _, err := b.onboarding(ctx, pkg); err != nil {
		return err
	}
	if err := writeImage(raw, image); err != nil {
		return err
	}
	defer os.Remove(raw)
	for _, algorithm := range []string{"sha256", "sha512"} {
		server := glancetest.New(glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne", HashAlgorithm: algorithm, NoChecksum: true}}})
		err := b.uploadTo(ctx, "in-process Glance, "+algorithm, home, raw, server.CloudsYAML(), "region-one", "≤ 1.05")
		server.Close()
		if err != nil {
			return err
		}
	}
	if path := os.Getenv("GANGWAY_TEST_CLOUDS"); path != "" {
		clouds, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return b.uploadTo(ctx, "real Glance", home, raw, clouds, "region-one", "≤ 1.05")
	}
	return nil
}

func writeImage(path string, image onboardingtest.Image) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, image.Reader())
	return err
}

func (b *bench) uploadTo(ctx context.Context, what, home, raw string, clouds []byte, name, goal string) error {
	file := b.path("clouds.yaml")
	if err := os.WriteFile(file, clouds, 0o600); err != nil {
		return err
	}
	service, err := connect(ctx, file, name)
	if err != nil {
		return err
	}
	launched := func() (sample, error) {
		s, err := command(ctx, []string{"OS_CLIENT_CONFIG_FILE=" + file}, b.gangway, "--home", home, "--quiet", "launch", "upload", "--vim", name)
		if err != nil {
			return s, err
		}
		return s, service.deleteNamed(ctx, "upload.img")
	}
	sent := func() (sample, error) {
		id, err := service.create(ctx, "curl.img")
		if err != nil {
			return sample{}, err
		}
		s, err := command(ctx, nil, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "-T", raw,
			"-H", "X-Auth-Token: "+service.token, "-H", "Content-Type: application/octet-stream", service.images+"/"+id+"/file")
		if err != nil {
			return s, err
		}
		return s, service.deleteNamed(ctx, "curl.img")
	}
	got, err := b.inTurn(sent, launched)
	if err != nil {
		return err
	}
	b.add("upload to a "+what, "curl -T", got[1], got[0], goal, "hashing in Glance")
	return nil
}

// service is a Glance as curl's user would speak to it.
type service struct{ token, images string }

// connect takes a token and the region's image endpoint from Keystone.
func connect(ctx context.Context, file, name string) (*service, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Clouds map[string]struct {
			Auth struct {
				URL      string `yaml:"auth_url"`
				User     string `yaml:"username"`
				Password string `yaml:"password"`
				Project  string `yaml:"project_name"`
			} `yaml:"auth"`
			Region string `yaml:"region_name"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	cloud := config.Clouds[name]
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"name":%q,"domain":{"id":"default"}}}}}`, cloud.Auth.User, cloud.Auth.Password, cloud.Auth.Project)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(cloud.Auth.URL, "/")+"/auth/tokens", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var issued struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, Region, URL string }
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&issued); err != nil {
		return nil, fmt.Errorf("%s: %w", resp.Status, err)
	}
	for _, entry := range issued.Token.Catalog {
		for _, endpoint := range entry.Endpoints {
			if entry.Type == "image" && endpoint.Interface == "public" && endpoint.Region == cloud.Region {
				base := strings.TrimSuffix(strings.TrimSuffix(endpoint.URL, "/"), "/v2")
				return &service{token: resp.Header.Get("X-Subject-Token"), images: base + "/v2/images"}, nil
			}
		}
	}
	return nil, fmt.Errorf("cloud %s has no image service in region %q: %s", name, cloud.Region, resp.Status)
}

func openCloud(file, name string) (*glance.Cloud, error) {
	if err := os.Setenv("OS_CLIENT_CONFIG_FILE", file); err != nil {
		return nil, err
	}
	config, err := glance.Load()
	if err != nil {
		return nil, err
	}
	return config.Open(name, glance.Options{})
}

func (s *service) do(ctx context.Context, method, url, body string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Auth-Token", s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

func (s *service) create(ctx context.Context, name string) (string, error) {
	var made struct{ ID string }
	err := s.do(ctx, http.MethodPost, s.images, fmt.Sprintf(`{"name":%q,"disk_format":"raw","container_format":"bare"}`, name), &made)
	return made.ID, err
}

func (s *service) deleteNamed(ctx context.Context, name string) error {
	var listed struct{ Images []struct{ ID string } }
	if err := s.do(ctx, http.MethodGet, s.images+"?name="+name, "", &listed); err != nil {
		return err
	}
	for _, img := range listed.Images {
		if err := s.do(ctx, http.MethodDelete, s.images+"/"+img.ID, "", nil); err != nil {
			return err
		}
	}
	return nil
}

// resolve measures a launch of many VDUs with nothing missing.
func (b *bench) resolve(ctx context.Context) error {
	const vdus = 1000
	server := glancetest.New(glancetest.Options{})
	defer server.Close()
	var wants []vim.Want
	for i := range vdus {
		name := fmt.Sprintf("image-%d", i)
		server.Glance("").Put(glancetest.Image{Name: name, Status: "active", Visibility: "public"})
		wants = append(wants, vim.Want{VDU: fmt.Sprintf("vdu-%d", i), Alternatives: []vim.Alternative{{Ref: name}}})
	}
	file := b.path("clouds.yaml")
	if err := os.WriteFile(file, server.CloudsYAML(), 0o600); err != nil {
		return err
	}
	cloud, err := openCloud(file, "region-one")
	if err != nil {
		return err
	}
	defer cloud.Close()
	if _, err := cloud.Project(ctx); err != nil {
		return err
	}
	before := server.Stats().Requests[glancetest.List]
	got, err := b.inTurn(func() (sample, error) {
		start := time.Now()
		_, err := vim.Launch(ctx, []vim.Cloud{cloud}, wants, vim.Options{})
		return sample{wall: time.Since(start)}, err
	})
	if err != nil {
		return err
	}
	calls := float64(server.Stats().Requests[glancetest.List]-before) / float64(b.runs+1)
	b.rows = append(b.rows, row{what: fmt.Sprintf("resolve %d VDUs, nothing missing", vdus), ours: fmt.Sprintf("%.0f ms", got[0].wall.Seconds()*1000),
		yardstick: "list calls", theirs: fmt.Sprintf("%.0f", calls), bound: "reading Glance's list"})
	return nil
}
