package tosca_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
)

const vnfdJSON = `{
  "name": "iperf",
  "vendor": "acme",
  "version": "2.1",
  "vdu": [
    {"name": "client", "vm_image": ["own-image"]},
    {"vm_image": []}
  ]
}`

// tarPackage is an Open Baton VNF package with images by file and by URL.
func tarPackage() mapFiles {
	return mapFiles{
		"Metadata.yaml": `name: iperf
description: measures throughput
provider: acme
nfvo_version: 6.0.0
version: 1.10
vim_types:
  - openstack
images:
  server-image:
    diskFormat: QCOW2
    containerFormat: BARE
    minDisk: 2
    minRam: "512"
    minCPU: 1
    isPublic: "False"
    hw_disk_bus: scsi
  remote-image:
    url: https://images.example.com/disk.qcow2.xz
    diskFormat: qcow2
    containerFormat: bare
    isPublic: yes
`,
		"vnfd.json":           vnfdJSON,
		"scripts/start.sh":    "#!/bin/sh\n",
		"scripts/lib.json":    `{"no": "VNFD"}`,
		"images/server-image": "QFI",
	}
}

func TestOpenBatonTar(t *testing.T) {
	p, findings := tosca.Read(tarPackage())
	wantFindings(t, findings)
	golden(t, "openbaton-tar", p)
}

// olderTar is the form before images:, with an image section to be filled in.
func olderTar(image string) mapFiles {
	return mapFiles{
		"metadata.YAML": `name: iperf
vendor: acme
nfvo-version: 6.0.0
vim-types: [openstack]
image:
` + image + `
image-config:
  name: packed
  diskFormat: qcow2
  containerFormat: bare
`,
		"vnfd.json": vnfdJSON,
	}
}

func TestOpenBatonOlderImageForm(t *testing.T) {
	const link = "\n  link: http://example.com/img"
	tests := []struct {
		name     string
		image    string
		extra    []string // path, content
		vdus     []string
		images   []string
		findings []string
	}{
		{
			name:   "upload false gives names and ids to every VDU after its own",
			image:  "  upload: false\n  names: [ubuntu, debian]\n  ids: [1f2e]" + link,
			vdus:   []string{"client: own-image, ubuntu, debian, 1f2e", "vdu-2: ubuntu, debian, 1f2e"},
			images: []string{},
		},
		{
			name:   "upload false is understood as a string",
			image:  "  upload: \"False\"\n  names: [ubuntu]",
			vdus:   []string{"client: own-image, ubuntu", "vdu-2: ubuntu"},
			images: []string{},
		},
		{
			name:   "upload true brings the image from the link",
			image:  "  upload: true" + link,
			vdus:   []string{"client: own-image, packed", "vdu-2: packed"},
			images: []string{"packed http://example.com/img"},
		},
		{
			name:   "upload true is understood as a string, and as yes",
			image:  "  upload: \"yes\"" + link,
			vdus:   []string{"client: own-image, packed", "vdu-2: packed"},
			images: []string{"packed http://example.com/img"},
		},
		{
			name:   "a file in images comes before the link",
			image:  "  upload: true" + link,
			extra:  []string{"images/packed", "QFI"},
			vdus:   []string{"client: own-image, packed", "vdu-2: packed"},
			images: []string{"packed images/packed"},
		},
		{
			name:     "upload true without link and file is an error",
			image:    "  upload: true",
			vdus:     []string{"client: own-image, packed", "vdu-2: packed"},
			images:   []string{"packed"},
			findings: []string{"error image-missing metadata.YAML:8:9"},
		},
		{
			name:     "upload true with a link that is no URL is an error",
			image:    "  upload: true\n  link: file:///etc/passwd",
			vdus:     []string{"client: own-image, packed", "vdu-2: packed"},
			images:   []string{"packed"},
			findings: []string{"error image-link metadata.YAML:7:9"},
		},
		{
			name:     "check prefers the VIM and brings the link's image last",
			image:    "  upload: check\n  names: [ubuntu]" + link,
			vdus:     []string{"client: own-image, ubuntu, packed", "vdu-2: ubuntu, packed"},
			images:   []string{"packed http://example.com/img"},
			findings: []string{"warning ob-upload-check metadata.YAML:6:11"},
		},
		{
			name:     "check with a link for a container registry brings nothing",
			image:    "  upload: check\n  names: [ubuntu]\n  link: acme/client:latest",
			vdus:     []string{"client: own-image, ubuntu", "vdu-2: ubuntu"},
			images:   []string{},
			findings: []string{"warning ob-upload-check metadata.YAML:6:11", "warning image-link metadata.YAML:8:9"},
		},
		{
			name:     "another upload is an error",
			image:    "  upload: maybe",
			vdus:     []string{"client: own-image", "vdu-2:"},
			images:   []string{},
			findings: []string{"error ob-upload metadata.YAML:6:11"},
		},
		{
			name:     "upload false without names is a warning",
			image:    "  upload: false",
			vdus:     []string{"client: own-image", "vdu-2:"},
			images:   []string{},
			findings: []string{"warning ob-image-names metadata.YAML:6:3"},
		},
		{
			name:     "a single name that is no list is taken with a warning",
			image:    "  upload: false\n  names: ubuntu",
			vdus:     []string{"client: own-image, ubuntu", "vdu-2: ubuntu"},
			images:   []string{},
			findings: []string{"warning ob-image-names metadata.YAML:7:10"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, findings := tosca.Read(olderTar(tt.image).with(tt.extra...))
			wantFindings(t, findings, tt.findings...)
			wantModel(t, p, tt.vdus, tt.images)
		})
	}
}

