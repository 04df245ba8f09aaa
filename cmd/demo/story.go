package main

import (
	"context"
	"fmt"
	"slices"
)

// A sample is a package that mkcsar writes, with its image.
type sample struct{ file, pkg, image string }

// samples are those that are accepted. It is never written to.
var samples = []sample{
	{"samples/1-vnf-package.tar", "firewall", "firewall.qcow2"},
	{"samples/2-openbaton.csar", "router", "router.qcow2"},
	{"samples/3-etsi-sol004.csar", "probe", "probe.qcow2"},
	{"samples/4-image-by-url.tar", "dns", "dns.qcow2"},
}

// tell shows the main job from packages to images on clouds. It stops at the
// first command that does not do what it should.
func (s *setting) tell(ctx context.Context) error {
	cloud := "the cloud " + s.vims[0]
	if s.own != nil {
		cloud = "an OpenStack of two regions, " + s.own.AuthURL
	}
	fmt.Fprintf(s.stdout, "Everything happens in %s, with %s.\n", s.dir, cloud)
	for _, part := range []func(context.Context) error{
		s.build, s.onboard, s.refuse, s.list, s.plan, s.launch, s.again, s.prove,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	s.say("All of it went as it should.")
	return nil
}

func (s *setting) build(ctx context.Context) error {
	s.say("Sample packages: one of each kind, and one with a name that will be taken")
	r, err := s.run(ctx, "mkcsar", "-image-url", s.imageURL, "samples")
	if err != nil {
		return err
	}
	return r.expect(0)
}

func (s *setting) onboard(ctx context.Context) error {
	s.say("Packages come in with their images. A URL may lead to this machine only if it is said so.")
	args := []string{"onboard", "--allow-source", "127.0.0.1"}
	for _, sample := range samples {
		args = append(args, sample.file)
	}
	r, err := s.run(ctx, "gangway", args...)
	if err != nil {
		return err
	}
	var texts []string
	for _, sample := range samples {
		texts = append(texts, "gangway/"+sample.pkg+" 1.0")
	}
	return r.expect(0, texts...)
}

func (s *setting) refuse(ctx context.Context) error {
	s.say("Other bytes under a name that is taken: the package is refused, and leaves nothing behind")
	r, err := s.run(ctx, "gangway", "onboard", "samples/5-name-taken.tar")
	if err != nil {
		return err
	}
	return r.expect(1, "rejected", "[image-name-taken]")
}

func (s *setting) list(ctx context.Context) error {
	s.say("What the repository has")
	images, err := s.run(ctx, "gangway", "images", "list")
	if err != nil {
		return err
	}
	packages, err := s.run(ctx, "gangway", "packages", "list")
	if err != nil {
		return err
	}
	for _, sample := range samples {
		if err := images.expect(0, sample.image); err != nil {
			return err
		}
		if err := packages.expect(0, sample.pkg); err != nil {
			return err
		}
	}
	return nil
}

func (s *setting) plan(ctx context.Context) error {
	s.say("What a launch would do")
	return s.launchOne(ctx, samples[0].pkg, []string{"planned"}, "--dry-run")
}

func (s *setting) launch(ctx context.Context) error {
	s.say("Launch: each VIM gets the images that it lacks")
	for _, sample := range samples {
		if err := s.launchOne(ctx, sample.pkg, []string{"uploaded"}); err != nil {
			return err
		}
	}
	return nil
}

func (s *setting) again(ctx context.Context) error {
	s.say("Launch again: nothing is left to do")
	for _, sample := range samples {
		if err := s.launchOne(ctx, sample.pkg, nil); err != nil {
			return err
		}
	}
	return nil
}

// launchOne launches a package on all VIMs and expects its image to be there
// afterwards, by one of the actions. On a user's cloud it may have been there
// before.
func (s *setting) launchOne(ctx context.Context, pkg string, actions []string, flags ...string) error {
	args := []string{"launch", pkg}
	for _, vim := range s.vims {
		args = append(args, "--vim", vim)
	}
	r, err := s.run(ctx, "gangway", append(args, flags...)...)
	lines := r.launched(s.vims)
	for _, l := range lines {
		if l.action == "uploaded" && s.user != nil {
			s.uploaded = append(s.uploaded, l)
		}
	}
	if err != nil {
		return err
	}
	if s.user != nil || actions == nil {
		actions = append(actions, "present")
	}
	if len(lines) != len(s.vims) {
		return fmt.Errorf("%s: told of %d VDUs instead of %d", r.command, len(lines), len(s.vims))
	}
	for _, l := range lines {
		if !slices.Contains(actions, l.action) {
			return fmt.Errorf("%s: image %s is %s on %s", r.command, l.image, l.action, l.vim)
		}
		if !l.verified && (l.action == "uploaded" || l.action == "present" && s.own != nil) {
			return fmt.Errorf("%s: image %s is not verified on %s", r.command, l.image, l.vim)
		}
	}
	return r.expect(0)
}

// prove has the repository checked, and counts what arrived on the VIMs where
// the demo can see it.
func (s *setting) prove(ctx context.Context) error {
	s.say("Database, files and digests agree")
	r, err := s.run(ctx, "gangway", "doctor")
	if err != nil {
		return err
	}
	if err := r.expect(0, fmt.Sprintf("%d image(s)", len(samples)), " 0 problem(s)"); err != nil || s.own == nil {
		return err
	}
	got := s.own.Stats()
	s.say("The VIMs have received %d bytes in %d uploads: every image once a VIM.", got.BytesReceived, got.UploadsFinished)
	if want := len(samples) * len(s.vims); got.UploadsStarted != want || got.UploadsFinished != want {
		return fmt.Errorf("%d uploads began and %d ended well, instead of %d", got.UploadsStarted, got.UploadsFinished, want)
	}
	return nil
}
