package vnfpkg_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// described returns a package of a name whose descriptor has an ID.
func described(container onboardingtest.Container, name, id string) []byte {
	image := onboardingtest.Embed(name+"-image", onboardingtest.QCOW2(64<<10, 1<<30, uint64(len(name))))
	members := onboardingtest.SOL004(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{image}})
	meta := "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: Acme\nEntry-Definitions: vnfd.yaml\n"
	vnfd := fmt.Sprintf(`tosca_definitions_version: tosca_simple_yaml_1_3
topology_template:
  node_templates:
    VNF:
      type: tosca.nodes.nfv.VNF
      properties: {descriptor_id: %q, descriptor_version: "1.0", software_version: "1.0", provider: Acme, product_name: %s, flavour_id: simple, flavour_description: one, vnfm_info: [any]}
    vdu_1:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: vdu_1
        description: a machine
        vdu_profile: {min_number_of_instances: 1, max_number_of_instances: 1}
        sw_image_data: {name: %s-image, version: "1.0", container_format: bare, disk_format: qcow2, min_disk: 1 GiB, size: 64 KiB}
      artifacts:
        sw_image: {type: tosca.artifacts.nfv.SwImage, file: Files/images/%[3]s-image}
`, id, name, name)
	kept := slices.DeleteFunc(members, func(m onboardingtest.Member) bool { return !strings.HasPrefix(m.Path, "Files/") })
	return onboardingtest.Bytes(container, append([]onboardingtest.Member{
		onboardingtest.Text("TOSCA-Metadata/TOSCA.meta", meta), onboardingtest.Text("vnfd.yaml", vnfd)}, kept...))
}

func TestADescriptorIDIsOnboardedOnce(t *testing.T) {
	unique := vnfpkg.NewResource{Unique: true}
	for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.Zip} {
		s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
		first := s.onboard(t, unique, described(container, "one", "vnfd-1"))
		_, second := s.finish(t, s.receive(t, unique, described(container, "second", "vnfd-1")))
		wantState(t, second, vnfpkg.Error)
		if f := second.Failure.Findings; len(f) == 0 || f[len(f)-1].Code != onboarding.CodePackageExists || f[len(f)-1].Found != first.ID ||
			!strings.Contains(second.Failure.Detail, "vnfd-1") {
			t.Errorf("failure %+v", second.Failure)
		}
		if packages := list(t, s, vnfpkg.Filter{Project: project}); len(packages) != 2 {
			t.Errorf("got %d packages, want the first and what became of the second", len(packages))
		}
		if _, err := s.Pipeline.Repository.Find(t.Context(), project, "second-image"); err == nil {
			t.Error("the image of the refused package is left")
		}
		s.wantArchives(t, first.ID)
		s.wantTidy(t)

		s.onboard(t, unique, described(container, "other", "vnfd-2"))
		s.onboard(t, vnfpkg.NewResource{}, described(container, "twofold", "vnfd-1")) // not by who does not ask for it
		for _, r := range list(t, s, vnfpkg.Filter{Project: project}) {
			if model, err := r.Model(); err != nil || model != nil && model.DescriptorID != "vnfd-1" {
				continue
			}
			if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		s.onboard(t, unique, described(container, "second", "vnfd-1"))
	}
}

func TestADescriptorIDOfAPackageThatCameByTheCommandLineIsTaken(t *testing.T) {
	s := newServer(t, options{})
	s.byCommand(t, project, "one")
	model, err := list(t, s, vnfpkg.Filter{Project: project})[0].Model()
	if err != nil {
		t.Fatal(err)
	}
	_, r := s.finish(t, s.receive(t, vnfpkg.NewResource{Unique: true}, described(onboardingtest.Zip, "second", model.DescriptorID)))
	wantState(t, r, vnfpkg.Error)
	s.wantTidy(t)
}

func TestOfConcurrentPackagesWithOneDescriptorIDExactlyOneIsOnboarded(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Onboardings: 4}})
	var all sync.WaitGroup
	states := make([]vnfpkg.State, 6)
	for i := range states {
		receipt := s.receive(t, vnfpkg.NewResource{Unique: true}, described(onboardingtest.Zip, strings.Repeat("x", i+1), "vnfd-1"))
		all.Go(func() {
			if _, err := s.queue.Wait(t.Context(), receipt.Job.ID); err != nil {
				t.Error(err)
				return
			}
			r, err := s.Get(t.Context(), project, receipt.Resource.ID)
			if err != nil {
				t.Error(err)
			}
			states[i] = r.State
		})
	}
	all.Wait()
	slices.Sort(states)
	want := append(slices.Repeat([]vnfpkg.State{vnfpkg.Error}, len(states)-1), vnfpkg.Onboarded)
	if !slices.Equal(states, want) {
		t.Errorf("got %v, want %v", states, want)
	}
	s.wantTidy(t)
}
