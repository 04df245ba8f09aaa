package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// onboard compares taking a large image in with copying and hashing it.
func (b *bench) onboard(ctx context.Context) error {
	tar, zip, deflated := b.path("stored.tar"), b.path("stored.zip"), b.path("deflated.zip")
	image := onboardingtest.Raw(b.size, 1)
	text := onboardingtest.Raw(b.size, 2).Compressible()
	for _, made := range []struct {
		path      string
		container onboardingtest.Container
		members   []onboardingtest.Member
	}{
		{tar, onboardingtest.Tar, onboardingtest.OpenBatonTar(spec("tar", image))},
		{zip, onboardingtest.Zip, onboardingtest.SOL004(spec("zip", image))},
		{deflated, onboardingtest.ZipDeflated, onboardingtest.SOL004(spec("deflated", text))},
	} {
		if err := onboardingtest.WriteFile(made.path, made.container, made.members); err != nil {
			return err
		}
		defer os.Remove(made.path)
	}
	copied := func() (sample, error) {
		defer os.Remove(b.path("copy"))
		return command(ctx, nil, "sh", "-c", `cp "$1" "$2" && sync "$2"`, "sh", tar, b.path("copy"))
	}
	hashed := func() (sample, error) { return command(ctx, nil, "openssl", "dgst", "-sha256", tar) }
	unzipped := func() (sample, error) {
		defer os.Remove(b.path("copy"))
		return command(ctx, nil, "sh", "-c", `unzip -p "$1" 'Files/*' > "$2" && sync "$2"`, "sh", deflated, b.path("copy"))
	}
	// A package is taken in by an empty repository, and then once more.
	twice := func(path string) step {
		return func() ([]sample, error) {
			if err := os.RemoveAll(b.path("home")); err != nil {
				return nil, err
			}
			first, err := b.onboarding(ctx, path)
			if err != nil {
				return nil, err
			}
			again, err := b.onboarding(ctx, path)
			return []sample{first, again}, err
		}
	}
	got, err := b.inTurn(b.runs, one(copied), one(hashed), twice(tar), twice(zip), one(unzipped), twice(deflated))
	if err != nil {
		return err
	}
	slower, yardstick := got[0], "cp + sync"
	if got[1].median() > slower.median() {
		slower, yardstick = got[1], "openssl dgst -sha256"
	}
	b.add("onboard a tar, image of "+size(b.size), yardstick, got[2], slower, "≤ 1.3", "writing to the medium")
	b.add("onboard a zip, stored", yardstick, got[4], slower, "≤ 1.3", "writing to the medium")
	b.add("onboard a zip, deflated", "unzip -p + sync", got[7], got[6], "≤ 0.8", "inflating, then writing")
	b.add("onboard the tar again", "the first time", got[3], got[2], "≤ 0.6", "reading both copies")
	b.add("onboard the zip again", "the first time", got[5], got[4], "≤ 0.6", "reading both copies")
	b.add("onboard the deflated zip again", "the first time", got[8], got[7], "≤ 0.6", "hashing what is stored")
	return nil
}

func spec(name string, image onboardingtest.Image) onboardingtest.Spec {
	return onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{onboardingtest.Embed(name+".img", image)}}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) onboarding(ctx context.Context, path string) (sample, error) {
	return command(ctx, nil, b.gangway, "--home", b.path("home"), "--quiet", "onboard", path)
}

// validate counts small packages a second.
func (b *bench) validate(ctx context.Context) error {
	folder := b.packages
	if folder == "" {
		folder = b.path("packages")
		if _, err := packages(folder, 400, 64<<10); err != nil {
			return err
		}
	}
	accepted, err := b.accepted(ctx, folder)
	if err != nil {
		return err
	}
	got, err := b.inTurn(b.runs, one(func() (sample, error) {
		return command(ctx, nil, b.gangway, append([]string{"--quiet", "validate"}, accepted...)...)
	}))
	if err != nil {
		return err
	}
	rate := float64(len(accepted)) / got[0].median().Seconds()
	rss, written := got[0].peaks()
	b.rows = append(b.rows, row{what: fmt.Sprintf("validate %d accepted packages", len(accepted)), ours: fmt.Sprintf("%.0f a second", rate),
		ratio: fmt.Sprintf("%.2f", 500/rate), yardstick: "500 a second", goal: "≤ 1",
		rss: size(rss), written: size(written), bound: "parsing YAML"})
	return nil
}

// accepted returns the packages of a folder that gangway accepts.
func (b *bench) accepted(ctx context.Context, folder string) ([]string, error) {
	s, err := command(ctx, nil, b.gangway, "--quiet", "validate", "--keep-going", "-o", "json", folder)
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) { // 1: some are refused
		return nil, err
	}
	var sources []string
	for line := range strings.Lines(s.stdout) {
		var report struct{ Source, Status string }
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			return nil, fmt.Errorf("report of validate: %w", err)
		}
		if report.Status == "valid" {
			sources = append(sources, report.Source)
		}
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("folder %s: no package is accepted", folder)
	}
	return sources, nil
}
