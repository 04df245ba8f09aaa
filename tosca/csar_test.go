package tosca_test

import (
	"slices"
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
)

const plainTemplate = "tosca_definitions_version: tosca_simple_yaml_1_3\ntopology_template: {node_templates: {app: {type: tosca.nodes.Root}}}\n"

func TestTOSCAMeta(t *testing.T) {
	const good = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: a.yaml\n"
	tests := []struct {
		name, meta string
		findings   []string
	}{
		{"as specified", good, nil},
		{"with CRLF, a byte order mark and no final newline", "\xef\xbb\xbfTOSCA-Meta-File-Version: 1.0\r\nCSAR-Version: 1.1\r\nCreated-By: acme\r\nEntry-Definitions: a.yaml", nil},
		{"with other spellings and quotes", "TOSCA-Meta-Version: '1.0'\nCSAR-Version: \"1.1\"\nCreated-by: acme\nentry-definitions: ./a.yaml\n", nil},
		{"with comments and a document mark", "---\n# made by hand\n" + good, nil},
		{"opening with blank lines", "\n\n" + good, nil},
		{"opening with the archive's own name", "Name: archive\n" + good, nil},
		{"with blocks of files", good + "\n\n\nName: a.yaml\nContent-type: text/x\n\nName: Files/\n\nName: https://example.com/x\n", nil},
		{"with blocks of files that are not there", good + "\nName: gone\nContent-type: text/x\n\nName: a.yaml\n\nName: gone/too\n", []string{"warning meta-entry-dangling TOSCA-Metadata/TOSCA.meta:6"}},
		{"with a file's block that no blank line parts", good + "Name: a.yaml\nContent-Type: text/x\nCreated-By: another\n", nil},
		{"with a stray block without a name", good + "\nSHA-256: 00\n", nil},
		{"without its keys", "Entry-Definitions: a.yaml\n", []string{
			"warning meta-key-missing TOSCA-Metadata/TOSCA.meta", "warning meta-key-missing TOSCA-Metadata/TOSCA.meta", "warning meta-key-missing TOSCA-Metadata/TOSCA.meta"}},
		{"that is YAML", good + "dependencies:\n  - name: java\n", []string{"error meta-malformed TOSCA-Metadata/TOSCA.meta:6"}},
		{"with a line without a key", good + "nonsense\n", []string{"error meta-malformed TOSCA-Metadata/TOSCA.meta:5"}},
		{"with a key twice", good + "Entry-Definitions: b.yaml\n", []string{"error yaml-duplicate-key TOSCA-Metadata/TOSCA.meta:5"}},
		{"with a key twice that says the same", good + "Entry-Definitions: a.yaml\n", []string{"warning yaml-duplicate-key TOSCA-Metadata/TOSCA.meta:5"}},
		{"with a key twice that decides nothing", good + "Created-By: somebody\n", []string{"warning yaml-duplicate-key TOSCA-Metadata/TOSCA.meta:5"}},
		{"with keys without values", "TOSCA-Meta-File-Version:\nCSAR-Version:\nCreated-By:\nEntry-Definitions: a.yaml\nETSI-Entry-Manifest:\n", []string{
			"warning meta-key-missing TOSCA-Metadata/TOSCA.meta:1", "warning meta-key-missing TOSCA-Metadata/TOSCA.meta:2",
			"warning meta-key-missing TOSCA-Metadata/TOSCA.meta:3", "warning meta-key-missing TOSCA-Metadata/TOSCA.meta:5"}},
		{"without Entry-Definitions", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\n", []string{"error entry-definitions-missing TOSCA-Metadata/TOSCA.meta"}},
		{"with Entry-Definitions that are not there", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: gone.yaml\n", []string{"error entry-definitions-dangling TOSCA-Metadata/TOSCA.meta:4"}},
		{"with Entry-Definitions in another case", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: A.YAML\n", []string{"warning path-case TOSCA-Metadata/TOSCA.meta:4"}},
		{"with licenses that are a folder", good + "ETSI-Entry-Licenses: Files\n", nil},
		{"with a change log that is not there", good + "ETSI-Entry-Change-Log: gone.txt\n", []string{"warning meta-entry-dangling TOSCA-Metadata/TOSCA.meta:5"}},
		{"that claims compliance and has no manifest", good + "Entry-Tests: Files\nETSI-Entry-Change-Log: gone.txt\n", []string{
			"error meta-key-missing TOSCA-Metadata/TOSCA.meta", "error meta-entry-dangling TOSCA-Metadata/TOSCA.meta:6"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, findings := tosca.Read(mapFiles{"TOSCA-Metadata/TOSCA.meta": tt.meta, "a.yaml": plainTemplate, "Files/x": "x"})
			wantFindings(t, findings, tt.findings...)
		})
	}
}

func TestDialects(t *testing.T) {
	const (
		meta     = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: acme\nEntry-Definitions: a.yaml\n"
		topology = "tosca_definitions_version: tosca_simple_yaml_1_3\ntopology_template: {node_templates: {n: {type: "
		nfv      = topology + "tosca.nodes.nfv.Vdu.Compute}}}\n"
	)
	tests := []struct {
		name     string
		files    mapFiles
		dialect  tosca.Dialect
		subject  tosca.Subject
		findings []string
	}{
		{"one template in the root", mapFiles{"a.yaml": plainTemplate}, tosca.Simple, tosca.Service, nil},
		{"one template with a manifest", mapFiles{"a.yaml": plainTemplate, "a.mf": "metadata:\n"}, tosca.SOL004, tosca.Service, nil},
		{"two templates, one with a manifest", mapFiles{"a.yaml": plainTemplate, "b.yml": "x: y", "a.mf": "metadata:\n"}, tosca.SOL004, tosca.Service, nil},
		{"two templates", mapFiles{"a.yaml": plainTemplate, "b.yml": plainTemplate}, "", "", []string{"error entry-ambiguous"}},
		{"no template in the root", mapFiles{"templates/a.yaml": plainTemplate}, "", "", []string{"error entry-missing"}},
		{"Definitions without TOSCA.meta", mapFiles{"Definitions/a.yaml": plainTemplate}, "", "", []string{"error meta-missing"}},
		{"Artifacts without TOSCA.meta", mapFiles{"Artifacts/Deployment/image": "x"}, "", "", []string{"error meta-missing"}},
		{"TOSCA-Metadata without TOSCA.meta", mapFiles{"TOSCA-Metadata/x": "x", "a.yaml": plainTemplate}, "", "", []string{"error meta-missing"}},
		{"TOSCA.meta in another folder", mapFiles{"TOSCA-metadate/TOSCA.meta": meta, "a.yaml": plainTemplate}, "", "", []string{"error meta-missing"}},
		{"TOSCA.meta in the root, as TOSCA 2.0 has it", mapFiles{"TOSCA.meta": meta, "a.yaml": "tosca_definitions_version: tosca_2_0\nservice_template: {}\n"}, tosca.Simple, tosca.Service, nil},
		{"no package", mapFiles{"README": "x"}, "", "", []string{"error not-a-vnf-package"}},
		{"nothing", mapFiles{}, "", "", []string{"error not-a-vnf-package"}},
		{"types", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "a.yaml": "tosca_definitions_version: x\nnode_types: {}\n"}, tosca.Simple, tosca.Types, nil},
		{"Simple Profile 1.0 without TOSCA.meta", mapFiles{"a.yaml": "tosca_definitions_version: tosca_simple_yaml_1_0\n"}, tosca.Simple, tosca.Types, []string{"warning meta-missing"}},
		{"a VNF without its node", mapFiles{"a.yaml": nfv}, tosca.SOL004, tosca.VNF, []string{"warning flavour-missing a.yaml:1:1", "warning vnf-node-missing a.yaml:1:1"}},
		{"a PNF", mapFiles{"a.yaml": topology + "tosca.nodes.nfv.PNF}}}\n"}, tosca.SOL004, tosca.PNF, nil},
		{"an NS", mapFiles{"a.yaml": topology + "tosca.nodes.nfv.NS}, v: {type: tosca.nodes.nfv.VNF}}}\n"}, tosca.SOL004, tosca.NS, nil},
		{"TOSCA in XML", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "a.yaml": "<?xml version='1.0'?><Definitions/>"}, tosca.Simple, tosca.Service, []string{"warning template-foreign a.yaml"}},
		{"Heat", mapFiles{"a.yaml": "# Heat\nheat_template_version: 2016-10-14\n"}, tosca.Simple, tosca.Service, []string{"warning template-foreign a.yaml"}},
		{"YAML that is not TOSCA's", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "a.yaml": "replicas: 3\n"}, tosca.Simple, tosca.Types, []string{"warning template-foreign a.yaml:1:1"}},
		{"a template without its version", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "a.yaml": "node_types: {}\n"}, tosca.Simple, tosca.Types, []string{"warning template-version-missing a.yaml:1:1"}},
		{"TOSCA.meta and nothing that it could name", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "a.txt": "x"}, "", "", []string{"error descriptor-missing", "error entry-definitions-dangling TOSCA-Metadata/TOSCA.meta:4"}},
		{"a VNFD of OSM in a CSAR", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "a.yaml": "vnfd: {id: web, vdu: [{id: front}]}\n"}, tosca.OSM, tosca.VNF, nil},
		{"an NSD of OSM in a CSAR without TOSCA.meta", mapFiles{"a.yaml": "nsd: {nsd: [{id: web}]}\n", "a.mf": "metadata:\n"}, tosca.OSM, tosca.NS, nil},
		{"two of SDC's main templates", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "MainServiceTemplate.yaml": plainTemplate, "Definitions/MainServiceTemplate.yaml": plainTemplate}, "", "", []string{"error entry-definitions-dangling TOSCA-Metadata/TOSCA.meta:4"}},
		{"SDC's main template instead of the entry", mapFiles{"TOSCA-Metadata/TOSCA.meta": meta, "MainServiceTemplate.yaml": plainTemplate}, tosca.Simple, tosca.Service, []string{"warning entry-definitions-dangling TOSCA-Metadata/TOSCA.meta:4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, findings := tosca.Read(tt.files)
			wantFindings(t, findings, tt.findings...)
			if p.Dialect != tt.dialect || p.Subject != tt.subject {
				t.Errorf("dialect %q, subject %q; want %q, %q", p.Dialect, p.Subject, tt.dialect, tt.subject)
			}
		})
	}
}

