package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// A setting is what the demo happens in.
type setting struct {
	bin, dir string   // of the programs, and of everything that is written
	env      []string // of the commands
	stdout   io.Writer

	origin   *origintest.Origin
	imageURL string // where the sample with an image by URL has it

	vims []string           // to launch on
	own  *glancetest.Server // nil on a user's cloud
	user *glance.Cloud      // nil on the demo's own
	// uploaded is what launches have left on the user's cloud.
	uploaded []launched
}

// open opens the setting that the environment asks for. The caller closes it.
func open(bin, dir string, stdout io.Writer) (*setting, error) {
	if name := os.Getenv("OS_CLOUD"); name != "" {
		return openUsers(name, bin, dir, stdout)
	}
	return openOwn(bin, dir, stdout)
}

// openOwn brings an OpenStack of two regions along, which hash images in
// different ways.
func openOwn(bin, dir string, stdout io.Writer) (*setting, error) {
	s, err := prepare(bin, dir, stdout, "OS_")
	if err != nil {
		return nil, err
	}
	s.own, err = glancetest.Start(glancetest.Options{
		Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}},
	})
	if err != nil {
		s.origin.Close()
		return nil, err
	}
	s.vims = []string{glancetest.CloudName("", "RegionOne"), glancetest.CloudName("", "RegionTwo")}
	s.env = append(s.env, "OS_CLIENT_CONFIG_FILE="+s.cloudsFile())
	if err := os.WriteFile(s.cloudsFile(), s.own.CloudsYAML(), 0o600); err != nil {
		return nil, errors.Join(err, s.close(context.Background()))
	}
	return s, nil
}

// openUsers takes a cloud of the user's.
func openUsers(name, bin, dir string, stdout io.Writer) (*setting, error) {
	config, err := glance.Load()
	if err != nil {
		return nil, err
	}
	// The commands run in another folder.
	file, err := filepath.Abs(config.File)
	if err != nil {
		return nil, err
	}
	cloud, err := config.Open(name, glance.Options{})
	if err != nil {
		return nil, fmt.Errorf("OS_CLOUD: %w", err)
	}
	s, err := prepare(bin, dir, stdout)
	if err != nil {
		return nil, err
	}
	s.user, s.vims = cloud, []string{name}
	if config.File != "" {
		s.env = append(s.env, "OS_CLIENT_CONFIG_FILE="+file)
	}
	return s, nil
}

// prepare makes what all settings have, with a web server that runs. The
// commands' environment is ours without gangway's own variables and those that
// begin with one of the prefixes.
func prepare(bin, dir string, stdout io.Writer, without ...string) (*setting, error) {
	bin, binErr := filepath.Abs(bin)
	dir, dirErr := filepath.Abs(dir)
	image := onboardingtest.QCOW2(10<<20, 1<<30, 4)
	content, imageErr := io.ReadAll(image.Reader())
	if err := errors.Join(binErr, dirErr, imageErr); err != nil {
		return nil, err
	}
	s := &setting{bin: bin, dir: dir, stdout: stdout, origin: origintest.New()}
	s.imageURL = s.origin.Serve("/dns.qcow2", origintest.Plain(content))
	without = append(without, "GANGWAY_")
	s.env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return slices.ContainsFunc(without, func(prefix string) bool { return strings.HasPrefix(variable, prefix) })
	})
	s.env = append(s.env, "GANGWAY_HOME="+filepath.Join(dir, "home"))
	return s, nil
}

// cloudsFile is the clouds.yaml of the demo's own cloud.
func (s *setting) cloudsFile() string { return filepath.Join(s.dir, "clouds.yaml") }

// close ends what was opened, and takes back what was uploaded to a user's
// cloud, also after an interruption.
func (s *setting) close(ctx context.Context) error {
	s.origin.Close()
	if s.own != nil {
		s.own.Close()
		return nil
	}
	defer s.user.Close()
	return s.takeBack(ctx)
}

// takeBack deletes what the demo's launches have uploaded to the user's cloud.
func (s *setting) takeBack(ctx context.Context) error {
	if len(s.uploaded) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	s.say("The demo has left %d image(s) on %s, and deletes them again", len(s.uploaded), s.vims[0])
	var errs []error
	for _, img := range s.uploaded {
		if err := s.user.Delete(ctx, img.id); err != nil {
			errs = append(errs, fmt.Errorf("image %s (%s) stays on %s: %w", img.image, img.id, img.vim, err))
			continue
		}
		fmt.Fprintf(s.stdout, "deleted %s  %s\n", img.id, img.image)
	}
	return errors.Join(errs...)
}
