package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// writeSamples writes one package of each kind, numbered in the order in which
// they make sense: the last one takes the name of the first one's image.
func writeSamples(dir, imageURL string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	const mib = 1 << 20
	image := func(name string, content onboardingtest.Image) onboardingtest.Spec {
		sw := onboardingtest.Embed(name+".qcow2", content)
		sw.MinDisk, sw.MinRAM, sw.MinCPU = 1, 512, 1
		return onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{sw}}
	}
	linked := onboardingtest.Link("dns.qcow2", imageURL)
	linked.MinDisk, linked.MinRAM, linked.MinCPU = 1, 512, 1
	clash := image("firewall", onboardingtest.QCOW2(8*mib, 1<<30, 9))
	clash.Name = "name-taken" // the package's, not the image's
	for _, sample := range []struct {
		file      string
		container onboardingtest.Container
		members   []onboardingtest.Member
	}{
		{"1-vnf-package.tar", onboardingtest.Tar,
			onboardingtest.OpenBatonTar(image("firewall", onboardingtest.QCOW2(16*mib, 1<<30, 1)))},
		{"2-openbaton.csar", onboardingtest.ZipDeflated,
			onboardingtest.OpenBatonCSAR(image("router", onboardingtest.QCOW2(12*mib, 1<<30, 2).Compressible()))},
		{"3-etsi-sol004.csar", onboardingtest.Zip,
			onboardingtest.SOL004(image("probe", onboardingtest.QCOW2(20*mib, 1<<30, 3)))},
		{"4-image-by-url.tar", onboardingtest.TarGzip,
			onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "dns", Images: []onboardingtest.SoftwareImage{linked}})},
		{"5-name-taken.tar", onboardingtest.Tar, onboardingtest.OpenBatonTar(clash)},
	} {
		err := onboardingtest.WriteFile(filepath.Join(dir, sample.file), sample.container, sample.members)
		if err != nil {
			return err
		}
	}
	return nil
}

// writeHostile writes every hostile package into the folder.
func writeHostile(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, h := range onboardingtest.HostilePackages() {
		err := writeNew(filepath.Join(dir, h.Name), func(w io.Writer) error {
			_, err := w.Write(h.Data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