func TestImageThatSDCHasMoved(t *testing.T) {
	const node = "      type: tosca.nodes.nfv.Vdu.Compute\n      properties: {sw_image_data: {name: a}}\n      artifacts: {sw_image: ../Artifacts/Informational/image}\n"
	p, findings := tosca.Read(oneVDU(node).with("Artifacts/resource-1/Informational/image", "x"))
	wantFindings(t, findings)
	wantModel(t, p, []string{"VDU: a"}, []string{"a Artifacts/resource-1/Informational/image"})

	_, findings = tosca.Read(oneVDU(node).with("Artifacts/resource-1/Informational/image", "x", "Artifacts/resource-2/Informational/image", "y"))
	wantFindings(t, findings, "error image-missing vnfd.yaml:13:29")
}

func TestRolesOfFiles(t *testing.T) {
	p, _ := tosca.Read(etsiPackage().with("Scripts/a.sh", "x"))
	var got []string
	for _, f := range p.Files {
		got = append(got, string(f.Role)+" "+f.Path)
	}
	want := []string{
		"descriptor Definitions/flavour.yaml", "descriptor Definitions/top.yaml", "descriptor Definitions/types.yaml",
		"image Files/images/web.qcow2", "artifact Files/notes.txt", "script Scripts/a.sh",
		"metadata TOSCA-Metadata/TOSCA.meta", "metadata vnf.mf",
	}
	if !slices.Equal(got, want) {
		t.Errorf("roles %q, want %q", got, want)
	}
}

