package onboarding_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/imagerepo/fsstore"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/tosca"
	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
)

// openRepository opens a repository in a folder, or makes one there. The caller
// closes it.
func openRepository(ctx context.Context, home string) (*onboarding.Pipeline, func() error, error) {
	names, err := catalog.Open(ctx, filepath.Join(home, "gangway.db"))
	if err != nil {
		return nil, nil, err
	}
	files, err := fsstore.Open(filepath.Join(home, "images"))
	if err != nil {
		return nil, nil, errors.Join(err, names.Close())
	}
	client, err := fetch.New(fetch.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, files.Close(), names.Close())
	}
	pipeline := &onboarding.Pipeline{Repository: imagerepo.New(names, files, slog.Default()), Fetch: client}
	return pipeline, func() error { client.Close(); return errors.Join(files.Close(), names.Close()) }, nil
}

// An NFVO in Go uses the pipeline as a library: it takes a package in and, before
// it instantiates one of its VNFs, asks for the images of the VDUs on the VIM that
// it has chosen. What is missing there is uploaded, once, however many NFVOs ask.
func ExamplePipeline_Launch() {
	cloud, firewall := exampleSetting() // a VIM, and the file of a package
	defer cloud.Close()

	ctx := context.Background()
	home, err := os.MkdirTemp("", "nfvo-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	pipeline, closeRepository, err := openRepository(ctx, home)
	if err != nil {
		log.Fatal(err)
	}
	defer closeRepository()
	report, err := pipeline.Onboard(ctx, onboarding.FileSource(firewall), onboarding.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("package", report.Status)

	// The VIMs of clouds.yaml stay open, so that a launch needs no new token.
	vims, err := glance.NewPool(glance.Options{}, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	defer vims.Close()
	region, err := vims.Open("region-one")
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		launched, err := pipeline.Launch(ctx, onboarding.LaunchRequest{Package: report.Package.ID, VIMs: []vim.Cloud{region}})
		if err != nil {
			log.Fatal(err)
		}
		for _, vdu := range launched.VIMs[0].VDUs {
			// vdu.Image.ID is what the server boots from.
			fmt.Println(vdu.Name, "boots", vdu.Image.Name, vdu.Image.Action)
		}
	}

	// An NFVO that keeps its packages itself names what its VDUs may boot from.
	launched, err := pipeline.Launch(ctx, onboarding.LaunchRequest{VIMs: []vim.Cloud{region}, VDUs: []tosca.VDU{
		{Name: "probe", Images: []string{"probe-image", "firewall-image"}}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(launched.VIMs[0].VDUs[0].Name, "boots", launched.VIMs[0].VDUs[0].Image.Name)
	// Output:
	// package onboarded
	// vdu-1 boots firewall-image uploaded
	// vdu-1 boots firewall-image present
	// probe boots firewall-image
}
