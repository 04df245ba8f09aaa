package onboardingtest

import (
	"crypto/sha256"
	"fmt"
	"path"
	"strings"
)

// SOL004 returns the members of an ETSI NFV-SOL 004 VNF package: TOSCA.meta, a
// SOL001 VNFD with a node type of its own, the manifest with every digest, and
// the embedded images under Files/images/, last of all.
func SOL004(spec Spec) []Member {
	spec = spec.withDefaults()
	for i, image := range spec.Images {
		if image.Content != nil && image.SHA256 == "" {
			spec.Images[i].SHA256 = image.Content.SHA256()
		}
	}
	entry, manifest := "Definitions/"+spec.Name+".yaml", spec.Name+".mf"
	members := []Member{
		Text("TOSCA-Metadata/TOSCA.meta", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: gangway\nEntry-Definitions: "+entry+
			"\nETSI-Entry-Manifest: "+manifest+"\nETSI-Entry-Change-Log: ChangeLog.txt\n"),
		Text(entry, spec.sol001VNFD()),
		Text("Definitions/types.yaml", spec.sol001Types()),
		Text("ChangeLog.txt", spec.Version+"\n"),
	}
	images := spec.imageMembers(imageFolder)
	members = append(members, Text(manifest, spec.manifest(append(members, images...))))
	return append(members, images...)
}

const imageFolder = "Files/images/"

func (s Spec) manifest(members []Member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "metadata:\nvnf_product_name: %s\nvnf_provider_id: %s\nvnf_package_version: %s\nvnf_release_date_time: 2024-01-01T00:00:00Z\n",
		s.Name, s.Vendor, s.Version)
	stated := map[string]string{}
	for _, image := range s.Images {
		if image.Content != nil {
			stated[imageFolder+image.Name] = image.SHA256
		}
	}
	for _, m := range members {
		digest, ok := stated[m.Path]
		if !ok {
			h := sha256.New()
			if err := m.writeTo(h); err != nil {
				panic(fmt.Sprintf("reading a member that is in memory: %v", err))
			}
			digest = fmt.Sprintf("%x", h.Sum(nil))
		}
		fmt.Fprintf(&b, "\nSource: %s\nAlgorithm: SHA-256\nHash: %s\n", m.Path, digest)
	}
	return b.String()
}

func (s Spec) nodeType() string { return s.Vendor + "." + s.Name }

// sol001Types returns the VNF's node type. SOL001's own types are not imported,
// as readers of NFV packages know them.
func (s Spec) sol001Types() string {
	return fmt.Sprintf(`tosca_definitions_version: tosca_simple_yaml_1_3
description: The node type of this VNF
node_types:
  %s:
    derived_from: tosca.nodes.nfv.VNF
    properties:
      descriptor_id: {type: string, default: %q}
      descriptor_version: {type: string, default: %q}
      provider: {type: string, default: %q}
      product_name: {type: string, default: %q}
      software_version: {type: string, default: %q}
      flavour_id: {type: string, default: simple}
`, s.nodeType(), s.descriptorID(), s.Version, s.Vendor, s.Name, s.Version)
}

// descriptorID is a UUID that follows from vendor, name and version.
func (s Spec) descriptorID() string {
	sum := sha256.Sum256([]byte(path.Join(s.Vendor, s.Name, s.Version)))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562, version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (s Spec) sol001VNFD() string {
	var b strings.Builder
	fmt.Fprintf(&b, `tosca_definitions_version: tosca_simple_yaml_1_3
description: A package made by gangway
imports:
  - types.yaml
topology_template:
  substitution_mappings:
    node_type: %[1]s
  node_templates:
    VNF:
      type: %[1]s
      properties:
        descriptor_id: %[2]s
        descriptor_version: %[3]q
        provider: %[4]s
        product_name: %[5]s
        software_version: %[3]q
        flavour_id: simple
        flavour_description: The only flavour
        vnfm_info:
          - Generic
`, s.nodeType(), s.descriptorID(), s.Version, s.Vendor, s.Name)
	for i, image := range s.Images {
		file := image.URL
		if image.Content != nil {
			file = "../" + imageFolder + image.Name
		}
		fmt.Fprintf(&b, `    vdu_%[1]d:
      type: tosca.nodes.nfv.Vdu.Compute
      properties:
        name: vdu_%[1]d
        description: A virtual machine
        vdu_profile:
          min_number_of_instances: 1
          max_number_of_instances: 1
        sw_image_data:
          name: %[2]s
          version: %[3]q
          container_format: %[4]s
          disk_format: %[5]s
          min_disk: %[6]d GiB
          min_ram: %[7]d MiB
`, i+1, image.Name, s.Version, image.ContainerFormat, image.DiskFormat, image.MinDisk, image.MinRAM)
		if image.Content != nil {
			fmt.Fprintf(&b, "          size: %d B\n", image.Content.VirtualSize())
		}
		if image.SHA256 != "" {
			fmt.Fprintf(&b, "          checksum:\n            algorithm: sha-256\n            hash: %s\n", image.SHA256)
		}
		if file != "" {
			fmt.Fprintf(&b, "      artifacts:\n        sw_image:\n          type: tosca.artifacts.nfv.SwImage\n          file: %s\n", file)
		}
	}
	if len(s.Images) == 0 {
		b.WriteString("    vdu_1:\n      type: tosca.nodes.nfv.Vdu.Compute\n      properties:\n        name: vdu_1\n        description: A virtual machine\n")
	}
	return b.String()
}
