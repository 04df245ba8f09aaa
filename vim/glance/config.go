package glance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"gopkg.in/yaml.v3"
)

// EnvironmentCloud is the name of the VIM that the OS_* variables describe.
const EnvironmentCloud = "envvars"

// ErrUnknownVIM is wrapped by errors about a VIM that is not configured.
var ErrUnknownVIM = errors.New("vim is not configured")

// A Config knows the configured VIMs. It is read only and safe for concurrent
// use.
type Config struct {
	// File is the path of the clouds.yaml in use, empty if there is none.
	File string

	clouds      []byte // clouds.yaml
	secure      []byte // secure.yaml beside it
	names       []string
	environment []byte // the OS_* variables as a clouds.yaml
}

// Load reads clouds.yaml, and secure.yaml beside it, from OS_CLIENT_CONFIG_FILE
// if that is set, else from the first of ., $XDG_CONFIG_HOME/openstack
// (~/.config/openstack) and /etc/openstack that has one. If OS_AUTH_URL is set,
// the OS_* variables describe one more VIM, [EnvironmentCloud]. They change
// nothing about the others, as OpenStack's own clients have it.
//
// To have no VIM at all is no error; a file that cannot be read is.
func Load() (*Config, error) {
	c := &Config{}
	for _, path := range locations() {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && os.Getenv("OS_CLIENT_CONFIG_FILE") == "" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("clouds.yaml: %w", err)
		}
		c.File, c.clouds = path, b
		break
	}
	if c.File != "" {
		secure := filepath.Join(filepath.Dir(c.File), "secure.yaml")
		b, err := os.ReadFile(secure)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("secure.yaml: %w", err)
		}
		c.secure = b
	}
	var listed struct {
		Clouds map[string]yaml.Node `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(c.clouds, &listed); err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	for name := range listed.Clouds {
		c.names = append(c.names, name)
	}
	if os.Getenv("OS_AUTH_URL") != "" && !slices.Contains(c.names, EnvironmentCloud) {
		env, err := environment()
		if err != nil {
			return nil, err
		}
		c.environment = env
		c.names = append(c.names, EnvironmentCloud)
	}
	slices.Sort(c.names)
	return c, nil
}

// Names returns the names of the VIMs, sorted.
func (c *Config) Names() []string { return slices.Clone(c.names) }

// Open returns a VIM by name. It does not connect. The error wraps
// ErrUnknownVIM if there is no such VIM. The caller closes the Cloud.
func (c *Config) Open(name string, o Options) (*Cloud, error) {
	if !slices.Contains(c.names, name) {
		return nil, fmt.Errorf("vim %s: %w", name, ErrUnknownVIM)
	}
	// Region and interface are given, though empty: gophercloud would take them
	// from the environment then, for every cloud alike.
	opts := []clouds.ParseOption{clouds.WithCloudName(name), clouds.WithRegion(""), clouds.WithEndpointType("")}
	if name == EnvironmentCloud && c.environment != nil {
		opts = append(opts, clouds.WithCloudsYAML(bytes.NewReader(c.environment)))
	} else {
		opts = append(opts, clouds.WithCloudsYAML(bytes.NewReader(c.clouds)))
		if c.secure != nil {
			opts = append(opts, clouds.WithSecureYAML(bytes.NewReader(c.secure)))
		}
	}
	auth, endpoint, tls, err := clouds.Parse(opts...)
	if errors.Is(err, io.EOF) {
		err = errors.New("secure.yaml is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("vim %s: %w", name, err)
	}
	return newCloud(name, auth, endpoint, tls, o), nil
}

// locations lists where clouds.yaml may be.
func locations() []string {
	if path := os.Getenv("OS_CLIENT_CONFIG_FILE"); path != "" {
		return []string{path}
	}
	user := os.Getenv("XDG_CONFIG_HOME")
	if home, err := os.UserHomeDir(); user == "" && err == nil {
		user = filepath.Join(home, ".config")
	}
	return []string{"clouds.yaml", filepath.Join(user, "openstack", "clouds.yaml"), "/etc/openstack/clouds.yaml"}
}

// environment writes the OS_* variables as a clouds.yaml, so that they mean what
// the same keys mean there.
func environment() ([]byte, error) {
	first := func(names ...string) string {
		for _, name := range names {
			if v := os.Getenv(name); v != "" {
				return v
			}
		}
		return ""
	}
	cloud := clouds.Cloud{
		AuthInfo: &clouds.AuthInfo{
			AuthURL:                     first("OS_AUTH_URL"),
			Token:                       first("OS_TOKEN"),
			Username:                    first("OS_USERNAME"),
			UserID:                      first("OS_USER_ID", "OS_USERID"),
			Password:                    first("OS_PASSWORD"),
			ApplicationCredentialID:     first("OS_APPLICATION_CREDENTIAL_ID"),
			ApplicationCredentialName:   first("OS_APPLICATION_CREDENTIAL_NAME"),
			ApplicationCredentialSecret: first("OS_APPLICATION_CREDENTIAL_SECRET"),
			ProjectName:                 first("OS_PROJECT_NAME", "OS_TENANT_NAME"),
			ProjectID:                   first("OS_PROJECT_ID", "OS_TENANT_ID"),
			UserDomainName:              first("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_DEFAULT_DOMAIN"),
			UserDomainID:                first("OS_USER_DOMAIN_ID", "OS_DOMAIN_ID"),
			ProjectDomainName:           first("OS_PROJECT_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_DEFAULT_DOMAIN"),
			ProjectDomainID:             first("OS_PROJECT_DOMAIN_ID", "OS_DOMAIN_ID"),
		},
		RegionName:     first("OS_REGION_NAME"),
		Interface:      first("OS_INTERFACE", "OS_ENDPOINT_TYPE"),
		CACertFile:     first("OS_CACERT"),
		ClientCertFile: first("OS_CERT"),
		ClientKeyFile:  first("OS_KEY"),
	}
	// Keystone takes a domain by name or by ID, not both.
	if cloud.AuthInfo.UserDomainID != "" {
		cloud.AuthInfo.UserDomainName = ""
	}
	if cloud.AuthInfo.ProjectDomainID != "" {
		cloud.AuthInfo.ProjectDomainName = ""
	}
	if insecure, err := strconv.ParseBool(os.Getenv("OS_INSECURE")); err == nil {
		verify := !insecure
		cloud.Verify = &verify
	}
	return yaml.Marshal(clouds.Clouds{Clouds: map[string]clouds.Cloud{EnvironmentCloud: cloud}})
}
