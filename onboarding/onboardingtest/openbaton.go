package onboardingtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// OpenBatonTar returns the members of an Open Baton VNF package: Metadata.yaml
// with an images: section, vnfd.json, a script, and the embedded images under
// images/, last of all.
func OpenBatonTar(spec Spec) []Member {
	spec = spec.withDefaults()
	members := []Member{
		Text("Metadata.yaml", spec.metadata()),
		Text("vnfd.json", spec.vnfdJSON()),
		Text("scripts/install.sh", "#!/bin/sh\nexit 0\n"),
	}
	return append(members, spec.imageMembers("images/")...)
}

// OpenBatonCSAR returns the members of an Open Baton CSAR: TOSCA-Metadata with
// TOSCA.meta and Metadata.yaml, a template in the vocabulary of TOSCA NFV 1.0,
// a script, and the embedded images under images/, last of all.
func OpenBatonCSAR(spec Spec) []Member {
	spec = spec.withDefaults()
	entry := "Definitions/" + spec.Name + ".yaml"
	members := []Member{
		Text("TOSCA-Metadata/TOSCA.meta", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: gangway\nEntry-Definitions: "+entry+"\n"),
		Text("TOSCA-Metadata/Metadata.yaml", spec.metadata()),
		Text(entry, spec.nfv10Template()),
		Text("Scripts/install.sh", "#!/bin/sh\nexit 0\n"),
	}
	return append(members, spec.imageMembers("images/")...)
}

func (s Spec) imageMembers(folder string) []Member {
	var members []Member
	for _, image := range s.Images {
		if image.Content != nil {
			members = append(members, File(folder+image.Name, *image.Content))
		}
	}
	return members
}

// metadata returns Metadata.yaml.
func (s Spec) metadata() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\ndescription: A package made by gangway\nprovider: %s\nversion: %q\nnfvo_version: 6.0.0\nvim_types:\n  - openstack\n",
		s.Name, s.Vendor, s.Version)
	if len(s.Images) == 0 {
		b.WriteString("image:\n  upload: false\n  names:\n    - cirros\n")
		return b.String()
	}
	b.WriteString("images:\n")
	for _, image := range s.Images {
		fmt.Fprintf(&b, "  %s:\n", image.Name)
		if image.URL != "" {
			fmt.Fprintf(&b, "    url: %s\n", image.URL)
		}
		fmt.Fprintf(&b, "    diskFormat: %s\n    containerFormat: %s\n    minCPU: %d\n    minDisk: %d\n    minRam: %d\n    isPublic: %t\n",
			image.DiskFormat, image.ContainerFormat, image.MinCPU, image.MinDisk, image.MinRAM, image.Public)
	}
	return b.String()
}

// vnfdJSON returns the VNFD in Open Baton's JSON form.
func (s Spec) vnfdJSON() string {
	type vdu struct {
		Name            string   `json:"name"`
		VMImage         []string `json:"vm_image,omitempty"`
		ScaleInOut      int      `json:"scale_in_out"`
		VIMInstanceName []string `json:"vimInstanceName"`
		VNFC            []any    `json:"vnfc"`
	}
	network := map[string]any{"connection_point": []any{map[string]string{"virtual_link_reference": "private"}}}
	vdus := []vdu{}
	for i, image := range s.Images {
		vdus = append(vdus, vdu{fmt.Sprintf("vdu-%d", i+1), []string{image.Name}, 1, []string{}, []any{network}})
	}
	if len(vdus) == 0 {
		vdus = append(vdus, vdu{"vdu-1", nil, 1, []string{}, []any{network}})
	}
	document, err := json.MarshalIndent(map[string]any{
		"name":            s.Name,
		"vendor":          s.Vendor,
		"version":         s.Version,
		"type":            s.Name,
		"endpoint":        "generic",
		"lifecycle_event": []any{map[string]any{"event": "INSTANTIATE", "lifecycle_events": []string{"install.sh"}}},
		"virtual_link":    []any{map[string]string{"name": "private"}},
		"deployment_flavour": []any{
			map[string]string{"flavour_key": "m1.small"},
		},
		"vdu": vdus,
	}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("encoding a VNFD that is made of strings: %v", err))
	}
	return string(document) + "\n"
}

// nfv10Template returns a VNFD template of TOSCA NFV 1.0 as Open Baton reads it.
func (s Spec) nfv10Template() string {
	var b strings.Builder
	fmt.Fprintf(&b, `tosca_definitions_version: tosca_simple_profile_for_nfv_1_0
description: A package made by gangway
metadata:
  ID: %[1]s
  vendor: %[2]s
  version: %[3]q
topology_template:
  substitution_mappings:
    node_type: openbaton.type.VNF
    type: %[1]s
    deploymentFlavour:
      - flavour_key: m1.small
    endpoint: generic
  node_templates:
`, s.Name, s.Vendor, s.Version)
	images := s.Images
	if len(images) == 0 {
		images = []SoftwareImage{{Name: "cirros"}}
	}
	for i, image := range images {
		fmt.Fprintf(&b, `    VDU%[1]d:
      type: tosca.nodes.nfv.VDU
      properties:
        scale_in_out: 1
      requirements:
        - virtual_link: CP%[1]d
      artifacts:
        VDU%[1]dImage:
          type: tosca.artifacts.Deployment.Image.VM
          file: %[2]s
    CP%[1]d:
      type: tosca.nodes.nfv.CP
      requirements:
        - virtualBinding: VDU%[1]d
        - virtualLink: private
`, i+1, image.Name)
	}
	b.WriteString("    private:\n      type: tosca.nodes.nfv.VL\n")
	return b.String()
}
