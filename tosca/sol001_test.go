package tosca_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
	"github.com/google/go-cmp/cmp"
)

const (
	sha256OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	md5OfNothing    = "d41d8cd98f00b204e9800998ecf8427e"
)

// etsiPackage is a SOL004 package: the top template imports the deployment
// flavour and the VNF's type, whose own import of ETSI's types is missing.
func etsiPackage() mapFiles {
	return mapFiles{
		"TOSCA-Metadata/TOSCA.meta": `TOSCA-Meta-File-Version: 1.0
CSAR-Version: 1.1
Created-By: acme
Entry-Definitions: Definitions/top.yaml
ETSI-Entry-Manifest: vnf.mf

Name: Files/images/web.qcow2
Algorithm: SHA-256
Hash: ` + sha256OfNothing + `
`,
		"vnf.mf": "metadata:\nvnf_product_name: web\n",
		"Definitions/top.yaml": `tosca_definitions_version: tosca_simple_yaml_1_2
description: a web server
imports:
  - types.yaml
  - flavour.yaml
topology_template:
  inputs:
    flavour: {type: string, default: simple}
  node_templates:
    VNF:
      type: acme.WebServer
      properties:
        descriptor_id: 1a2b
        flavour_id: {get_input: flavour}
        product_name: Web
`,
		"Definitions/types.yaml": `tosca_definitions_version: tosca_simple_yaml_1_2
imports: [flavour.yaml]
node_types:
  acme.WebServer:
    derived_from: tosca.nodes.nfv.VNF
    properties:
      provider: {type: string, default: ACME}
      descriptor_version: {type: string, default: '2.0'}
      software_version: {type: string, default: '1.9'}
  acme.Vdu:
    derived_from: acme.BaseVdu
  acme.BaseVdu:
    derived_from: tosca.nodes.nfv.Vdu.Compute
  acme.Antenna:
    derived_from: tosca.nodes.Root
`,
		"Definitions/flavour.yaml": `tosca_definitions_version: tosca_simple_yaml_1_2
imports:
  - top.yaml
  - file: types.yaml
topology_template:
  inputs:
    image_version: {type: string, default: '1.4'}
  node_templates:
    VNF:
      type: acme.WebServer
    WEB:
      type: acme.Vdu
      properties:
        name: WEB
        sw_image_data:
          name: web-image
          version: {get_input: image_version}
          checksum: {algorithm: sha-256, hash: ` + strings.ToUpper(sha256OfNothing) + `}
          container_format: bare
          disk_format: qcow2
          min_disk: 1.75 GiB
          min_ram: 8192.5 MiB
          size: 1869 MB
          hw_vif_model: virtio
      artifacts:
        sw_image:
          type: tosca.artifacts.nfv.SwImage
          file: ../Files/images/web.qcow2
    DB:
      type: tosca.nodes.nfv.Vdu.Compute
      requirements:
        - virtual_storage: DBStorage
        - virtual_storage: Scratch
    DBStorage:
      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage
      properties:
        sw_image_data:
          name: db-image
          checksum: ` + md5OfNothing + `
          container_format: qcow2
          disk_format: bare
      artifacts:
        - sw_image:
            type: tosca.artifacts.nfv.SwImage
            file: https://images.example.com/db.qcow2.gz
    Scratch:
      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage
    Mast:
      type: acme.Antenna
`,
		"Files/images/web.qcow2": "QFI",
		"Files/notes.txt":        "x",
	}
}

func TestETSIPackage(t *testing.T) {
	p, findings := tosca.Read(etsiPackage())
	wantFindings(t, findings, "warning image-formats-swapped Definitions/flavour.yaml:41:24")
	golden(t, "sol004", p)
}

// oneVDU is a package of one template with one node, written into the place.
func oneVDU(node string) mapFiles {
	return mapFiles{
		"vnfd.yaml": `tosca_definitions_version: tosca_simple_yaml_1_3
repositories:
  store: {url: 'https://images.example.com/'}
topology_template:
  inputs:
    known: {default: glance-name}
    unknown: {type: string}
  node_templates:
    VNF: {type: tosca.nodes.nfv.VNF, properties: {descriptor_id: x, flavour_id: y}}
    VDU:
` + node,
		"Files/images/a.img": "QFI",
		"images/empty":       "",
	}
}