// For containers the link is the image's name in a registry.
func TestOpenBatonContainerImages(t *testing.T) {
	for _, upload := range []string{"true", "check"} {
		t.Run("upload "+upload, func(t *testing.T) {
			p, findings := tosca.Read(olderTar("  upload: "+upload+"\n  link: acme/web:1.0").edit(t, "metadata.YAML", "[openstack]", "[docker]"))
			var codes []string
			for _, f := range findings {
				codes = append(codes, string(f.Severity)+" "+string(f.Code))
			}
			if !slices.Contains(codes, "warning image-is-container") || findings.Refused() {
				t.Errorf("findings %v", findings)
			}
			wantModel(t, p, []string{"client: own-image, packed", "vdu-2: packed"}, []string{})
		})
	}
}

func TestOpenBatonTarRules(t *testing.T) {
	const metadata = "Metadata.yaml"
	tests := []struct {
		name     string
		change   func(t *testing.T, m mapFiles) mapFiles
		findings []string
	}{
		{"provider and vendor both", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "provider: acme", "provider: acme\nvendor: acme")
		}, []string{"error ob-vendor Metadata.yaml:4:9"}},
		{"provider missing leaves the VNFD's vendor", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "provider: acme\n", "")
		}, []string{"warning ob-vendor Metadata.yaml:1:1"}},
		{"nfvo_version missing", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "nfvo_version: 6.0.0\n", "")
		}, []string{"warning ob-nfvo-version Metadata.yaml:1:1"}},
		{"vim_types missing", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "vim_types:\n  - openstack\n", "")
		}, []string{"warning ob-vim-types Metadata.yaml:1:1"}},
		{"image and images together", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "images:", "image: {upload: false, names: [x]}\nimages:")
		}, []string{"error ob-image-forms Metadata.yaml:8:8"}},
		{"names differ", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `"iperf"`, `"other"`)
		}, []string{"error ob-name-differs vnfd.json:2:11"}},
		{"vendors differ", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `"acme"`, `"other"`)
		}, []string{"error ob-vendor-differs vnfd.json:3:13"}},
		{"vnfPackageLocation present", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `"version"`, `"vnfPackageLocation": "http://x", "version"`)
		}, []string{"error ob-package-location vnfd.json:4:25"}},
		{"no VDU", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", `{"name": "iperf", "vendor": "acme", "vdu": []}`)
		}, []string{"error vdu-missing vnfd.json:1:1"}},
		{"VNFD without a name", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `"name": "iperf",`, "")
		}, []string{"error ob-key-missing vnfd.json:1:1"}},
		{"metadata without a name", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "name: iperf\n", "")
		}, []string{"error ob-key-missing Metadata.yaml:1:1"}},
		{"no VNFD", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", "")
		}, []string{"error descriptor-missing"}},
		{"VNFD cut short", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", "{\n  \"name\": \"iperf\",\n  \"vdu\": [")
		}, []string{"error descriptor-malformed vnfd.json:3:11"}},
		{"VNFD with a comma too many", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", "{\n  \"name\": \"iperf\",\n  \"vdu\": [{},]}")
		}, []string{"error descriptor-malformed vnfd.json:3:14"}},
		{"VNFD that is a list", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", `["vdu"]`)
		}, []string{"error descriptor-malformed vnfd.json:1:1"}},
		{"VNFD with a name twice", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `"version"`, `"name": "iperf", "version"`)
		}, []string{"error yaml-duplicate-key vnfd.json:4:3"}},
		{"VNFD whose VDU names its images twice", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `{"vm_image": []}`, `{"vm_image": [], "vm_image": ["a"]}`)
		}, []string{"error yaml-duplicate-key vnfd.json:7:22"}},
		{"VNFD with a key twice that does not matter to images", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, "vnfd.json", `{"vm_image": []}`, `{"vm_image": [], "vnfc": [{"a": 1, "a": 2}]}`)
		}, []string{"warning yaml-duplicate-key vnfd.json:7:40"}},
		{"metadata malformed", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "nfvo_version: 6.0.0", "nfvo_version: {6.0.0")
		}, []string{"error metadata-malformed Metadata.yaml:3"}},
		{"an image file missing", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("images/server-image", "")
		}, []string{"error image-missing Metadata.yaml:9:3"}},
		{"a URL and a file: the URL wins", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("images/remote-image", "QFI")
		}, []string{"warning image-file-ignored Metadata.yaml:18:10"}},
		{"a URL of another scheme", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "https:", "file:")
		}, []string{"error image-link Metadata.yaml:18:10"}},
		{"an image's name with a slash", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "remote-image:", "../remote:")
		}, []string{"error image-name-invalid Metadata.yaml:17:3"}},
		{"an image's name of two dots", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "remote-image:", "\"..\":")
		}, []string{"error image-name-invalid Metadata.yaml:17:3"}},
		{"two images of one name", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "remote-image:", "server-image:").with("images/server-image", "QFI")
		}, []string{"error image-declared-twice Metadata.yaml:17:3", "error yaml-duplicate-key Metadata.yaml:17:3",
			"warning image-file-ignored Metadata.yaml:18:10"}},
		{"a number that is none", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "minDisk: 2", "minDisk: lots")
		}, []string{"error number-malformed Metadata.yaml:12:14"}},
		{"a format unknown to OpenStack", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "QCOW2", "qcow3")
		}, []string{"warning image-format-unknown Metadata.yaml:10:17"}},
		{"a file in images that nothing describes", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("images/spare", "x")
		}, []string{"warning image-undescribed images/spare"}},
		{"several JSON files: vnfd.json is read", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("zzz.json", "not JSON")
		}, []string{"warning vnfd-ambiguous vnfd.json"}},
		{"several VNFDs: vnfd.json is read", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("a-vnfd.json", "not JSON")
		}, []string{"warning vnfd-ambiguous vnfd.json"}},
		{"several JSON files: the one called VNFD is read", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", "", "vnfd-2.json", vnfdJSON, "zzz.json", "not JSON")
		}, []string{"warning vnfd-ambiguous vnfd-2.json"}},
		{"scripts-link wins over scripts", func(t *testing.T, m mapFiles) mapFiles {
			return m.edit(t, metadata, "images:", "scripts-link: https://example.com/s.git\nimages:")
		}, []string{"warning ob-scripts-ignored Metadata.yaml:8:15"}},
		{"a descriptor too large", func(t *testing.T, m mapFiles) mapFiles {
			return m.with("vnfd.json", tooLarge)
		}, []string{"error file-unreadable vnfd.json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, findings := tosca.Read(tt.change(t, tarPackage()))
			wantFindings(t, findings, tt.findings...)
		})
	}
}

