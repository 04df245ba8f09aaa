package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// resolve measures the launch of a package of many VDUs, none of whose images is
// missing on the VIM. The images fill a page of Glance's list, which names a next
// one then, though that is empty.
func (b *bench) resolve(ctx context.Context) error {
	const vdus = 1000
	server := glancetest.New(glancetest.Options{})
	defer server.Close()
	spec := onboardingtest.Spec{Name: "resolve"}
	for i := range vdus {
		name := fmt.Sprintf("image-%d", i)
		server.Glance("").Put(glancetest.Image{Name: name, Status: "active", Visibility: "public"})
		spec.Images = append(spec.Images, onboardingtest.SoftwareImage{Name: name})
	}
	// The VDUs name their images, and the package's metadata brings none.
	members := onboardingtest.OpenBatonTar(spec)
	members[0] = onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "resolve"})[0]
	pkg, file := b.path("resolve.tar"), b.path("clouds.yaml")
	if err := os.RemoveAll(b.path("home")); err != nil {
		return err
	}
	if err := onboardingtest.WriteFile(pkg, onboardingtest.Tar, members); err != nil {
		return err
	}
	defer os.Remove(pkg)
	if _, err := b.onboarding(ctx, pkg); err != nil {
		return err
	}
	if err := os.WriteFile(file, server.CloudsYAML(), 0o600); err != nil {
		return err
	}
	glance, err := connect(ctx, file, "region-one")
	if err != nil {
		return err
	}
	lists := 0
	launch := func() (sample, error) {
		before := server.Stats().Requests[glancetest.List]
		s, err := command(ctx, []string{"OS_CLIENT_CONFIG_FILE=" + file}, b.gangway, "--home", b.path("home"), "--quiet",
			"launch", "resolve", "--vim", "region-one")
		lists = server.Stats().Requests[glancetest.List] - before
		return s, err
	}
	listed := func() (sample, error) { return glance.script(ctx, listByHand) }
	got, err := b.inTurn(b.runs, one(launch), one(listed))
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("launch %d VDUs, nothing missing", vdus), "curl: token, list", got[0], got[1], "",
		fmt.Sprintf("Glance's list, asked for %d times", lists))
	return nil
}

// listByHand gets all pages of Glance's list.
const listByHand = asUser + `
query='?limit=1000'
while [ -n "$query" ]; do
	page=$(request -H "X-Auth-Token: $token" "$IMAGES$query")
	query=$(echo "$page" | sed -n 's/.*"next": *"[^"?]*\(?[^"]*\)".*/\1/p' | sed 's/\\u0026/\&/g')
done
`
