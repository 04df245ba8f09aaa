package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

const (
	hookRate  = 50 // requests a second
	hookTime  = 30 * time.Second
	hookDelay = 5 * time.Millisecond // of every answer of the VIM
	hookGoal  = 50 * time.Millisecond
)

// hook measures the launch hook of a server, with nothing missing on a VIM that
// answers in 5 ms and has fifty images of others. Requests come at their
// times, whether those before are answered or not, and their latency counts from
// there.
func (b *bench) hook(ctx context.Context) error {
	cloud := glancetest.New(glancetest.Options{})
	defer cloud.Close()
	for i := range 50 {
		cloud.Glance("").Put(glancetest.Image{Name: fmt.Sprintf("other-%d", i), Status: "active", Visibility: "public", DiskFormat: "qcow2",
			ContainerFormat: "bare", Size: int64(i) << 20, HashAlgo: "sha512", HashValue: strings.Repeat("ab", 64)})
	}
	cloud.Inject(glancetest.Fault{Times: -1, Delay: hookDelay})
	clouds := filepath.Join(b.dir, "hook-clouds.yaml")
	if err := os.WriteFile(clouds, cloud.CloudsYAML(), 0o600); err != nil {
		return err
	}
	pkg := filepath.Join(b.dir, "hook.tar")
	if err := onboardingtest.WriteFile(pkg, onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: "hook", Images: []onboardingtest.SoftwareImage{
		onboardingtest.Embed("hook-image", onboardingtest.QCOW2(4<<20, 8<<20, 1))}})); err != nil {
		return err
	}
	home := filepath.Join(b.dir, "hook-home")
	if _, err := command(ctx, nil, b.gangway, "onboard", pkg, "--home", home, "--quiet"); err != nil {
		return err
	}
	server, err := b.serve(ctx, home, []string{"OS_CLIENT_CONFIG_FILE=" + clouds})
	if err != nil {
		return err
	}
	defer server.stop()
	const request = `{"package": "hook", "vims": ["region-one"]}`
	launch := func(int) error {
		return server.do(ctx, http.MethodPost, "/api/v1/launches", "application/json", strings.NewReader(request), int64(len(request)), nil)
	}
	if err := launch(0); err != nil { // which uploads
		return err
	}
	took, err := atRate(ctx, hookRate, func(i int) bool { return i < int(hookTime.Seconds())*hookRate }, launch)
	if err != nil {
		return err
	}
	p50, p99 := quantiles(took)
	b.rows = append(b.rows, row{
		what: fmt.Sprintf("launch hook, nothing missing, %d requests at %d/s: p99 (p50 %s)", len(took), hookRate, duration(p50)),
		ours: duration(p99), yardstick: "limit", theirs: duration(hookGoal), ratio: fmt.Sprintf("%.2f", p99.Seconds()/hookGoal.Seconds()), goal: "≤ 1",
		rss: size(server.sample(0).rss), bound: "the VIM's list (5 ms and its images), two durable writes of the job"})
	return nil
}
