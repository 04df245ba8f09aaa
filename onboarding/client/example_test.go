package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// An NFVO has a server onboard a package and, before it instantiates the VNF, asks
// for its image on the VIM that it has chosen. Either call may be repeated: what is
// there is not sent again.
func Example() {
	url, firewall, stop := exampleServer() // a server, and the file of a package
	defer stop()

	ctx := context.Background()
	c, err := client.New(client.Options{Server: url, Token: "nfvo-writer", UserAgent: "nfvo/1.0"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	report, err := c.Onboard(ctx, onboarding.FileSource(firewall), onboarding.Options{})
	if pending, ok := errors.AsType[*client.PendingError](err); ok {
		log.Fatalf("ask for job %s later", pending.Job)
	}
	if err != nil {
		log.Fatal(err)
	}
	if report.Status == onboarding.Rejected {
		for _, finding := range report.Findings {
			fmt.Println(finding)
		}
		return
	}
	fmt.Println(report.Package.Name, "is", report.Status)

	launched, err := c.Launch(ctx, operation.Launch{Package: report.Package.ID, VIMs: []string{"region-one"}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, vdu := range launched.VIMs[0].VDUs {
		fmt.Println(vdu.Name, "boots from", vdu.Image.Name+",", "which was", vdu.Image.Action)
	}

	// Output:
	// firewall is onboarded
	// vdu-1 boots from disk-firewall, which was uploaded
}

// exampleServer returns the URL of a server that knows a VIM, and a package.
func exampleServer() (url, firewall string, stop func()) {
	home, err := os.MkdirTemp("", "gangway-")
	if err != nil {
		log.Fatal(err)
	}
	cloud := glancetest.New(glancetest.Options{})
	clouds := filepath.Join(home, "clouds.yaml")
	firewall = filepath.Join(home, "firewall.tar")
	if err := errors.Join(os.WriteFile(clouds, cloud.CloudsYAML(), 0o600), os.WriteFile(firewall, archive("firewall", mib), 0o600),
		os.Setenv("OS_CLIENT_CONFIG_FILE", clouds)); err != nil {
		log.Fatal(err)
	}
	s, err := serve(home, setting{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	return s.URL, firewall, func() {
		err := s.Close()
		cloud.Close()
		if err := errors.Join(err, os.RemoveAll(home), os.Unsetenv("OS_CLIENT_CONFIG_FILE")); err != nil {
			log.Fatal(err)
		}
	}
}
