package tosca_test

import (
	"fmt"

	"github.com/gangway-nfv/gangway/tosca"
)

func ExampleRead() {
	p, findings := tosca.Read(mapFiles{
		"Metadata.yaml": `name: router
provider: acme
nfvo_version: 6.0.0
vim_types: [openstack]
images:
  router-image: {diskFormat: qcow2, containerFormat: bare, minDisk: 2}
`,
		"vnfd.json": `{"name": "router", "vendor": "acme", "vdu": [{"name": "main"}]}`,
	})
	for _, f := range findings {
		fmt.Println(f)
		fmt.Println("  expected:", f.Expected)
	}
	fmt.Println(p.Dialect, p.Name, p.VDUs[0].Images)
	// Output:
	// Metadata.yaml:6:3: error: image router-image has no url and no file [image-missing]
	//   expected: images/router-image
	// openbaton-tar router [router-image]
}
