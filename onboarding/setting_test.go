package onboarding_test

import (
	"log"
	"os"
	"path/filepath"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// setting is what examples work with.
type setting struct {
	cloud  *glancetest.Server
	folder string
	before string // of OS_CLIENT_CONFIG_FILE
}

// exampleSetting starts a VIM that clouds.yaml names region-one, and writes a
// package with an image. The caller closes it.
func exampleSetting() (s *setting, pkg string) {
	s = &setting{cloud: glancetest.New(glancetest.Options{}), before: os.Getenv("OS_CLIENT_CONFIG_FILE")}
	var err error
	if s.folder, err = os.MkdirTemp("", "setting-"); err != nil {
		log.Fatal(err)
	}
	clouds := filepath.Join(s.folder, "clouds.yaml")
	if err := os.WriteFile(clouds, s.cloud.CloudsYAML(), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Setenv("OS_CLIENT_CONFIG_FILE", clouds); err != nil {
		log.Fatal(err)
	}
	pkg = filepath.Join(s.folder, "firewall.tar")
	if err := onboardingtest.WriteFile(pkg, onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "firewall",
		Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("firewall-image", diskImage(1))}})); err != nil {
		log.Fatal(err)
	}
	return s, pkg
}

// Close ends the VIM and removes the package.
func (s *setting) Close() {
	s.cloud.Close()
	_ = os.Setenv("OS_CLIENT_CONFIG_FILE", s.before)
	_ = os.RemoveAll(s.folder)
}