func TestFormsOfSoftwareImages(t *testing.T) {
	const (
		compute = "      type: tosca.nodes.nfv.Vdu.Compute\n"
		data    = "        sw_image_data: {name: a, disk_format: qcow2, container_format: bare}\n"
		props   = "      properties:\n" + data
		url     = "      artifacts: {sw_image: 'https://example.com/a.img'}\n"
	)
	tests := []struct {
		name     string
		node     string
		vdus     []string
		images   []string
		findings []string
	}{
		{"a named artifact", compute + props + "      artifacts: {i: {type: tosca.artifacts.nfv.SwImage, file: Files/images/a.img}}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"a list of artifacts", compute + props + "      artifacts: [{i: {type: tosca.artifacts.nfv.SwImage, file: Files/images/a.img}}]\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"the short notation", compute + props + "      artifacts: {sw_image: Files/images/a.img}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"a path with dots too many", compute + props + "      artifacts: {sw_image: ../../Files/images/a.img}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"a path in another case", compute + props + "      artifacts: {sw_image: files/Images/a.img}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, []string{"warning path-case vnfd.yaml:14:29"}},
		{"data alone: the image is on the VIM", compute + props,
			[]string{"VDU: a"}, []string{"a"}, nil},
		{"data in the artifact's properties", compute + "      artifacts: {i: {type: tosca.artifacts.nfv.SwImage, file: Files/images/a.img, properties: {name: a, disk_format: raw}}}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"a URL", compute + props + "      artifacts: {sw_image: 'https://example.com/a.img'}\n",
			[]string{"VDU: a"}, []string{"a https://example.com/a.img"}, nil},
		{"a file of a repository", compute + props + "      artifacts: {i: {type: tosca.artifacts.nfv.SwImage, file: a.img, repository: store}}\n",
			[]string{"VDU: a"}, []string{"a https://images.example.com/a.img"}, nil},
		{"a file that is missing", compute + props + "      artifacts: {sw_image: Files/images/b.img}\n",
			[]string{"VDU: a"}, []string{"a"}, []string{"error image-missing vnfd.yaml:14:29"}},
		{"an empty file is a placeholder", compute + props + "      artifacts: {sw_image: images/empty}\n",
			[]string{"VDU: a"}, []string{"a"}, []string{"warning image-empty vnfd.yaml:14:29"}},
		{"data that is not known yet", compute + "      properties: {sw_image_data: {get_input: unknown}}\n      artifacts: {sw_image: Files/images/a.img}\n",
			[]string{"VDU: a.img"}, []string{"a.img Files/images/a.img"}, []string{"warning input-unresolved vnfd.yaml:12:35", "warning image-data-missing vnfd.yaml:13:19"}},
		{"no data at all", compute + "      artifacts: {sw_image: Files/images/a.img}\n",
			[]string{"VDU: a.img"}, []string{"a.img Files/images/a.img"}, []string{"error image-data-missing vnfd.yaml:12:19"}},
		{"two artifacts on one node", compute + props + "      artifacts: {sw_image1: Files/images/a.img, sw_image2: Files/images/a.img}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, []string{"error image-declared-twice vnfd.yaml:14:50"}},
		{"one artifact twice", compute + props + "      artifacts: {sw_image: Files/images/a.img, sw_image: x}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"},
			[]string{"error image-declared-twice vnfd.yaml:14:49", "error yaml-duplicate-key vnfd.yaml:14:49"}},
		{"a container image by its name", compute + "      artifacts: {i: {type: tosca.artifacts.nfv.SwImage, file: acme/web:1.0}}\n",
			[]string{"VDU:"}, []string{}, []string{"warning image-is-container vnfd.yaml:12:64"}},
		{"a container image by a URL of its own kind", compute + "      artifacts: {i: {type: tosca.artifacts.nfv.SwImage, file: 'docker://acme/web'}}\n",
			[]string{"VDU:"}, []string{}, []string{"warning image-is-container vnfd.yaml:12:64"}},
		{"a container image by its format", compute + "      properties: {sw_image_data: {name: a, container_format: docker}}\n",
			[]string{"VDU:"}, []string{}, []string{"warning image-is-container vnfd.yaml:10:5"}},
		{"an image property", compute + "      properties: {image: {get_input: known}}\n",
			[]string{"VDU: glance-name"}, []string{}, nil},
		{"an input without a default", compute + "      properties: {image: {get_input: unknown}}\n",
			[]string{"VDU:"}, []string{}, []string{"warning input-unresolved vnfd.yaml:12:27"}},
		{"a property of the node itself", compute + "      properties: {image: {get_property: [SELF, flavor_image]}, flavor_image: {get_input: known}}\n",
			[]string{"VDU: glance-name"}, []string{}, nil},
		{"the image of TOSCA NFV 1.0 by URL", "      type: tosca.nodes.nfv.VDU.Tacker\n      artifacts: {i: {type: tosca.artifacts.Deployment.Image.VM, file: 'http://example.com/x/cirros.img'}}\n",
			[]string{"VDU: cirros.img"}, []string{"cirros.img http://example.com/x/cirros.img"}, nil},
		{"a VDU of an unknown type is told by its image", "      type: acme.Unknown\n" + props,
			[]string{"VDU: a"}, []string{"a"}, nil},
		{"a VDU of a type in TOSCA's name space that is the author's", "      type: tosca.nodes.nfv.Vdu.Firewall\n" + props +
			"node_types:\n  tosca.nodes.nfv.Vdu.Firewall: {derived_from: tosca.nodes.nfv.Vdu.Compute}\n",
			[]string{"VDU: a"}, []string{"a"}, nil},
		{"data and artifact of the VDU's type", "      type: acme.Vdu\n" +
			"node_types:\n  acme.Vdu:\n    derived_from: tosca.nodes.nfv.Vdu.Compute\n    properties: {sw_image_data: {type: x, default: {name: a}}}\n" +
			"    artifacts: {i: {type: tosca.artifacts.nfv.SwImage, file: Files/images/a.img}}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"a VDU without an image", compute,
			[]string{"VDU:"}, []string{}, nil},
		{"values from an anchor", compute + "      properties:\n        spare: &d {disk_format: raw}\n        sw_image_data: {name: a, <<: *d}\n",
			[]string{"VDU: a"}, []string{"a"}, nil},
		{"a checksum that is none", compute + "      properties: {sw_image_data: {name: a, checksum: {algorithm: sha-256, hash: <calculate here>}}}\n",
			[]string{"VDU: a"}, []string{"a"}, []string{"warning image-checksum-malformed vnfd.yaml:12:82"}},
		{"a checksum that is none of an image in the package", compute + "      properties: {sw_image_data: {name: a, checksum: {algorithm: sha-256, hash: <calculate here>}}}\n      artifacts: {sw_image: Files/images/a.img}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, []string{"error image-checksum-malformed vnfd.yaml:12:82"}},
		{"a checksum of another algorithm's length", compute + "      properties: {sw_image_data: {name: a, checksum: {algorithm: sha-512, hash: " + sha256OfNothing + "}}}\n      artifacts: {sw_image: 'https://example.com/a.img'}\n",
			[]string{"VDU: a"}, []string{"a https://example.com/a.img"}, []string{"error image-checksum-malformed vnfd.yaml:12:82"}},
		{"a checksum that is none of a container image", compute + "      properties: {sw_image_data: {name: a, container_format: docker, checksum: '5000'}}\n",
			[]string{"VDU:"}, []string{}, []string{"warning image-is-container vnfd.yaml:10:5", "warning image-checksum-malformed vnfd.yaml:12:81"}},
		{"a checksum of an image in the package in one word", compute + "      properties: {sw_image_data: {name: a, checksum: 'SHA-256:" + sha256OfNothing + "'}}\n      artifacts: {sw_image: images/empty}\n",
			[]string{"VDU: a"}, []string{"a images/empty"}, nil},
		{"formats that nobody knows", compute + "      properties: {sw_image_data: {name: a, disk_format: img, container_format: lxc}}\n",
			[]string{"VDU: a"}, []string{"a"}, []string{"warning image-format-unknown vnfd.yaml:12:58", "warning image-format-unknown vnfd.yaml:12:81"}},
		{"an image node that the VDU requires", "      type: tosca.nodes.nfv.VDU\n      requirements: [{sw_image: IMG}]\n    IMG:\n      type: tosca.nodes.nfv.SwImage\n      properties: {name: a, sw_image: Files/images/a.img}\n",
			[]string{"VDU: a"}, []string{"a Files/images/a.img"}, nil},
		{"an image node with a name on the VIM", "      type: tosca.nodes.nfv.VDU\n      requirements: [{sw_image: IMG}]\n    IMG:\n      type: tosca.nodes.nfv.SwImage\n      properties: {name: a, sw_image: cirros}\n",
			[]string{"VDU: cirros, a"}, []string{"a"}, nil},
		{"a storage image that no VDU requires", compute + "    DISK:\n      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage\n" + props,
			[]string{"VDU:", "DISK: a"}, []string{"a"}, nil},
		{"a storage image beside the VDU's own", compute + props + "      requirements: {virtual_storage: {node: DISK}}\n    DISK:\n      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage\n      properties: {sw_image_data: {name: b}}\n",
			[]string{"VDU: a", "DISK: b"}, []string{"a", "b"}, nil},
		{"one image declared alike by two VDUs", compute + props + "    VDU2:\n" + compute + props,
			[]string{"VDU: a", "VDU2: a"}, []string{"a"}, nil},
		{"one name for two images", compute + props + url + "    VDU2:\n" + compute + "      properties: {sw_image_data: {name: a, disk_format: raw}}\n",
			[]string{"VDU: a", "VDU2: a"}, []string{"a https://example.com/a.img"}, []string{"error image-declared-twice vnfd.yaml:17:35"}},
		{"one name for two container formats", compute + props + url + "    VDU2:\n" + compute + "      properties: {sw_image_data: {name: a, container_format: ova}}\n",
			[]string{"VDU: a", "VDU2: a"}, []string{"a https://example.com/a.img"}, []string{"error image-declared-twice vnfd.yaml:17:35"}},
		{"one name for two descriptions of what the VIM has", compute + props + "    VDU2:\n" + compute + "      properties: {sw_image_data: {name: a, disk_format: raw}}\n",
			[]string{"VDU: a", "VDU2: a"}, []string{"a"}, []string{"warning image-declared-twice vnfd.yaml:16:35"}},
		{"an empty file with a digest is for who reads the bytes", compute + "      properties: {sw_image_data: {name: a, checksum: " + md5OfNothing + "}}\n      artifacts: {sw_image: images/empty}\n",
			[]string{"VDU: a"}, []string{"a images/empty"}, nil},
		{"a node's name twice", compute + props + "    VDU:\n" + compute,
			[]string{"VDU: a", "VDU:"}, []string{"a"}, []string{"error yaml-duplicate-key vnfd.yaml:14:5"}},
		{"the name of a node without an image twice", compute + props + "    CP: {type: tosca.nodes.nfv.VduCp}\n    CP: {type: tosca.nodes.nfv.VduCp}\n",
			[]string{"VDU: a"}, []string{"a"}, []string{"warning yaml-duplicate-key vnfd.yaml:15:5"}},
		{"an artifact that is missing matters little", "      type: tosca.nodes.SoftwareComponent\n      artifacts: {s: {type: tosca.artifacts.File, file: install.sh}}\n      interfaces: {Standard: {create: {implementation: {primary: create.sh}}, start: s}}\n",
			[]string{}, []string{}, []string{"warning artifact-missing vnfd.yaml:12:57", "warning artifact-missing vnfd.yaml:13:66"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, findings := tosca.Read(oneVDU(tt.node))
			wantFindings(t, findings, tt.findings...)
			wantModel(t, p, tt.vdus, tt.images)
		})
	}
}

func TestOnlySOL001AsksForImageData(t *testing.T) {
	const node = "      type: tosca.nodes.nfv.Vdu.Compute\n      artifacts: {sw_image: Files/images/a.img}\n"
	for version, severity := range map[string]string{
		"tosca_simple_yaml_1_0": "warning", "tosca_simple_yaml_1_0_0": "warning", "tosca_simple_yaml_1_1_0": "warning",
		"tosca_simple_yaml_1_2": "error", "tosca_simple_yaml_1_3": "error", "tosca_2_0": "error",
	} {
		t.Run(version, func(t *testing.T) {
			_, findings := tosca.Read(oneVDU(node).edit(t, "vnfd.yaml", "tosca_simple_yaml_1_3", version).with("TOSCA-Metadata/TOSCA.meta",
				"TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: vnfd.yaml\n"))
			wantFindings(t, findings, severity+" image-data-missing vnfd.yaml:12:19")
		})
	}
}

func TestTheLargerOfTwoMinimumsHolds(t *testing.T) {
	const vdu = "      type: tosca.nodes.nfv.Vdu.Compute\n      properties: {sw_image_data: {name: a, min_disk: %d GB, min_ram: %d MB}}\n"
	p, findings := tosca.Read(oneVDU(fmt.Sprintf(vdu+"    VDU2:\n"+vdu, 1, 20, 2, 10)))
	wantFindings(t, findings)
	if d := p.Images[0]; d.MinDisk != 2 || d.MinRAM != 20 {
		t.Errorf("minimums %d GB, %d MB; want 2 GB, 20 MB", d.MinDisk, d.MinRAM)
	}
}

func TestFlavoursThatRepeatAVDU(t *testing.T) {
	m := etsiPackage()
	m = m.with("Definitions/flavour2.yaml", m["Definitions/flavour.yaml"]).
		edit(t, "Definitions/top.yaml", "  - flavour.yaml", "  - flavour.yaml\n  - flavour2.yaml")
	p, _ := tosca.Read(m)
	wantModel(t, p, []string{"WEB: web-image", "DB: db-image"},
		[]string{"web-image Files/images/web.qcow2", "db-image https://images.example.com/db.qcow2.gz"})
}

func TestSizesOfSoftwareImages(t *testing.T) {
	tests := []struct {
		size, ram, disk       string
		wantSize, wantRAM, gb int64
	}{
		{"1869 MB", "512 MB", "1 GB", 1_869_000_000, 512, 1},
		{"1.75 GiB", "8192.5 MiB", "1.75 GiB", 1_879_048_192, 8193, 2},
		{"12.5 MB", "1 kB", "1 B", 12_500_000, 1, 1},
		{"2KiB", "1GiB", "1TiB", 2048, 1024, 1024},
		{"512Mi", "24G", "200G", 536_870_912, 24_000, 200},
		{"1024", "2048", "40", 1024, 2048, 40},
		{"0 GB", "0 MB", "0 GB", 0, 0, 0},
		{"3 TB", "64 bytes", "1000000001 b", 3_000_000_000_000, 1, 2},
		{"8589934592 B", "0", "0", 8_589_934_592, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.size, func(t *testing.T) {
			p, findings := tosca.Read(oneVDU(fmt.Sprintf(
				"      type: tosca.nodes.nfv.Vdu.Compute\n      properties: {sw_image_data: {name: a, size: %s, min_ram: %s, min_disk: %s}}\n", tt.size, tt.ram, tt.disk)))
			wantFindings(t, findings)
			d := p.Images[0]
			if diff := cmp.Diff([]int64{tt.wantSize, tt.wantRAM, tt.gb}, []int64{d.Size, d.MinRAM, d.MinDisk}); diff != "" {
				t.Errorf("size, RAM, disk (-want +got):\n%s", diff)
			}
		})
	}
	for _, bad := range []string{"1 XB", "1e400", "-1 GB", "GB", "1 iB", "0x10", "999999999999999999 TB", "1,5 GB"} {
		t.Run(bad, func(t *testing.T) {
			_, findings := tosca.Read(oneVDU(fmt.Sprintf(
				"      type: tosca.nodes.nfv.Vdu.Compute\n      properties: {sw_image_data: {name: a, size: '%s'}}\n", bad)))
			wantFindings(t, findings, "error number-malformed vnfd.yaml:12:51")
		})
	}
}

func TestImports(t *testing.T) {
	const entry = "Definitions/top.yaml"
	tests := []struct {
		name     string
		change   func(t *testing.T, m mapFiles) mapFiles
		vdus     int
		findings []string
	}{
		{"missing is a warning while there is a topology", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, entry, "types.yaml", "gone.yaml")
		}, 2, []string{"warning import-missing Definitions/top.yaml:4:5"}},
		{"missing is an error when nothing else is there", func(t *testing.T, m mapFiles) mapFiles {
			return m.with(entry, "tosca_definitions_version: x\nimports: [gone.yaml]\n")
		}, 0, []string{"error descriptor-missing Definitions/top.yaml:1:1", "warning import-missing Definitions/top.yaml:2:11"}},
		{"found by its name only", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, entry, "flavour.yaml", "../tosca/flavour.yaml")
		}, 2, []string{"warning import-missing Definitions/top.yaml:5:5"}},
		{"by URL", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, entry, "- types.yaml", "- types.yaml\n  - https://example.com/t.yaml")
		}, 2, []string{"warning import-remote Definitions/top.yaml:5:5"}},
		{"from a catalogue", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, entry, "- types.yaml", "- types.yaml\n  - base-types:1.0\n  - profile: org.acme:2.0")
		}, 2, nil},
		{"by name, as a map, in another case", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, entry, "  - types.yaml\n  - flavour.yaml\n", "  types: {file: TYPES.yaml}\n  flavour: flavour.yaml\n")
		}, 2, []string{"warning path-case Definitions/top.yaml:4:17"}},
		{"by name, in a list", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, entry, "  - types.yaml\n  - flavour.yaml\n", "  - types: {file: types.yaml}\n  - flavour: flavour.yaml\n")
		}, 2, nil},
		{"a stray copy is not read", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("UserData/Definitions/flavour.yaml", "{{ not YAML")
		}, 2, nil},
		{"an imported topology that is malformed", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("Definitions/flavour.yaml", "topology_template: {\n")
		}, 0, []string{"error descriptor-malformed Definitions/flavour.yaml:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, findings := tosca.Read(tt.change(t, etsiPackage()))
			var rest tosca.Findings
			for _, f := range findings {
				if f.Code != "image-formats-swapped" {
					rest = append(rest, f)
				}
			}
			wantFindings(t, rest, tt.findings...)
			if len(p.VDUs) != tt.vdus {
				t.Errorf("VDUs %v, want %d", vdus(p), tt.vdus)
			}
		})
	}
}