func TestOSM(t *testing.T) {
	tests := []struct {
		name, descriptor string
		subject          tosca.Subject
		packageName      string
		vdus             []string
		findings         []string
	}{
		{"a VNFD of the catalogue form", `vnfd:vnfd-catalog:
  vnfd:
  - id: web_vnf
    name: web
    vdu:
    - id: front
      image: ubuntu
      alternative-images:
      - {vim-type: openstack, image: ubuntu-openstack}
      - {vim-type: aws, image: ami-1}
`, tosca.VNF, "web", []string{"front: ubuntu, ubuntu-openstack"}, nil},
		{"a VNFD of SOL006", `vnfd:
  id: web
  product-name: web
  sw-image-desc:
  - {id: img, image: ubuntu}
  - {id: other, name: debian}
  - {id: elsewhere, image: ami-1, vim-type: aws}
  vdu:
  - id: front
    sw-image-desc: img
    alternative-sw-image-desc: [other, elsewhere, undescribed]
`, tosca.VNF, "web", []string{"front: ubuntu, debian, undescribed"}, nil},
		{"an NSD", "nsd:\n  nsd:\n  - id: service\n", tosca.NS, "service", []string{}, nil},
		{"a slice", "nst:\n- id: slice\n  name: slice\n", tosca.NS, "slice", []string{}, nil},
		{"a wrapped package that cannot be looked into", "manifest:vnsf:\n  package: checksums.txt\n  descriptor: web/web_vnfd.yaml\n", tosca.VNF, "web_vnfd", []string{},
			[]string{"warning nested-package web_vnfd.yaml:2:12"}},
		{"a wrapped package that is not there", "manifest:vnsf:\n  package: web.tar.gz\n  descriptor: web/web_vnfd.yaml\n", tosca.VNF, "web_vnfd", []string{},
			[]string{"error descriptor-missing web_vnfd.yaml:2:12"}},
		{"a wrapper that names no package", "manifest:ns:\n  descriptor: web/web_nsd.yaml\n", tosca.NS, "web_nsd", []string{},
			[]string{"error descriptor-missing web_vnfd.yaml"}},
		{"a descriptor without a name", "vnfd: {foo: 1}\n", tosca.VNF, "", []string{}, []string{"error name-missing web_vnfd.yaml"}},
		{"a malformed descriptor", "vnfd:\n  id: {\n", "", "", []string{}, []string{"error descriptor-malformed web_vnfd.yaml:2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, findings := tosca.Read(mapFiles{"web_vnfd.yaml": tt.descriptor, "checksums.txt": "x", "charms/metadata.yaml": "x: {{"})
			wantFindings(t, findings, tt.findings...)
			wantModel(t, p, tt.vdus, []string{})
			if p.Dialect != tosca.OSM || p.Subject != tt.subject || p.Name != tt.packageName {
				t.Errorf("got %s %s %s", p.Dialect, p.Subject, p.Name)
			}
		})
	}
}