func TestScriptsThatALinkReplacesAreNoScripts(t *testing.T) {
	p, _ := tosca.Read(tarPackage().edit(t, "Metadata.yaml", "images:", "scripts-link: https://example.com/s.git\nimages:"))
	for _, f := range p.Files {
		if f.Role == tosca.RoleScript {
			t.Errorf("%s is a script", f.Path)
		}
	}
	if p.ScriptsLink != "https://example.com/s.git" {
		t.Errorf("scripts link %q", p.ScriptsLink)
	}
}

func TestEmptyImageFileOfOpenBatonIsRefused(t *testing.T) {
	m := tarPackage()
	m["images/server-image"] = ""
	_, findings := tosca.Read(m)
	wantFindings(t, findings, "error image-empty images/server-image")
}

func TestAllErrorsOfAPackageAreReportedAtOnce(t *testing.T) {
	m := tarPackage().with("images/server-image", "").edit(t, "Metadata.yaml", "https:", "ftp:").
		edit(t, "Metadata.yaml", "provider: acme", "provider: acme\nvendor: acme").
		edit(t, "vnfd.json", `"iperf"`, `"other"`)
	_, findings := tosca.Read(m)
	wantFindings(t, findings,
		"error ob-vendor Metadata.yaml:4:9", "error image-missing Metadata.yaml:10:3",
		"error image-link Metadata.yaml:19:10", "error ob-name-differs vnfd.json:2:11")
}

