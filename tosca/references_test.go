package tosca_test

import (
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
)

// topology is a package of one template, with the topology to be filled in.
func topology(text string) mapFiles {
	return mapFiles{
		"service.yaml": "tosca_definitions_version: tosca_simple_yaml_1_3\n" + text,
		"start.sh":     "#!/bin/sh\n",
	}
}

func TestNamesThatNothingBears(t *testing.T) {
	const (
		nodes  = "topology_template:\n  node_templates:\n    app: {type: tosca.nodes.SoftwareComponent, requirements: [{host: server}]}\n    server: {type: tosca.nodes.Compute}\n"
		levels = "topology_template:\n  policies:\n    - levels:\n        type: tosca.policies.nfv.InstantiationLevels\n" +
			"        properties: {levels: {small: {scale_info: {workers: {scale_level: 0}}}, large: {}}, default_level: small}\n" +
			"    - aspects:\n        type: tosca.policies.nfv.ScalingAspects\n        properties: {aspects: {workers: {max_scale_level: 2}}}\n" +
			"    - vdu:\n        type: tosca.policies.nfv.VduInstantiationLevels\n        properties: {levels: {small: {number_of_instances: 1}}}\n" +
			"    - deltas:\n        type: tosca.policies.nfv.VduScalingAspectDeltas\n        properties: {aspect: workers, deltas: {}}\n"
	)
	tests := []struct {
		name     string
		files    mapFiles
		findings []string
	}{
		{"all are there", topology(nodes + "  outputs:\n    address: {value: {concat: [x, {get_attribute: [server, public_address]}]}}\n" +
			"  policies: [{together: {type: tosca.policies.Placement, targets: [app, server]}}]\n"), nil},
		{"an output of a node that is not there", topology(nodes + "  outputs:\n    address: {value: {concat: [x, {get_attribute: [web, public_address]}]}}\n"),
			[]string{"warning reference-dangling service.yaml:7:52"}},
		{"an output in the language of version 2.0", topology(nodes + "  outputs:\n    address: {value: {$get_attribute: [web, public_address]}}\n"),
			[]string{"warning reference-dangling service.yaml:7:40"}},
		{"functions of the node itself and of its host", topology(nodes + "  outputs:\n    a: {value: {get_attribute: [SELF, a]}}\n    b: {value: {get_property: [HOST, b]}}\n"), nil},
		{"a requirement of a node that is not there", topology("topology_template:\n  node_templates:\n    app: {type: tosca.nodes.SoftwareComponent, requirements: [{host: server}, {link: {node: net}}]}\n"),
			[]string{"warning reference-dangling service.yaml:4:70", "warning reference-dangling service.yaml:4:93"}},
		{"a requirement of a type", topology("node_types: {Host: {derived_from: tosca.nodes.Compute}}\ntopology_template:\n  node_templates:\n    app: {type: tosca.nodes.SoftwareComponent, requirements: [{host: tosca.nodes.Compute}, {host: Host}]}\n"), nil},
		{"a policy for a node that is not there", topology(nodes + "  policies: [{together: {type: tosca.policies.Placement, targets: [app, web]}}]\n"),
			[]string{"warning reference-dangling service.yaml:6:73"}},
		{"a policy for a group", topology(nodes + "  groups: {all: {type: tosca.groups.Root, members: [app]}}\n  policies: [{together: {type: tosca.policies.Placement, targets: [all]}}]\n"), nil},
		{"nodes without a type, one for lack of a blank", topology("topology_template:\n  node_templates:\n    app: {description: x}\n    web:\n      type:acme.Web\n"),
			[]string{"warning node-type-missing service.yaml:4:5", "warning node-type-missing service.yaml:5:5"}},
		{"levels and aspects that are defined", topology(levels), nil},
		{"a level that is not defined", topology(levels).edit(t, "service.yaml", "{levels: {small: {number", "{levels: {tiny: {number"),
			[]string{"warning policy-level service.yaml:12:31"}},
		{"a default level that is not defined", topology(levels).edit(t, "service.yaml", "default_level: small", "default_level: tiny"),
			[]string{"warning policy-level service.yaml:6:108"}},
		{"aspects that are not defined", topology(levels).edit(t, "service.yaml", "{aspects: {workers", "{aspects: {helpers"),
			[]string{"warning policy-level service.yaml:6:52", "warning policy-level service.yaml:15:30"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, findings := tosca.Read(tt.files)
			wantFindings(t, findings, tt.findings...)
		})
	}
}

func TestOperationsThatNameArtifacts(t *testing.T) {
	const node = "topology_template:\n  node_templates:\n    app:\n      type: acme.App\n      artifacts: {own: start.sh}\n      interfaces: {Standard: {create: {implementation: {primary: own, dependencies: inherited}}, start: %}}\n"
	const types = "node_types:\n  acme.App: {derived_from: acme.Base}\n  acme.Base: {derived_from: tosca.nodes.Root, artifacts: {inherited: start.sh}}\n"
	tests := []struct {
		name, start, types string
		findings           []string
	}{
		{"of the node and of its type's ancestor", "inherited", types, nil},
		{"a file", "start.sh", types, nil},
		{"a command", "echo started", types, nil},
		{"a script at a URL", "http://example.com/start.sh", types, []string{"warning artifact-remote service.yaml:7:105"}},
		{"none", "gone", types, []string{"warning artifact-missing service.yaml:7:105"}},
		{"perhaps of a type that is not in the package", "gone", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, findings := tosca.Read(topology(node+tt.types).edit(t, "service.yaml", "start: %", "start: "+tt.start))
			wantFindings(t, findings, tt.findings...)
		})
	}
}
