package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// service is a Glance as curl's user would speak to it.
type service struct {
	authURL string // Keystone's
	login   string // the body of a request for a token
	token   string
	images  string // URL of the images
}

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
	s := &service{
		authURL: strings.TrimSuffix(cloud.Auth.URL, "/"),
		login: fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}},
			"scope":{"project":{"name":%q,"domain":{"id":"default"}}}}}`, cloud.Auth.User, cloud.Auth.Password, cloud.Auth.Project),
	}
	var issued struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, Region, URL string }
			}
		}
	}
	header, err := s.do(ctx, http.MethodPost, s.authURL+"/auth/tokens", s.login, &issued)
	if err != nil {
		return nil, err
	}
	s.token = header.Get("X-Subject-Token")
	for _, entry := range issued.Token.Catalog {
		for _, endpoint := range entry.Endpoints {
			if entry.Type == "image" && endpoint.Interface == "public" && endpoint.Region == cloud.Region {
				s.images = strings.TrimSuffix(strings.TrimSuffix(endpoint.URL, "/"), "/v2") + "/v2/images"
				return s, nil
			}
		}
	}
	return nil, fmt.Errorf("cloud %s has no image service in region %q", name, cloud.Region)
}

// asUser is the beginning of shell scripts that speak to the service as a user
// of curl does.
const asUser = `
request() { curl --silent --show-error --fail --noproxy '*' "$@"; }
token=$(request -o /dev/null -D - -H 'Content-Type: application/json' -d "$LOGIN" "$AUTH/auth/tokens" |
	tr -d '\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p')
`

// script runs a shell script that begins with asUser.
func (s *service) script(ctx context.Context, text string, env ...string) (sample, error) {
	return command(ctx, append(env, "AUTH="+s.authURL, "LOGIN="+s.login, "IMAGES="+s.images), "sh", "-euc", text)
}

func (s *service) do(ctx context.Context, method, url, body string, answer any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Auth-Token", s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	if answer == nil {
		return resp.Header, nil
	}
	return resp.Header, json.NewDecoder(resp.Body).Decode(answer)
}

func (s *service) create(ctx context.Context, name string) (id string, err error) {
	var made struct{ ID string }
	_, err = s.do(ctx, http.MethodPost, s.images, fmt.Sprintf(`{"name":%q,"disk_format":"raw","container_format":"bare"}`, name), &made)
	return made.ID, err
}

func (s *service) deleteNamed(ctx context.Context, name string) error {
	var listed struct{ Images []struct{ ID string } }
	if _, err := s.do(ctx, http.MethodGet, s.images+"?name="+url.QueryEscape(name), "", &listed); err != nil {
		return err
	}
	for _, img := range listed.Images {
		if _, err := s.do(ctx, http.MethodDelete, s.images+"/"+img.ID, "", nil); err != nil {
			return err
		}
	}
	return nil
}