func TestOpenBatonTarWithoutMetadata(t *testing.T) {
	p, findings := tosca.Read(mapFiles{"vnfd.json": vnfdJSON})
	wantFindings(t, findings, "warning metadata-missing")
	if p.Dialect != tosca.OpenBatonTar || p.Name != "iperf" || p.Vendor != "acme" || p.Version != "2.1" {
		t.Errorf("got %s %s %s %s", p.Dialect, p.Name, p.Vendor, p.Version)
	}
}

// csarPackage is an Open Baton CSAR of a network service with two VNFs.
func csarPackage() mapFiles {
	return mapFiles{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: Definitions/ns.yaml\n",
		"TOSCA-Metadata/Metadata.yaml": `name: iperf-ns
provider: acme
nfvo_version: 6.0.0
vim_types: [openstack]
images:
  bundled:
    diskFormat: qcow2
    containerFormat: bare
`,
		"Definitions/ns.yaml": `tosca_definitions_version: tosca_simple_profile_for_nfv_1_0
description: two VNFs
metadata: {ID: iperf-ns, vendor: acme, version: 0.1}
topology_template:
  node_templates:
    iperf-server:
      type: openbaton.type.VNF
      properties: {type: server, vendor: acme}
      requirements:
        - virtualLink: private
        - vdu: VDU2
    iperf-client:
      type: openbaton.type.VNF
      properties: {type: client, vendor: acme}
      requirements:
        - vdu: VDU1
    VDU1:
      type: tosca.nodes.nfv.VDU
      properties: {scale_in_out: 1}
      artifacts:
        VDU1Image:
          type: tosca.artifacts.Deployment.Image.VM
          file: ubuntu-14.04
    VDU2:
      type: tosca.nodes.nfv.VDU
      artifacts:
        - type: tosca.artifacts.Deployment.Image.VM
          file: debian-12
        - type: tosca.artifacts.Deployment.Image.VM
          file: debian-11
    VDU3:
      type: tosca.nodes.nfv.VDU
    VDU4:
      type: tosca.nodes.nfv.VDU
      artifacts:
        type: tosca.artifacts.Deployment.Image.VM
        file: flat
`,
		"Scripts/server/install.sh": "x",
		"Scripts/client/install.sh": "x",
		"Scripts/other/readme":      "x",
		"images/bundled":            "QFI",
	}
}

func TestOpenBatonCSAR(t *testing.T) {
	p, findings := tosca.Read(csarPackage())
	wantFindings(t, findings)
	golden(t, "openbaton-csar", p)
}

