package tosca_test

import (
	"encoding/json"
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
)

// check holds what is true of every package, however hostile: the model is
// there, can be rendered, and does not contradict itself or the findings.
func check(t *testing.T, files mapFiles) {
	p, findings := tosca.Read(files)
	if p == nil {
		t.Fatal("no model")
	}
	if _, err := json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	if len(p.Files) != len(files) {
		t.Errorf("%d files in the model, %d in the package", len(p.Files), len(files))
	}
	names := map[string]bool{}
	for _, d := range p.Images {
		if names[d.Name] {
			t.Errorf("two images have the name %q", d.Name)
		}
		names[d.Name] = true
		if d.File != "" && d.URL != "" {
			t.Errorf("image %q has a file and a URL", d.Name)
		}
		if _, ok := files[d.File]; d.File != "" && !ok {
			t.Errorf("image %q has the file %q, which is not in the package", d.Name, d.File)
		}
		if d.MinDisk < 0 || d.MinRAM < 0 || d.MinCPU < 0 || d.Size < 0 {
			t.Errorf("image %q has a negative size", d.Name)
		}
	}
	for _, v := range p.VDUs {
		seen := map[string]bool{}
		for _, name := range v.Images {
			if name == "" || seen[name] {
				t.Errorf("VDU %q has the alternatives %q", v.Name, v.Images)
			}
			seen[name] = true
		}
	}
	wantDocumented(t, findings)
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(tarPackage()["Metadata.yaml"]))
	f.Add([]byte(olderTar("  upload: check\n  names: [a]\n  link: http://example.com/x")["metadata.YAML"]))
	f.Add([]byte("images: {a: {minDisk: 1e9}, a: &x {url: *x}}\nimage: {upload: [true]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, tarPackage().with("Metadata.yaml", string(data)))
		check(t, csarPackage().with("TOSCA-Metadata/Metadata.yaml", string(data)))
	})
}

func FuzzTOSCAMeta(f *testing.F) {
	f.Add([]byte(etsiPackage()["TOSCA-Metadata/TOSCA.meta"]))
	f.Add([]byte("Name: x\r\n\r\nEntry-Tests: .\nETSI-Entry-Licenses: /\nEntry-Definitions: ../../Definitions/top.yaml\nimage: a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, etsiPackage().with("TOSCA-Metadata/TOSCA.meta", string(data)))
	})
}

func FuzzVNFD(f *testing.F) {
	f.Add([]byte(vnfdJSON))
	f.Add([]byte(etsiPackage()["Definitions/flavour.yaml"]))
	f.Add([]byte(csarPackage()["Definitions/ns.yaml"]))
	f.Add([]byte("topology_template: {node_templates: {a: {interfaces: {s: {c: x}}}}, outputs: {o: {value: {get_attribute: [b, c]}}}, " +
		"policies: [{p: {type: tosca.policies.nfv.InstantiationLevels, properties: {levels: {l: {scale_info: {s: 1}}}}}}]}\n"))
	f.Add([]byte("manifest:ns: {package: Files/images/a.img, descriptor: x}\n"))
	f.Add([]byte("vnfd: {vdu: [{id: a, image: [b, b]}]}\n"))
	f.Add([]byte("a: &a {<<: [*a, {b: c}], type: {get_input: [x, {get_property: [SELF, y]}]}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, tarPackage().with("vnfd.json", string(data)))
		check(t, etsiPackage().with("Definitions/flavour.yaml", string(data)))
		check(t, mapFiles{"vnfd.yaml": string(data), "Files/images/a.img": "x"})
	})
}
