package resttest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// Clouds starts an OpenStack, which the test closes, and makes its regions the VIMs
// of servers that are opened after it.
func Clouds(t testing.TB, o glancetest.Options) *glancetest.Server {
	t.Helper()
	cloud := glancetest.New(o)
	t.Cleanup(cloud.Close)
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	NoError(t, os.WriteFile(path, cloud.CloudsYAML(), 0o600))
	t.Setenv("OS_CLIENT_CONFIG_FILE", path)
	return cloud
}

// VIMs are those of clouds.yaml.
type VIMs struct{ *glance.Pool }

// Open implements [operation.VIMs].
func (v VIMs) Open(name string) (vim.Cloud, error) {
	cloud, err := v.Pool.Open(name)
	if err != nil {
		return nil, fmt.Errorf("vim %s: %w", name, operation.ErrUnknownVIM)
	}
	return cloud, nil
}

// Check implements [api.VIMs].
func (v VIMs) Check(ctx context.Context, name string, probe bool) (view.Check, error) {
	cloud, err := v.Open(name)
	if err != nil {
		return view.Check{}, err
	}
	found := cloud.(*glance.Cloud).Check(ctx, probe)
	return view.Check{VIM: name, Project: view.Project(found.Project), Roles: found.Roles,
		MayPublish: view.Answer{Verdict: string(found.MayPublish.Verdict), How: found.MayPublish.How}}, found.Err
}