func TestOpenBatonCSARVariants(t *testing.T) {
	meta := csarPackage()["TOSCA-Metadata/TOSCA.meta"]
	metadata := csarPackage()["TOSCA-Metadata/Metadata.yaml"]
	template := csarPackage()["Definitions/ns.yaml"]
	tests := []struct {
		name     string
		files    mapFiles
		findings []string
	}{
		{"the folder spelled with an underscore", mapFiles{
			"TOSCA_Metadata/TOSCA.meta": meta, "TOSCA_Metadata/metadata.yaml": metadata,
			"Definitions/ns.yaml": template, "images/bundled": "x"}, nil},
		{"all folders in lower case", mapFiles{
			"tosca-metadata/tosca.META": meta, "tosca-metadata/metadata.yaml": metadata,
			"definitions/ns.yaml": template, "images/bundled": "x"},
			[]string{"warning path-case tosca-metadata/tosca.META:4"}},
		{"no Metadata.yaml", mapFiles{
			"TOSCA-Metadata/TOSCA.meta": meta, "Definitions/ns.yaml": template},
			[]string{"warning metadata-missing TOSCA-Metadata/TOSCA.meta"}},
		{"neither VDU nor VNF, and a package inside", mapFiles{
			"TOSCA-Metadata/TOSCA.meta": meta, "TOSCA-Metadata/Metadata.yaml": "name: experiment\nprovider: a\nnfvo_version: 1\nvim_types: [x]\n",
			"Definitions/ns.yaml": "topology_template: {node_templates: {a: {type: NfvResource}}}\n", "Files/nsd.csar": "PK"},
			[]string{"error not-a-vnf-package Definitions/ns.yaml:1:1", "warning nested-package Files/nsd.csar"}},
		{"a VNF without a VDU", mapFiles{
			"TOSCA-Metadata/TOSCA.meta": meta,
			"Definitions/ns.yaml":       "topology_template: {node_templates: {a: {type: openbaton.type.VNF}}}\n"},
			[]string{"warning metadata-missing TOSCA-Metadata/TOSCA.meta", "error vdu-missing Definitions/ns.yaml:1:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, findings := tosca.Read(tt.files)
			if p.Dialect != tosca.OpenBatonCSAR {
				t.Errorf("dialect %s", p.Dialect)
			}
			got := map[string]bool{}
			for _, s := range summary(findings) {
				got[s] = true
			}
			for _, want := range tt.findings {
				if !got[want] {
					t.Errorf("no finding %q in %v", want, summary(findings))
				}
			}
			if len(findings) != len(tt.findings) {
				t.Errorf("findings %v, want %v", summary(findings), tt.findings)
			}
		})
	}
}

func TestImageLineOfTOSCAMetaIsAnAlternative(t *testing.T) {
	p, findings := tosca.Read(mapFiles{
		"TOSCA-Metadata/TOSCA.meta": "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: Definitions/v.yaml\nimage: ubuntu-14.04\n",
		"Definitions/v.yaml":        "metadata: {ID: hss}\ntopology_template:\n  node_templates:\n    vdu1: {type: tosca.nodes.nfv.VDU}\n",
	})
	wantFindings(t, findings, "warning metadata-missing TOSCA-Metadata/TOSCA.meta")
	wantModel(t, p, []string{"vdu1: ubuntu-14.04"}, []string{})
}

func TestAPackageCannotMakeTheModelTooLarge(t *testing.T) {
	var images, vdus strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&images, "  i%d: {url: 'https://example.com/%d'}\n", i, i)
		fmt.Fprintf(&vdus, `%s{"name": "v%d"}`, strings.Repeat(",", min(i, 1)), i)
	}
	p, findings := tosca.Read(mapFiles{
		"Metadata.yaml": "name: n\nprovider: p\nnfvo_version: 1\nvim_types: [x]\nimages:\n" + images.String(),
		"vnfd.json":     `{"name": "n", "vendor": "p", "vdu": [` + vdus.String() + `]}`,
	})
	wantFindings(t, findings, "error too-many-declarations Metadata.yaml:506:3")
	if len(p.Images) != 500 || len(p.VDUs) != 5000 {
		t.Errorf("%d images, %d VDUs", len(p.Images), len(p.VDUs))
	}
}