func TestTypeFilesThatAreNotNeededAreNotParsed(t *testing.T) {
	m := etsiPackage().edit(t, "Definitions/top.yaml", "- types.yaml", "- types.yaml\n  - etsi.yaml").
		with("Definitions/etsi.yaml", "node_types:\n  tosca.nodes.nfv.Vdu.Compute: {{ not YAML\n")
	_, findings := tosca.Read(m)
	wantFindings(t, findings, "warning image-formats-swapped Definitions/flavour.yaml:41:24")
}

func TestHostileYAML(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	tests := []struct {
		name, text string
		findings   []string
	}{
		{"a bomb of aliases", bomb, []string{"error descriptor-malformed vnfd.yaml:1:1"}},
		{"an alias to what it stands in", "topology_template: &t\n  node_templates: *t\n", []string{"error descriptor-malformed vnfd.yaml:1:1"}},
		{"a merge of what it stands in", "imports: &t\n  <<: *t\n", []string{"error descriptor-malformed vnfd.yaml:1:1"}},
		{"deep nesting", "a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n", []string{"error descriptor-malformed vnfd.yaml:1:1"}},
		{"a tab for a blank", "a:\n\t- b\n", []string{"error descriptor-malformed vnfd.yaml:2"}},
		{"a map for a key", "{a: b}: c\ntosca_definitions_version: x\n", []string{"error descriptor-malformed vnfd.yaml:1:1"}},
		{"a byte order mark", "\xef\xbb\xbftosca_definitions_version: x\n", nil},
		{"not UTF-8", "a: \xff\xfe\n", []string{"error descriptor-malformed vnfd.yaml"}},
		{"no map", "just text\n", []string{"error descriptor-malformed vnfd.yaml:1:1"}},
		{"nothing of TOSCA", "services: {web: {}}\n", []string{"error not-a-vnf-package vnfd.yaml:1:1"}},
		{"nothing at all", " \n", []string{"error not-a-vnf-package vnfd.yaml", "warning descriptor-malformed vnfd.yaml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, findings := tosca.Read(mapFiles{"vnfd.yaml": tt.text})
			wantFindings(t, findings, tt.findings...)
		})
	}
}

func TestFindingsAreBounded(t *testing.T) {
	_, findings := tosca.Read(mapFiles{"vnfd.yaml": "imports: [" + strings.Repeat("gone.yaml, ", 5000) + "x.yaml]\ntopology_template: {}\n"})
	if n := len(findings); n == 0 || n > 1001 {
		t.Errorf("%d findings", n)
	}
	if !findings.Refused() {
		t.Error("a package with unlisted findings is accepted")
	}
	wantDocumented(t, findings)
}
